/**
 * Which keys COS takes (COS page 436/13324). Applied to writes only: reading or deleting a name that
 * cannot exist is a missing key, not a bad one.
 */
import { CosError } from './errors.ts';

/** UTF-8 bytes. */
export const keyBytesMax = 850;

/** @throws CosError KeyTooLong, InvalidObjectName. */
export function checkKey(key: string): void {
  if (Buffer.byteLength(key) > keyBytesMax) throw new CosError('KeyTooLong');
  // The control characters COS names: CAN, EM, SUB and ESC; and the pair LF CR.
  const isRefused = /^[/\\]|[\u0018-\u001b]|\n\r/.test(key);
  if (key === '' || isRefused) throw new CosError('InvalidObjectName');
}
