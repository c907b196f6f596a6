/**
 * The header of the PROXY protocol, versions 1 and 2, as HAProxy's specification (proxy-protocol.txt) has
 * it: from bytes to addresses. Pure; whose header is believed is decided in proxy-door.ts.
 *
 * It must decide as soon as the bytes allow it, whatever pieces they come in, and never ask for more than
 * a header may be long.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { plainAddress } from '#gateway/kit/networks.ts';

/** Between whom the balancer speaks; the ports are of no use to us. */
export interface AnnouncedPair {
  /** The client, as {@link plainAddress} spells it. */
  readonly source: string;
  /** What the client connected to. */
  readonly destination: string;
}

export type ProxyHeader =
  /** So far it is the beginning of a header. */
  | { readonly kind: 'incomplete' }
  /** No header begins like this. */
  | { readonly kind: 'absent' }
  /** It begins like a header and is none. */
  | { readonly kind: 'invalid'; readonly reason: string }
  /** `announced` is absent for LOCAL and UNKNOWN: the balancer speaks for itself, or does not know. */
  | { readonly kind: 'header'; readonly bytes: number; readonly announced?: AnnouncedPair };

/** Section 2.1: with CR LF, in the longest case. */
export const lineBytesMax = 107;
/** Ours: the specification allows 65,551. A header with every known TLV and a certificate name has some 500. */
export const binaryBytesMax = 4096;

const lineStart = Buffer.from('PROXY ');
/** Section 2.2: holds a line end and a NUL, so that no server takes it for a command. */
const binaryStart = Buffer.from([13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]);
const binaryFixedBytes = 16;

/** @param bytes everything the connection sent so far, from its first byte. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsLike(bytes, lineStart)) return readLine(bytes);
  if (startsLike(bytes, binaryStart)) return readBinary(bytes);
  return { kind: 'absent' };
}

function startsLike(bytes: Buffer, start: Buffer): boolean {
  const count = Math.min(bytes.length, start.length);
  return bytes.subarray(0, count).equals(start.subarray(0, count));
}

/** `PROXY TCP4 192.0.2.1 198.51.100.1 56324 21` (section 2.1). */
function readLine(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, lineBytesMax).indexOf('\r\n');
  if (end === -1) {
    if (bytes.length < lineBytesMax) return { kind: 'incomplete' };
    return invalid('a line without end');
  }
  const line = bytes.toString('latin1', lineStart.length, end);
  const header = { kind: 'header', bytes: end + 2 } as const;
  if (/^UNKNOWN( |$)/.test(line)) return header;
  const [family = '', source = '', destination = '', ...ports] = line.split(' ');
  const isAddress = lineFamilies.get(family);
  if (!isAddress) return invalid('an unknown protocol');
  if (!isAddress(source) || !isAddress(destination)) return invalid('no address');
  if (ports.length !== 2 || !ports.every(isPort)) return invalid('no port');
  return { ...header, announced: announce(source, destination) };
}

const lineFamilies: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ['TCP4', isIPv4],
  // Without a zone: it would mean something to the balancer only.
  ['TCP6', (text) => isIPv6(text) && !text.includes('%')],
]);

function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

/** Signature, version and command, family and protocol, length, addresses, TLVs (section 2.2). */
function readBinary(bytes: Buffer): ProxyHeader {
  if (bytes.length < binaryFixedBytes) return { kind: 'incomplete' };
  const version = bytes.readUInt8(12) >>> 4;
  const command = bytes.readUInt8(12) & 0xf;
  const total = binaryFixedBytes + bytes.readUInt16BE(14);
  if (version !== 2) return invalid('an unknown version');
  if (command !== local && command !== proxy) return invalid('an unknown command');
  if (total > binaryBytesMax) return invalid(`more than ${binaryBytesMax} bytes`);
  const addressBytes = binaryAddressBytes.get(bytes.readUInt8(13)) ?? 0;
  const hasAddresses = command === proxy && addressBytes > 0;
  if (hasAddresses && total < binaryFixedBytes + 2 * addressBytes + 4) {
    return invalid('shorter than its addresses');
  }
  if (bytes.length < total) return { kind: 'incomplete' };
  if (!hasAddresses) return { kind: 'header', bytes: total };
  const at = (index: number) => binaryFixedBytes + index * addressBytes;
  const source = formatAddress(bytes.subarray(at(0), at(1)));
  const destination = formatAddress(bytes.subarray(at(1), at(2)));
  return { kind: 'header', bytes: total, announced: announce(source, destination) };
}

const local = 0;
const proxy = 1;

/** By family and protocol: TCP over IPv4 and IPv6. Unix sockets and datagrams announce nothing of use. */
const binaryAddressBytes: ReadonlyMap<number, number> = new Map([
  [0x11, 4],
  [0x21, 16],
]);

function formatAddress(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index));
  return groups.map((group) => group.toString(16)).join(':');
}

function announce(source: string, destination: string): AnnouncedPair {
  return { source: plainAddress(source), destination: plainAddress(destination) };
}

function invalid(reason: string): ProxyHeader {
  return { kind: 'invalid', reason };
}
