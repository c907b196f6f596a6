/** The reply headers that tell of an object (COS pages 436/7745 and 436/7753). */
import { standardClass } from './attributes.ts';
import type { ReplyHeaders } from './exchange.ts';
import type { Checksums, ObjectRecord } from './shelf.ts';

export function checksumHeaders({ etag, crc64 }: Checksums): ReplyHeaders {
  const headers: ReplyHeaders = { ETag: etag };
  if (crc64 !== undefined) headers[crcHeader] = crc64.toString();
  return headers;
}

export const crcHeader = 'x-cos-hash-crc64ecma';

/** For GET and HEAD. The class is told only when it is not STANDARD. */
export function objectHeaders(record: ObjectRecord): ReplyHeaders {
  const { contentType, storageClass, headers } = record.attributes;
  const all: ReplyHeaders = {
    'Content-Type': contentType,
    'Last-Modified': new Date(record.modifiedAtMs).toUTCString(),
    'Accept-Ranges': 'bytes',
    ...checksumHeaders(record),
    ...headers,
  };
  if (storageClass !== standardClass) all['x-cos-storage-class'] = storageClass;
  return all;
}

/** Times in XML have whole seconds: `2026-01-02T03:04:05.000Z`. */
export function xmlTime(timeMs: number): string {
  return new Date(Math.floor(timeMs / 1000) * 1000).toISOString();
}
