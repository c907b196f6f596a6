/**
 * The IPv4 addresses of a name as this machine sees them, and for how long they hold.
 *
 * The system's resolver decides (hosts file, search domains, caches); it hides the record's time to live,
 * so the name server is asked for that alone, and its silence is no failure.
 */
import { lookup, Resolver } from 'node:dns/promises';

export interface HostAddresses {
  readonly addresses: readonly string[];
  /** Time to live of the record; absent when no name server told one for these addresses. */
  readonly ttlSeconds?: number;
}

const serverTimeoutMs = 2_000;

/** @throws when the system knows no IPv4 address for the name. */
export async function resolveHost(name: string): Promise<HostAddresses> {
  const resolver = new Resolver({ timeout: serverTimeoutMs, tries: 1 });
  const [found, records] = await Promise.all([
    lookup(name, { family: 4, all: true }),
    resolver.resolve4(name, { ttl: true }).catch(() => []),
  ]);
  const addresses = found.map(({ address }) => address);
  const lives = records.filter(({ address }) => addresses.includes(address)).map(({ ttl }) => ttl);
  return lives.length === 0 ? { addresses } : { addresses, ttlSeconds: Math.min(...lives) };
}
