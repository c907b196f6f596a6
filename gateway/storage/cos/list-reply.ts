/**
 * The two lists of COS as pages: GetBucket (COS page 436/7734) and ListMultipartUploads (7736). Pure.
 *
 * Always asked with encoding-type=url, because keys may hold characters XML cannot: keys, prefixes and
 * markers come percent-encoded, and `+` means itself (COS's own SDKs decode them so).
 */
import type { ListPage, MultipartUpload, ObjectInfo } from '../object-store.ts';
import { type CosReply, parseDate, requireRoot, unusableReply } from './reply.ts';
import { elementBlocks, elementText } from './xml-scan.ts';

type Decode = (text: string) => string;

/** @throws StoreError when the reply is no list. */
export function readListPage(reply: CosReply): ListPage {
  requireRoot('GetBucket', reply, 'ListBucketResult');
  const xml = reply.body;
  const decode = decoderOf(xml);
  const objects: ObjectInfo[] = [];
  for (const block of elementBlocks(xml, 'Contents')) {
    const object = readObject(block, decode);
    if (!object) throw unusableReply('GetBucket', reply, 'an entry without key or size');
    objects.push(object);
  }
  const prefixes: string[] = [];
  for (const block of elementBlocks(xml, 'CommonPrefixes')) {
    prefixes.push(decode(elementText(block, 'Prefix') ?? ''));
  }
  if (elementText(xml, 'IsTruncated') !== 'true') return { objects, prefixes };
  const marker = elementText(xml, 'NextMarker');
  const nextMarker = marker ? decode(marker) : lastOf(objects, prefixes);
  if (nextMarker === undefined) throw unusableReply('GetBucket', reply, 'truncated without marker');
  return { objects, prefixes, nextMarker };
}

function readObject(block: string, decode: Decode): ObjectInfo | undefined {
  const key = elementText(block, 'Key');
  const size = elementText(block, 'Size');
  if (key === undefined || size === undefined || !/^\d{1,15}$/.test(size)) return undefined;
  const storageClass = elementText(block, 'StorageClass');
  return {
    key: decode(key),
    sizeBytes: Number(size),
    etag: elementText(block, 'ETag') ?? '',
    modifiedAt: parseDate(elementText(block, 'LastModified')),
    ...(storageClass && { storageClass }),
  };
}

/** Where the next page starts when the store does not say: after the last name of this one. */
function lastOf(objects: readonly ObjectInfo[], prefixes: readonly string[]): string | undefined {
  const key = objects.at(-1)?.key;
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
  const xml = reply.body;
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
