/** Finds a port for the demo. Somebody else can take it before it is used; then the start fails and says so. */
import { createServer } from 'node:net';

/** The first of `count` ports from `first` on that can be bound, or undefined. */
export async function findFreePort(
  address: string,
  first: number,
  count: number,
): Promise<number | undefined> {
  for (let port = first; port < first + count && port <= 65_535; port++) {
    if (await isFree(address, port)) return port;
  }
  return undefined;
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    // Without a host Node takes `::`, or `0.0.0.0` on a machine without IPv6.
    probe.listen(host === '::' ? { port } : { host, port }, () => probe.close(() => resolve(true)));
  });
}
