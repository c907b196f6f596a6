/**
 * The bytes that every benchmark moves: one MiB of noise, again and again. Whoever knows the pattern can
 * check bytes by comparing them, and knows the CRC-64 of any length of it without computing it again.
 */
import { MiB } from '#gateway/kit/bytes.ts';
import { crc64 } from '#gateway/kit/crc64.ts';
import { combineCrc64 } from '#gateway/kit/crc64-combine.ts';
import { seededRandom } from '#test/support/random.ts';

export const periodBytes: number = MiB;

/** Twice the period, so that a period from any offset is one stretch. */
const twice = Buffer.alloc(2 * periodBytes, seededRandom(1).bytes(periodBytes));

/** One period. */
export const pattern: Buffer = twice.subarray(0, periodBytes);

/** Whether `bytes` are the pattern from that offset on. */
export function isPattern(bytes: Uint8Array, offsetBytes: number): boolean {
  for (let at = 0; at < bytes.length; at += periodBytes) {
    const begin = (offsetBytes + at) % periodBytes;
    const piece = bytes.subarray(at, at + periodBytes);
    if (twice.compare(piece, 0, piece.length, begin, begin + piece.length) !== 0) return false;
  }
  return true;
}

/** A stretch of the pattern, at most one period. */
export function patternSlice(offsetBytes: number, lengthBytes: number): Buffer {
  const begin = offsetBytes % periodBytes;
  return twice.subarray(begin, begin + Math.min(lengthBytes, periodBytes));
}

const known = new Map<number, bigint>();

/** Of the first `lengthBytes` of the pattern. */
export function patternCrc64(lengthBytes: number): bigint {
  const seen = known.get(lengthBytes);
  if (seen !== undefined) return seen;
  let sum = 0n;
  for (let at = 0; at < lengthBytes; at += periodBytes) {
    const bytes = Math.min(periodBytes, lengthBytes - at);
    sum = combineCrc64(sum, prefixCrc64(bytes), bytes);
  }
  known.set(lengthBytes, sum);
  return sum;
}

const wholePeriod = crc64(pattern);

function prefixCrc64(lengthBytes: number): bigint {
  return lengthBytes === periodBytes ? wholePeriod : crc64(pattern.subarray(0, lengthBytes));
}
