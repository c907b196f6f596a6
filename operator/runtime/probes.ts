/**
 * The operator's small HTTP servers: /healthz and /readyz on one port, /metrics on another. Plain GET,
 * nothing else; answers say in words what is wrong.
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describeError } from '#gateway/kit/errors.ts';

/** Sentences about what is wrong; none is well. */
export type Check = () => readonly string[];

export interface ProbesOptions {
  /** All addresses by default. */
  readonly host?: string;
  /** 0: any free one. */
  readonly probePort: number;
  readonly metricsPort: number;
  /** Problems that only a new process cures. Never anything about the API server being away. */
  readonly health: Check;
  readonly readiness: Check;
  readonly metrics: { readonly contentType: string; render(): Promise<string> };
}

export interface Probes extends AsyncDisposable {
  readonly probePort: number;
  readonly metricsPort: number;
}

/** @throws Node's error when a port is taken. */
export async function startProbes(options: ProbesOptions): Promise<Probes> {
  const { health, metrics, readiness } = options;
  const checks: Readonly<Record<string, Check>> = {
    '/healthz': health,
    '/livez': health,
    '/readyz': readiness,
  };
  const probes = await listen(options.host, options.probePort, (request, answer) => {
    const check = checks[pathOf(request.url)];
    const problems = check ? check() : ['not found'];
    const code = check ? (problems.length > 0 ? 503 : 200) : 404;
    answer.writeHead(code, { 'content-type': 'text/plain; charset=utf-8' });
    answer.end(`${problems.length > 0 ? problems.join('\n') : 'ok'}\n`);
  });
  let scrapes: Server;
  try {
    scrapes = await listen(options.host, options.metricsPort, (request, answer) => {
      if (pathOf(request.url) !== '/metrics') {
        answer.writeHead(404).end('not found\n');
        return;
      }
      metrics.render().then(
        (text) => answer.writeHead(200, { 'content-type': metrics.contentType }).end(text),
        (error: unknown) => answer.writeHead(500).end(`${describeError(error)}\n`),
      );
    });
  } catch (error) {
    await close(probes);
    throw error;
  }
  return {
    probePort: portOf(probes),
    metricsPort: portOf(scrapes),
    async [Symbol.asyncDispose]() {
      await Promise.all([close(probes), close(scrapes)]);
    },
  };
}

function listen(host: string | undefined, port: number, serve: RequestListener): Promise<Server> {
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 5_000 },
    (request, answer) => {
      if (request.method === 'GET' || request.method === 'HEAD') serve(request, answer);
      else answer.writeHead(405, { allow: 'GET, HEAD' }).end();
    },
  );
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function pathOf(url = '/'): string {
  return url.split('?', 1)[0] ?? '/';
}
