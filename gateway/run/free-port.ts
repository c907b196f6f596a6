/** Tries a port before it is used. Somebody else can take it in between; then the start fails and says so. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { listenPlace } from '#gateway/kit/listen-place.ts';

/** The first of `count` ports from `first` on that can be bound, or undefined. */
export async function findFreePort(
  address: string,
  first: number,
  count: number,
): Promise<number | undefined> {
  for (let port = first; port < first + count && port <= 65_535; port++) {
    const isFree = await tryPort(address, port).then(
      () => true,
      () => false,
    );
    if (isFree) return port;
  }
  return undefined;
}

/** Binds it and lets it go. @throws what Node says when it cannot be bound. */
export async function tryPort(host: string, port: number): Promise<void> {
  const probe = createServer();
  probe.listen(listenPlace(host, port));
  await once(probe, 'listening');
  probe.close();
  await once(probe, 'close');
}
