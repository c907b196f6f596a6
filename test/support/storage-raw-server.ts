/**
 * An HTTP server that answers as a test says, however wrong: what COS never does and a proxy, a captive
 * portal or a dying server may. Knows how many connections are open and were ever opened.
 */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface RawServer extends AsyncDisposable {
  readonly port: number;
  /** `host:port`, an IPv6 host in brackets. */
  readonly endpoint: string;
  readonly openConnections: number;
  readonly connectionsEver: number;
  readonly requests: readonly { readonly method: string; readonly url: string }[];
}

export async function startRawServer(
  answer: RequestListener,
  host = '127.0.0.1',
): Promise<RawServer> {
  const open = new Set<Socket>();
  const requests: { method: string; url: string }[] = [];
  let connectionsEver = 0;
  const server = createServer((request, reply) => {
    requests.push({ method: request.method ?? '', url: request.url ?? '' });
    answer(request, reply);
  });
  server.on('connection', (socket) => {
    connectionsEver++;
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    endpoint: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
    get openConnections() {
      return open.size;
    },
    get connectionsEver() {
      return connectionsEver;
    },
    requests,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      if (server.listening) await once(server, 'close');
    },
  };
}
