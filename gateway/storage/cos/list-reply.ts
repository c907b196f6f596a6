/**
 * The two lists of COS as pages: GetBucket (COS page 436/7734) and ListMultipartUploads (7736). Pure.
 *
 * Always asked with encoding-type=url, because keys may hold characters XML cannot: keys, prefixes and
 * markers come percent-encoded, and `+` means itself (COS's own SDKs decode them so).
 */
import type { ListPage, MultipartUpload, ObjectInfo } from '../object-store.ts';
import { type CosReply, parseDate, requireRoot, unusableReply } from './reply.ts';
import { decodeEntities, elementBlocks, elementText } from './xml-scan.ts';

type Decode = (text: string) => string;

/** @throws StoreError when the reply is no list. */
export function readListPage(reply: CosReply): ListPage {
  requireRoot('GetBucket', reply, 'ListBucketResult');
  const xml = reply.body;
  if (!xml.trimEnd().endsWith('</ListBucketResult>')) {
    throw unusableReply('GetBucket', reply, 'the list breaks off');
  }
  const decode = decoderOf(xml);
  const objects = readObjects(xml, decode);
  if (!objects) throw unusableReply('GetBucket', reply, 'an entry without key or size');
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

/** Undefined when an entry lacks its key or its size. */
function readObjects(xml: string, decode: Decode): ObjectInfo[] | undefined {
  const objects: ObjectInfo[] = [];
  const dateOf = usualDates();
  for (let at = xml.indexOf('<Contents>'); at >= 0; at = xml.indexOf('<Contents>', at)) {
    usualContents.lastIndex = at;
    const match = usualContents.exec(xml);
    const end = match ? usualContents.lastIndex : xml.indexOf('</Contents>', at);
    if (end < 0) break;
    const object = match
      ? usualObject(match, decode, dateOf)
      : unusualObject(xml.slice(at, end), decode);
    if (!object) return undefined;
    objects.push(object);
    at = end;
  }
  return objects;
}

/**
 * An entry in COS's own order and forms, read at a fraction of what looking for each element costs: a
 * page has a thousand. Linear, because no two parts of it can take the same character.
 */
const usualContents = new RegExp(
  [
    '<Contents>\\s*<Key>([^<]+)</Key>',
    '<LastModified>(\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z)</LastModified>',
    '<ETag>([^<]*)</ETag>',
    '<Size>(\\d{1,15})</Size>',
    '<Owner>\\s*<ID>[^<]*</ID>(?:\\s*<DisplayName>[^<]*</DisplayName>)?\\s*</Owner>',
    '<StorageClass>([^<]+)</StorageClass>',
    '</Contents>',
  ].join('\\s*'),
  'y',
);

function usualObject(match: RegExpExecArray, decode: Decode, dateOf: ReadDate): ObjectInfo {
  const [, key = '', modified = '', etag = '', size = '', storageClass = ''] = match;
  return {
    key: decode(decodeEntities(key)),
    sizeBytes: Number(size),
    etag: decodeEntities(etag),
    modifiedAt: dateOf(modified),
    storageClass,
  };
}

type ReadDate = (text: string) => Date;

/** Of `2026-01-02T03:04:05.678Z`; neighbours in a list mostly share their day. */
function usualDates(): ReadDate {
  let day = '';
  let dayMs = 0;
  return (text) => {
    const textDay = text.slice(0, 10);
    if (textDay !== day) {
      day = textDay;
      dayMs = Date.parse(day);
    }
    const minutes = number(text, 11) * 60 + number(text, 14);
    const ms = number(text, 20) * 10 + number(text, 22, 1);
    const date = new Date(dayMs + (minutes * 60 + number(text, 17)) * 1000 + ms);
    return Number.isNaN(dayMs) ? parseDate(text) : date;
  };
}

/** @param digits that are known to be there. */
function number(text: string, start: number, digits = 2): number {
  let value = 0;
  for (let at = start; at < start + digits; at++) value = value * 10 + text.charCodeAt(at) - 48;
  return value;
}

/** The same in any order, whatever is missing or new. */
function unusualObject(block: string, decode: Decode): ObjectInfo | undefined {
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
