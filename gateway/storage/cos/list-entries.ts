/**
 * The entries of a page of GetBucket, decoded a few at a time while somebody walks through them. A page
 * stays bytes, outside V8's heap: as a thousand objects it would outlive two collections of the young
 * generation, and a listing of 500,000 names would leave them all in the old one. Pure.
 */
import { KiB } from '#gateway/kit/bytes.ts';
import type { ObjectInfo, StoreError } from '../object-store.ts';
import { parseDate } from './reply.ts';
import { decodeEntities, elementText } from './xml-scan.ts';

export type Decode = (text: string) => string;

export interface EntriesOptions {
  /** From the first `<Contents>` to the last `</Contents>`. Must not change. */
  readonly xml: Buffer;
  /** Of keys. */
  readonly decode: Decode;
  /** What is thrown at an entry without key or size. */
  readonly refuse: () => StoreError;
}

/** Bytes that are text at once: about fifty entries. */
const windowBytes = 16 * KiB;
const entryEnd = '</Contents>';

/** Can be walked through more than once; each time decodes again. */
export function entriesOf(options: EntriesOptions): Iterable<ObjectInfo> {
  return { [Symbol.iterator]: () => readEntries(options) };
}

function* readEntries(options: EntriesOptions): Generator<ObjectInfo, void, undefined> {
  const { xml } = options;
  const dateOf = usualDates();
  for (let at = 0; at < xml.length; ) {
    const end = windowEnd(xml, at);
    yield* readWindow(xml.toString('utf8', at, end), options, dateOf);
    at = end;
  }
}

/** Behind the last whole entry that a window holds, or behind the first when it holds none. */
function windowEnd(xml: Buffer, at: number): number {
  const last = xml.lastIndexOf(entryEnd, at + windowBytes);
  const end = last > at ? last : xml.indexOf(entryEnd, at);
  return end < 0 ? xml.length : end + entryEnd.length;
}

function* readWindow(
  xml: string,
  { decode, refuse }: EntriesOptions,
  dateOf: ReadDate,
): Generator<ObjectInfo, void, undefined> {
  for (let at = xml.indexOf('<Contents>'); at >= 0; at = xml.indexOf('<Contents>', at)) {
    usualContents.lastIndex = at;
    const match = usualContents.exec(xml);
    const end = match ? usualContents.lastIndex : xml.indexOf(entryEnd, at);
    if (end < 0) return;
    const object = match
      ? usualObject(match, decode, dateOf)
      : unusualObject(xml.slice(at, end), decode);
    if (!object) throw refuse();
    yield object;
    at = end;
  }
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
