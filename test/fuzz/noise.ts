/**
 * Bytes that are no command lines, or lines in strange clothes: binary noise, telnet commands, lines
 * without end, one line in many segments. Pure.
 */
import type { SeededRandom } from '#test/support/random.ts';
import { drawLine, pick } from './vocabulary.ts';

const LF = 0x0a;
const IAC = 0xff;

/** Longest line that is read (RFC 959 names no limit); one byte more is answered 500. */
const lineBytesMax = 8192;

/** Random bytes; how many replies they are owed nobody can say without being the server. */
export function drawBinary(random: SeededRandom): Buffer {
  const bytes = Buffer.from(random.bytes(random.between(1, 3000)));
  // Denser in the bytes that mean something.
  for (let index = 0; index < bytes.length; index++) {
    if (random.next() < 0.08)
      bytes[index] = pick(random, [LF, 0x0d, IAC, 0xf2, 0xf4, 0xfb, 0x20, 0]);
  }
  return bytes;
}

/** A line with telnet commands in front, as clients send ABOR, and sometimes with bytes lost of them. */
export function drawTelnet(random: SeededRandom): Buffer {
  const prefixes = [
    [IAC, 0xf4, IAC, 0xf2],
    [IAC, 0xf4, IAC],
    [IAC, 0xf4, 0xf2],
    [0xf2],
    [IAC],
    [IAC, IAC],
    [IAC, 0xfb, 0x01],
    [IAC, 0xfd, LF],
    [IAC, 0xf0],
  ];
  const line = pick(random, [
    'ABOR\r\n',
    'ABOR\n',
    'ABOR\r',
    'NOOP\r\n',
    `${drawLine(random)}\r\n`,
  ]);
  return Buffer.concat([Buffer.from(pick(random, prefixes)), Buffer.from(line)]);
}

/** Exactly one reply: lengths around the limit, and far above it but below the end of patience. */
export function drawLongLine(random: SeededRandom): Buffer {
  const lengths = [lineBytesMax - 1, lineBytesMax, lineBytesMax + 1, 65_536, 300_000];
  const verb = pick(random, ['STOR ', 'NOOP ', 'XYZZY ', 'USER ', '']);
  const filler = pick(random, ['x', ' ', 'é', '"', '/']);
  const bytes = Buffer.alloc(pick(random, lengths) + 2, filler);
  bytes.write(verb, 'latin1');
  bytes.write('\r\n', bytes.length - 2, 'latin1');
  return bytes;
}

/** More than 1 MiB and no end: the connection is closed. */
export function endlessLine(): Buffer {
  return Buffer.alloc(1_200_000, 'A');
}

/** The same bytes in several segments, cut anywhere; a single one as often. */
export function cutIntoSegments(random: SeededRandom, bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  const cuts = random.next() < 0.5 ? 0 : random.between(1, 6);
  let rest = bytes;
  for (let cut = 0; cut < cuts && rest.length > 1; cut++) {
    const length = random.between(1, rest.length - 1);
    pieces.push(rest.subarray(0, length));
    rest = rest.subarray(length);
  }
  return [...pieces, rest];
}
