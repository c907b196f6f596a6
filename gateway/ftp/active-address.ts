/**
 * The address a client asks us to connect to, from PORT and EPRT, and whether we may. Pure.
 *
 * It must let no client point us at anybody else or at a service: that is the bounce attack (RFC 2577
 * section 3).
 */
import { isIPv4, isIPv6 } from 'node:net';
import { plainAddress } from '#gateway/kit/networks.ts';

export interface ActiveTarget {
  /** As {@link plainAddress} spells it. */
  readonly address: string;
  readonly port: number;
}

/** h1,h2,h3,h4,p1,p2 (RFC 959 section 4.1.2); undefined when it is not that. */
export function parsePort(argument: string): ActiveTarget | undefined {
  const fields = argument.split(',');
  const numbers = fields.map((field) => (/^ *\d{1,3} *$/.test(field) ? Number(field) : Number.NaN));
  if (numbers.length !== 6 || !numbers.every((number) => number <= 255)) return undefined;
  const [high = 0, low = 0] = numbers.slice(4);
  return { address: numbers.slice(0, 4).join('.'), port: high * 256 + low };
}

/** Network protocols of RFC 2428 section 2. */
export type NetworkProtocol = '1' | '2';

/** By which of them an address is reached: IPv4 is 1, IPv6 is 2. */
export function protocolOf(address: string): NetworkProtocol {
  return address.includes(':') ? '2' : '1';
}

/**
 * `|1|132.235.1.2|6275|`, any printable delimiter (RFC 2428 section 2).
 * @returns `foreign-protocol` for a protocol that is not the one asked for, whatever follows it.
 */
export function parseExtendedPort(
  argument: string,
  protocol: NetworkProtocol,
): ActiveTarget | 'foreign-protocol' | undefined {
  const delimiter = argument.charAt(0);
  if (!/^[!-~]$/.test(delimiter)) return undefined;
  const [before, number, address = '', port = '', after, ...more] = argument.split(delimiter);
  if (before !== '' || after !== '' || more.length > 0) return undefined;
  if (!/^\d+$/.test(number ?? '')) return undefined;
  if (number !== protocol) return 'foreign-protocol';
  const isAddress = protocol === '1' ? isIPv4(address) : isIPv6(address);
  const isPort = /^\d{1,5}$/.test(port) && Number(port) <= 65_535;
  return isAddress && isPort ? { address: plainAddress(address), port: Number(port) } : undefined;
}

/** Ports below belong to services of the machine. */
const userPortMin = 1024;

/** Why we must not connect there. @param peer the client's own address. */
export function targetProblem(target: ActiveTarget, peer: string): string | undefined {
  if (target.address !== peer) return 'Data connections go to your own address only';
  if (target.port < userPortMin) return `Data connections go to ports from ${userPortMin} only`;
  return undefined;
}
