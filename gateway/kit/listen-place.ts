/**
 * Where a server listens, as Node is told, and what it got. `::` means all addresses: IPv6 and IPv4 where
 * the machine has both, IPv4 alone where IPv6 is compiled out or switched off.
 */
import type { ListenOptions, Server } from 'node:net';

/** Without a host Node takes `::`, or `0.0.0.0` when that cannot be had (lib/net.js). */
export function listenPlace(host: string, port: number): ListenOptions {
  return host === '::' ? { port } : { host, port };
}

/** Whether a listening server was to have all addresses and has those of IPv4 only. */
export function lacksIpv6(host: string, server: Server): boolean {
  const address = server.address();
  return host === '::' && typeof address === 'object' && address?.family === 'IPv4';
}
