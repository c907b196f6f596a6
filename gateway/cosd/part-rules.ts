/**
 * The rules of multipart uploads (COS pages 436/14112, 436/7750 and 436/7742) as pure functions: which
 * part numbers exist, what a Complete list must look like, and the checksums of the whole.
 */
import { hash } from 'node:crypto';
import { MiB } from '#gateway/kit/bytes.ts';
import { combineCrc64 } from '#gateway/kit/crc64-combine.ts';
import { unquote } from './conditions.ts';
import { CosError } from './errors.ts';
import type { Checksums, KeptPart } from './shelf.ts';

export const partNumberMax = 10_000;

/** Of every part but the last. */
export const partBytesMin: number = MiB;

/** One line of a Complete list. */
export interface ListedPart {
  readonly number: number;
  readonly etag: string;
}

/** @throws CosError InvalidArgument. */
export function parsePartNumber(text: string | undefined): number {
  const number = /^\d{1,5}$/.test(text ?? '') ? Number(text) : 0;
  if (number < 1 || number > partNumberMax) {
    throw new CosError('InvalidArgument', {
      message: `Part number must be an integer between 1 and ${partNumberMax}, inclusive.`,
    });
  }
  return number;
}

/**
 * The uploaded parts a Complete list names: ascending (InvalidPartOrder), consecutive from 1 and with the
 * ETag each was answered with (InvalidPart), large enough (EntityTooSmall).
 */
export function partsInOrder(
  uploaded: ReadonlyMap<number, KeptPart>,
  listed: readonly ListedPart[],
): readonly KeptPart[] {
  const isAscending = listed.every((part, at) => part.number > (listed[at - 1]?.number ?? 0));
  if (!isAscending) throw new CosError('InvalidPartOrder');
  const parts = listed.map((part, at) => {
    const kept = uploaded.get(part.number);
    const matches = kept && unquote(kept.record.etag) === unquote(part.etag);
    if (!matches || part.number !== at + 1) throw new CosError('InvalidPart');
    return kept;
  });
  const isTooSmall = parts.slice(0, -1).some(({ record }) => record.sizeBytes < partBytesMin);
  if (isTooSmall) throw new CosError('EntityTooSmall');
  return parts;
}

/** A part without CRC-64 leaves the whole without one. The ETag is no MD5 of the bytes. */
export function completedChecksums(parts: readonly KeptPart[]): Checksums {
  const etags = parts.map(({ record }) => unquote(record.etag)).join('');
  const crc64 = parts.reduce<bigint | undefined>(
    (sum, { record }) =>
      sum === undefined || record.crc64 === undefined
        ? undefined
        : combineCrc64(sum, record.crc64, record.sizeBytes),
    0n,
  );
  return { etag: `"${hash('md5', Buffer.from(etags, 'hex'))}-${parts.length}"`, crc64 };
}
