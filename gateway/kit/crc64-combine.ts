/**
 * The checksum of a whole from the checksums of its parts, without the bytes. Exact: a CRC is a remainder
 * over GF(2), so the first part's is multiplied by x^8 once per byte that follows and the second's added.
 */
import { assert } from './assert.ts';
import { crc64Engine } from './crc64.ts';

/**
 * CRC-64/XZ of A followed by B.
 * @param first Checksum of A.
 * @param second Checksum of B.
 * @param secondBytes Length of B. Costs a fraction of a microsecond per bit that is set in it.
 */
export function combineCrc64(first: bigint, second: bigint, secondBytes: number): bigint {
  assert(Number.isSafeInteger(secondBytes) && secondBytes >= 0, 'a length is a whole number');
  return BigInt.asUintN(64, crc64Engine.shift(first, secondBytes) ^ second);
}
