/** Headers of the PROXY protocol as balancers send them. */

export interface ProxyEnds {
  readonly source: string;
  readonly destination?: string;
}

/** Version 1, for IPv4 and IPv6. */
export function proxyLine({ source, destination = defaultDestination(source) }: ProxyEnds): Buffer {
  const family = source.includes(':') ? 'TCP6' : 'TCP4';
  return Buffer.from(`PROXY ${family} ${source} ${destination} 56324 21\r\n`);
}

export interface BinaryHeader {
  readonly command?: number;
  readonly version?: number;
  readonly family?: number;
  readonly payload?: Uint8Array;
  /** Default: what the payload has. */
  readonly length?: number;
}

/** Version 2, byte by byte; default an empty LOCAL. */
export function binaryHeader(header: BinaryHeader): Buffer {
  const { command = 0, version = 2, family = 0, payload = Buffer.alloc(0) } = header;
  const fixed = Buffer.alloc(16);
  fixed.write('\r\n\r\n\0\r\nQUIT\n', 'latin1');
  fixed.writeUInt8((version << 4) | command, 12);
  fixed.writeUInt8(family, 13);
  fixed.writeUInt16BE(header.length ?? payload.length, 14);
  return Buffer.concat([fixed, payload]);
}

/** Version 2 for IPv4. @param tlvs what follows the addresses. */
export function proxyBinary(
  { source, destination = defaultDestination(source) }: ProxyEnds,
  tlvs: Uint8Array = Buffer.alloc(0),
): Buffer {
  const addresses = [...source.split('.'), ...destination.split('.')].map(Number);
  const payload = Buffer.concat([Buffer.from([...addresses, 0xdc, 0x04, 0, 21]), tlvs]);
  return binaryHeader({ command: 1, family: 0x11, payload });
}

function defaultDestination(source: string): string {
  return source.includes(':') ? '2001:db8::21' : '198.51.100.21';
}
