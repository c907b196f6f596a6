/**
 * A second, loopback-only listener through which a rehearsal changes the fault script of a running server
 * and reads what was asked of it. Never on the COS port, where a client could reach it.
 *
 *     curl -X PUT --data-binary @faults.json http://127.0.0.1:9001/faults    replaces the script
 *     curl http://127.0.0.1:9001/faults                                      rules, and how often each applied
 *     curl -X DELETE http://127.0.0.1:9001/faults                            everything works again
 *     curl http://127.0.0.1:9001/requests                                    counts and the last requests
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { FaultScriptError, parseFaultScript } from './fault-reader.ts';
import type { Faults } from './faults.ts';
import type { Journal } from './journal.ts';

export interface AdminParts {
  readonly faults: Faults;
  readonly journal: Journal;
}

export interface Admin {
  readonly url: string;
  close(): Promise<void>;
}

const scriptBytesMax = 1024 * 1024;

/** Nothing without a port. */
export async function startAdmin(
  port: number | undefined,
  parts: AdminParts,
): Promise<Admin | undefined> {
  if (port === undefined) return undefined;
  const server = createServer((incoming, outgoing) => {
    answer(incoming, parts).then(
      (reply) => send(outgoing, reply),
      () => outgoing.destroy(),
    );
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async () => {
    const over = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await over;
  };
  return { url, close };
}

interface AdminReply {
  readonly status: number;
  readonly json: unknown;
}

async function answer(incoming: IncomingMessage, parts: AdminParts): Promise<AdminReply> {
  const { method, url, headers } = incoming;
  // A web page may reach loopback under a name of its own.
  if (!/^(?:127\.0\.0\.1|localhost)(?::\d+)?$/.test(headers.host ?? '')) {
    return { status: 403, json: { error: 'only for this machine' } };
  }
  const { faults, journal } = parts;
  switch (`${method} ${url}`) {
    case 'PUT /faults':
      return setFaults(incoming, faults);
    case 'DELETE /faults':
      faults.clear();
      return { status: 200, json: [] };
    case 'GET /faults':
      return { status: 200, json: faults.report() };
    case 'GET /requests':
      return { status: 200, json: { counts: journal.counts(), last: journal.entries() } };
    default:
      return { status: 404, json: { error: 'PUT, GET, DELETE /faults and GET /requests' } };
  }
}

async function setFaults(incoming: IncomingMessage, faults: Faults): Promise<AdminReply> {
  if (!(Number(incoming.headers['content-length']) <= scriptBytesMax)) {
    return {
      status: 413,
      json: { error: `send at most ${scriptBytesMax} bytes, with their length` },
    };
  }
  try {
    faults.set(parseFaultScript(await text(incoming)));
    return { status: 200, json: faults.report() };
  } catch (error) {
    if (!(error instanceof FaultScriptError)) throw error;
    return { status: 400, json: { error: error.message } };
  }
}

function send(outgoing: ServerResponse, { status, json }: AdminReply): void {
  const body = `${JSON.stringify(json, null, 2)}\n`;
  outgoing.writeHead(status, { 'Content-Type': 'application/json' });
  outgoing.end(body);
}
