/**
 * Address ranges as people write them in a configuration (`10.0.0.0/8`, `fc00::/7`, one address) and
 * the question whether an address is inside. An IPv4 address that a dual-stack socket shows as
 * `::ffff:10.1.2.3` is that IPv4 address everywhere.
 */

import { BlockList, isIP, isIPv6, SocketAddress } from 'node:net';

/**
 * One spelling per address: IPv6 in its short form without zone, IPv4 mapped into IPv6 as plain IPv4.
 * What is no address comes back as it is.
 */
export function plainAddress(address: string): string {
  // The long pattern behind isIPv6 costs more than the rest of a connection's bookkeeping.
  if (!address.includes(':') || !isIPv6(address)) return address;
  const short = new SocketAddress({ address, family: 'ipv6' }).address;
  return short.startsWith('::ffff:') && short.includes('.') ? short.slice('::ffff:'.length) : short;
}

/**
 * Whom an address stands for when clients are counted: one IPv4 address, or the /64 of an IPv6 address,
 * which one customer has whole.
 */
export function customerOf(address: string): string {
  const plain = plainAddress(address);
  return isIPv6(plain) ? firstHalf(plain) : plain;
}

/** The first four groups of a short-form IPv6 address. */
function firstHalf(address: string): string {
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - groups.length - after.length }, () => '0');
  return [...groups, ...(tail === undefined ? [] : zeros), ...after].slice(0, 4).join(':');
}

/** One range. Build with {@link parseNetwork}. */
export interface Network {
  /** As it was written. */
  readonly text: string;
  /** False for anything that is not an address, never a throw. */
  contains(address: string): boolean;
}

/** The range, or undefined when the text is neither an address nor CIDR. Host bits are ignored. */
export function parseNetwork(text: string): Network | undefined {
  const match = /^([^/]+?)(?:\/(\d{1,3}))?$/.exec(text);
  const written = match?.[1] ?? '';
  const address = plainAddress(written);
  const family = isIP(address);
  if (!match || family === 0) return undefined;
  const bitsMax = family === 4 ? 32 : 128;
  const mappedBits = family === isIP(written) ? 0 : 96;
  const bits = match[2] === undefined ? bitsMax : Number(match[2]) - mappedBits;
  if (bits < 0 || bits > bitsMax) return undefined;
  const list = new BlockList();
  list.addSubnet(address, bits, familyName(family));
  return {
    text,
    contains(other) {
      const plain = plainAddress(other);
      return isIP(plain) === family && list.check(plain, familyName(family));
    },
  };
}

/** Several ranges. Texts that do not parse are left out: whoever reads a configuration checks first. */
export class NetworkSet {
  readonly #entries: readonly Network[];

  constructor(texts: readonly string[]) {
    this.#entries = texts.map(parseNetwork).filter((entry) => entry !== undefined);
  }

  /** Whether any entry holds the address. */
  contains(address: string): boolean {
    return this.#entries.some((entry) => entry.contains(address));
  }

  /** Whether one and the same entry holds both addresses. */
  containsBoth(one: string, other: string): boolean {
    return this.#entries.some((entry) => entry.contains(one) && entry.contains(other));
  }
}

function familyName(family: number): 'ipv4' | 'ipv6' {
  return family === 4 ? 'ipv4' : 'ipv6';
}
