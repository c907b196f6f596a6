/**
 * The two lists of COS as pages: GetBucket (COS page 436/7734) and ListMultipartUploads (7736). Pure.
 *
 * Always asked with encoding-type=url, because keys may hold characters XML cannot: keys, prefixes and
 * markers come percent-encoded, and `+` means itself (COS's own SDKs decode them so).
 */
import { freeBytes } from '#gateway/kit/free-bytes.ts';
import type { ListPage, MultipartUpload, ObjectInfo } from '../object-store.ts';
import { type Decode, entriesOf } from './list-entries.ts';
import { bodyText, type CosReply, parseDate, requireRoot, unusableReply } from './reply.ts';
import { elementBlocks, elementText } from './xml-scan.ts';

/**
 * The objects of the page are read from its bytes each time they are asked for, and throw StoreError
 * `unavailable` at an entry without key or size.
 * @throws StoreError when the reply is no list.
 */
export function readListPage(reply: CosReply): ListPage {
  requireRoot('GetBucket', reply, 'ListBucketResult');
  const { frame, entries } = splitList(reply.bytes);
  if (!frame.trimEnd().endsWith('</ListBucketResult>')) {
    throw unusableReply('GetBucket', reply, 'the list breaks off');
  }
  const decode = decoderOf(frame);
  const refuse = () => unusableReply('GetBucket', reply, 'an entry without key or size');
  const objects = entriesOf({ xml: entries, decode, refuse });
  const prefixes: string[] = [];
  for (const block of elementBlocks(frame, 'CommonPrefixes')) {
    prefixes.push(decode(elementText(block, 'Prefix') ?? ''));
  }
  const release = () => freeBytes(reply.bytes);
  if (elementText(frame, 'IsTruncated') !== 'true') return { objects, prefixes, release };
  const marker = elementText(frame, 'NextMarker');
  const nextMarker = marker ? decode(marker) : lastOf(objects, prefixes);
  if (nextMarker === undefined) throw unusableReply('GetBucket', reply, 'truncated without marker');
  return { objects, prefixes, nextMarker, release };
}

const entryEnd = '</Contents>';

/** The entries, as bytes, and what stands around them. COS puts nothing between them. */
function splitList(xml: Buffer): { frame: string; entries: Buffer } {
  const begin = xml.indexOf('<Contents>');
  if (begin < 0) return { frame: xml.toString(), entries: xml.subarray(0, 0) };
  const end = Math.max(begin, xml.lastIndexOf(entryEnd) + entryEnd.length);
  const entries = xml.subarray(begin, end);
  // Another store may mix files and folders.
  const frame = entries.includes('<CommonPrefixes>')
    ? xml.toString()
    : xml.toString('utf8', 0, begin) + xml.toString('utf8', end);
  return { frame, entries };
}

/** Where the next page starts when the store does not say: after the last name of this one. */
function lastOf(objects: Iterable<ObjectInfo>, prefixes: readonly string[]): string | undefined {
  let key: string | undefined;
  for (const object of objects) key = object.key;
  const prefix = prefixes.at(-1);
  if (key === undefined || prefix === undefined) return key ?? prefix;
  return Buffer.compare(Buffer.from(key), Buffer.from(prefix)) > 0 ? key : prefix;
}

export interface UploadPage {
  readonly uploads: readonly MultipartUpload[];
  /** Both markers for the next page; absent on the last one. */
  readonly next?: { readonly keyMarker: string; readonly uploadIdMarker: string };
}

/** @throws StoreError when the reply is no list. */
export function readUploadPage(reply: CosReply): UploadPage {
  requireRoot('ListMultipartUploads', reply, 'ListMultipartUploadsResult');
  const xml = bodyText(reply);
  const decode = decoderOf(xml);
  const uploads: MultipartUpload[] = [];
  for (const block of elementBlocks(xml, 'Upload')) {
    const key = elementText(block, 'Key');
    const uploadId = elementText(block, 'UploadId');
    if (key === undefined || !uploadId) {
      throw unusableReply('ListMultipartUploads', reply, 'an entry without key or id');
    }
    const initiated = elementText(block, 'Initiated');
    uploads.push({
      key: decode(key),
      uploadId,
      ...(initiated && { initiatedAt: parseDate(initiated) }),
    });
  }
  if (elementText(xml, 'IsTruncated') !== 'true') return { uploads };
  const keyMarker = decode(elementText(xml, 'NextKeyMarker') ?? '');
  const uploadIdMarker = elementText(xml, 'NextUploadIdMarker') ?? '';
  return { uploads, next: { keyMarker, uploadIdMarker } };
}

/** Only what says that it is encoded is decoded; a key that is no valid encoding stays as sent. */
function decoderOf(xml: string): Decode {
  const encoding = elementText(xml, 'EncodingType') ?? elementText(xml, 'Encoding-Type');
  return encoding?.toLowerCase() === 'url' ? percentDecode : (text) => text;
}

function percentDecode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // bytes that are no UTF-8: such a key has no name in FTP either way
  }
}
