/**
 * The admin port: `/metrics` for Prometheus, `/livez` and `/readyz` for probes, `/statusz` for people.
 *
 * It reads and never changes anything. Readiness must not look at draining: a draining gateway goes on
 * serving the passive ports of its sessions, and an unready pod would lose them.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describeError, systemCode } from '#gateway/kit/errors.ts';
import { listenPlace } from '#gateway/kit/listen-place.ts';
import type { Log } from '#gateway/kit/log.ts';
import { ObserveError } from './errors.ts';
import { logFields } from './log-fields.ts';

/** One line of `/readyz`. */
export interface ReadinessCheck {
  readonly name: string;
  /** Why not ready, or undefined. Asked per request: must be cheap and must not touch the network. */
  readonly problem: () => string | undefined;
}

export interface AdminOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly metrics: { readonly contentType: string; render(): Promise<string> };
  readonly checks: readonly ReadinessCheck[];
  /** The body of `/statusz`; secrets are taken out of it by name. */
  readonly status: () => Readonly<Record<string, unknown>>;
  readonly log: Log;
}

export interface AdminServer extends AsyncDisposable {
  readonly port: number;
  /** Stops listening and ends all connections. Idempotent. */
  close(): Promise<void>;
}

const connectionsMax = 64;
const headerBytesMax = 8 * 1024;
const requestTimeoutMs = 10_000;
const keepAliveTimeoutMs = 5_000;

/** @throws ObserveError `port-taken`, `not-bindable`. */
export async function startAdmin(options: AdminOptions): Promise<AdminServer> {
  const routes = routeTable(options);
  const server = createServer(
    {
      maxHeaderSize: headerBytesMax,
      headersTimeout: requestTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => {
      answer(routes, request, response).catch((err: unknown) => {
        options.log.error({ path: request.url, err }, 'admin request failed');
        send(response, { status: 500, text: 'internal error, see the log\n' });
      });
    },
  );
  server.maxConnections = connectionsMax;
  server.setTimeout(requestTimeoutMs, (socket) => socket.destroy()); // also who reads too slowly
  const port = await listen(server, options.host, options.port);
  server.on('error', (err) => options.log.error({ err }, 'admin port failed'));
  const close = () => closeServer(server);
  return { port, close, [Symbol.asyncDispose]: close };
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

type Routes = ReadonlyMap<string, () => Answer | Promise<Answer>>;

function routeTable(options: AdminOptions): Routes {
  const { metrics, checks, status } = options;
  const renderOnce = shared(() => metrics.render());
  return new Map<string, () => Answer | Promise<Answer>>([
    [
      '/metrics',
      async () => ({ status: 200, text: await renderOnce(), contentType: metrics.contentType }),
    ],
    ['/livez', () => ({ status: 200, text: 'ok\n' })],
    ['/readyz', () => readiness(checks)],
    [
      '/statusz',
      () => ({
        status: 200,
        text: `${JSON.stringify(logFields(status(), 'unexpected'), null, 2)}\n`,
        contentType: 'application/json; charset=utf-8',
      }),
    ],
  ]);
}

/** Scrapes at the same time share one rendering. */
function shared<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= work().finally(() => {
      running = undefined;
    });
    return running;
  };
}

function readiness(checks: readonly ReadinessCheck[]): Answer {
  const problems = checks.map(({ name, problem }) => ({ name, sentence: ask(problem) }));
  const isReady = problems.every(({ sentence }) => sentence === undefined);
  const lines = problems.map(({ name, sentence }) =>
    sentence === undefined ? `[+] ${name}: ok` : `[-] ${name}: ${sentence}`,
  );
  const text = [...lines, isReady ? 'ready' : 'not ready', ''].join('\n');
  return { status: isReady ? 200 : 503, text };
}

function ask(problem: () => string | undefined): string | undefined {
  try {
    return problem();
  } catch (error) {
    return `the check itself failed: ${describeError(error)}`;
  }
}

async function answer(
  routes: Routes,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  request.resume(); // a body nobody asked for
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const route = routes.get(path);
  if (!route) {
    const known = [...routes.keys()].join(' ');
    return send(response, { status: 404, text: `not found; this port has ${known}\n` });
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    const headers = { Allow: 'GET, HEAD', Connection: 'close' };
    return send(response, { status: 405, text: 'only GET and HEAD\n', headers });
  }
  send(response, await route());
}

/** For HEAD, Node sends the headers and drops the body. */
function send(response: ServerResponse, { status, text, contentType, headers }: Answer): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, {
    'Content-Type': contentType ?? 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  response.end(text);
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, host, port)));
    server.listen(listenPlace(host, port), () => {
      server.removeAllListeners('error');
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function listenError(cause: Error, host: string, port: number): ObserveError {
  const isTaken = systemCode(cause) === 'EADDRINUSE';
  const place = `admin_address ${host}, admin_port ${port}`;
  return isTaken
    ? new ObserveError('port-taken', `${place}: the port is in use`, {
        cause,
        hint: 'Choose another admin_port, or 0 for any free one.',
      })
    : new ObserveError('not-bindable', `${place}: ${cause.message}`, {
        cause,
        hint: 'Choose an address of this machine and a port this user may open.',
      });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
