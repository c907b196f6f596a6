/** Byte ranges of GET (COS page 436/7753) and of a part copy (436/8287). Both ends are inclusive. */
import { CosError } from './errors.ts';

export interface ByteRange {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/**
 * `bytes=a-b`, `bytes=a-`, `bytes=-n`. Anything else, also more than one range, is no range: the whole
 * object is sent with 200, as HTTP wants.
 * @throws CosError InvalidRange when no byte of it exists; of an empty object none does.
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === '' || last === '' ? sizeBytes : Math.min(sizeBytes, Number(last) + 1);
  if (start >= end) {
    throw new CosError('InvalidRange', { headers: { 'Content-Range': `bytes */${sizeBytes}` } });
  }
  return { offsetBytes: start, lengthBytes: end - start };
}

/**
 * `x-cos-copy-source-range: bytes=a-b`, both ends required and inside the source.
 * @throws CosError InvalidArgument, InvalidRange.
 */
export function parseCopyRange(header: string, sizeBytes: number): ByteRange {
  const [, first, last] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(header.trim()) ?? [];
  if (first === undefined || last === undefined || Number(last) < Number(first)) {
    throw new CosError('InvalidArgument', { message: 'The copy source range is not valid.' });
  }
  if (Number(last) >= sizeBytes) throw new CosError('InvalidRange');
  return { offsetBytes: Number(first), lengthBytes: Number(last) - Number(first) + 1 };
}
