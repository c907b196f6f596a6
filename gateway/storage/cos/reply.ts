/**
 * Reads what COS says in headers and in short XML bodies. Pure. Nothing here trusts a reply: what is
 * missing or malformed comes back as undefined, or as the StoreError its operation must end with.
 */
import { type ObjectInfo, StoreError, type WriteReceipt } from '../object-store.ts';
import { attributesFromHeaders } from './attribute-headers.ts';
import { refusalError, storeError } from './failure.ts';
import type { CosOperation } from './operation.ts';
import { elementText, rootName } from './xml-scan.ts';

/** Lower-case names, as Node gives them. */
export type CosHeaders = Readonly<Record<string, string | undefined>>;

export interface CosReply {
  readonly status: number;
  readonly headers: CosHeaders;
  readonly bytes: Buffer;
}

export function bodyText({ bytes }: Pick<CosReply, 'bytes'>): string {
  return bytes.toString();
}

/** `<Error>` of COS page 436/7730. */
export interface ErrorReply {
  readonly code: string;
  readonly message?: string;
  readonly requestId?: string;
}

/** Undefined unless the body is an Error document with a code. */
export function readErrorReply(body: string): ErrorReply | undefined {
  if (rootName(body) !== 'Error') return undefined;
  const code = elementText(body, 'Code')?.trim();
  if (!code) return undefined;
  const message = elementText(body, 'Message');
  const requestId = elementText(body, 'RequestId');
  return { code, ...(message && { message }), ...(requestId && { requestId }) };
}

/** An unsigned 64-bit decimal; undefined for anything else. */
export function parseCrc64(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^\d{1,20}$/.test(text)) return undefined;
  const value = BigInt(text);
  return value < 2n ** 64n ? value : undefined;
}

/** What a reply without a body says of an object that was written (PutObject, UploadPart). */
export function receiptOfHeaders(operation: CosOperation, reply: CosReply): WriteReceipt {
  return receipt(operation, reply, reply.headers['etag']);
}

/**
 * What a reply with a body says: the copies and CompleteMultipartUpload, where a 200 may carry an
 * Error (COS pages 436/10881, 7742).
 * @param root the only root element that means success.
 */
export function receiptOfBody(
  operation: CosOperation,
  reply: CosReply,
  root: string,
): WriteReceipt {
  requireRoot(operation, reply, root);
  return receipt(operation, reply, elementText(bodyText(reply), 'ETag'));
}

/** @throws StoreError unless the body's root is `root`: the Error inside, or `unavailable`. */
export function requireRoot(operation: CosOperation, reply: CosReply, root: string): void {
  const found = rootName(reply.bytes.toString('utf8', 0, 4096));
  if (found === root) return;
  const error = readErrorReply(bodyText(reply));
  if (error) throw refusalError(operation, { ...reply, error });
  throw unusableReply(operation, reply, `expected ${root}, got ${found ?? 'no XML'}`);
}

/** A reply that has the status of success but not what makes it one. */
export function unusableReply(
  operation: CosOperation,
  { status, headers }: Pick<CosReply, 'status' | 'headers'>,
  reason: string,
): StoreError {
  const requestId = headers['x-cos-request-id'];
  return storeError(operation, 'unavailable', {
    httpStatus: status,
    ...(requestId !== undefined && { requestId }),
    cause: new Error(reason),
    hint: 'the endpoint does not answer as COS does: check that it is COS and not a proxy',
  });
}

function receipt(operation: CosOperation, reply: CosReply, etag: string | undefined): WriteReceipt {
  if (!etag) throw unusableReply(operation, reply, 'no ETag');
  // Copies and Complete say the checksum in the body when they knew it too late for a header.
  const crc64 =
    parseCrc64(reply.headers['x-cos-hash-crc64ecma']) ??
    parseCrc64(elementText(bodyText(reply), 'CRC64'));
  const requestId = reply.headers['x-cos-request-id'];
  return { etag, ...(crc64 !== undefined && { crc64 }), ...(requestId && { requestId }) };
}

/**
 * The facts of an object in the headers of HEAD or GET.
 * @param sizeBytes of the whole object: Content-Length of a HEAD, the total of a Content-Range.
 * @throws StoreError `unavailable` without an ETag: nothing could be compared with it later.
 */
export function objectInfoOf(
  operation: CosOperation,
  key: string,
  sizeBytes: number,
  reply: Pick<CosReply, 'status' | 'headers'>,
): ObjectInfo {
  const { headers } = reply;
  const { etag } = headers;
  if (!etag) throw unusableReply(operation, reply, 'no ETag');
  if (!Number.isSafeInteger(sizeBytes)) throw unusableReply(operation, reply, 'no size');
  const crc64 = parseCrc64(headers['x-cos-hash-crc64ecma']);
  const md5 = md5Of(headers);
  return {
    key,
    sizeBytes,
    etag,
    modifiedAt: parseDate(headers['last-modified']),
    ...(crc64 !== undefined && { crc64 }),
    ...(md5 !== undefined && { md5 }),
    ...attributesFromHeaders(headers),
  };
}

/**
 * The ETag of an object from one PUT is its MD5, unless COS encrypted it; of a multipart upload it ends in
 * the number of parts, and of an appended object it is no checksum (COS page 436/7729).
 */
function md5Of(headers: CosHeaders): string | undefined {
  const isPlain =
    headers['x-cos-server-side-encryption'] === undefined &&
    headers['x-cos-server-side-encryption-customer-algorithm'] === undefined &&
    headers['x-cos-object-type'] !== 'appendable';
  return isPlain
    ? /^"([0-9a-f]{32})"$/i.exec(headers['etag'] ?? '')?.[1]?.toLowerCase()
    : undefined;
}

/** The epoch for a date nobody can read: an entry without a date is more use than none. */
export function parseDate(text: string | undefined): Date {
  const date = new Date(text ?? 0);
  return Number.isNaN(date.getTime()) ? new Date(0) : date;
}

export interface ContentRange {
  readonly firstByte: number;
  readonly lastByte: number;
  readonly totalBytes: number;
}

/** `bytes 0-9/100` (RFC 9110 section 14.4); undefined for an unknown total. */
export function parseContentRange(text: string | undefined): ContentRange | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(text ?? '');
  if (!match) return undefined;
  const [firstByte, lastByte, totalBytes] = match.slice(1).map(Number) as [number, number, number];
  return firstByte <= lastByte && lastByte < totalBytes
    ? { firstByte, lastByte, totalBytes }
    : undefined;
}
