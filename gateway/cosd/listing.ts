/**
 * One page of GET Bucket out of a sorted index (COS page 436/7734). Pure: no request, no XML. Groups are
 * jumped over, never walked, so that a page costs the same however many keys stand behind a prefix.
 */
import type { ReadonlyKeyIndex } from './key-index.ts';
import { compareKeys } from './key-order.ts';

export interface ListingQuery {
  readonly prefix: string;
  /** Empty: no grouping. */
  readonly delimiter: string;
  /** Only what comes after it; empty: from the start. */
  readonly marker: string;
  /** Keys and groups together. */
  readonly entriesMax: number;
}

export interface ListingPage<Value> {
  readonly entries: readonly (readonly [key: string, value: Value])[];
  readonly groups: readonly string[];
  /** The last key or group of this page, when more follows. */
  readonly nextMarker?: string;
}

export function listPage<Value>(
  index: ReadonlyKeyIndex<Value>,
  query: ListingQuery,
): ListingPage<Value> {
  const { prefix, marker, entriesMax } = query;
  const entries: [string, Value][] = [];
  const groups: string[] = [];
  let last = '';
  let position = index.seek((key) => isUpTo(key, marker) || compareKeys(key, prefix) < 0);

  for (;;) {
    const key = index.keyAt(position);
    if (key === undefined || !key.startsWith(prefix)) return { entries, groups };
    const group = groupOf(key, query);
    const isNew = group === undefined || group !== marker;
    if (isNew && entries.length + groups.length >= entriesMax) {
      return entriesMax > 0 ? { entries, groups, nextMarker: last } : { entries, groups };
    }
    if (group === undefined) {
      const value = index.get(key);
      if (value !== undefined) entries.push([key, value]);
      position = index.after(position);
    } else {
      if (isNew) groups.push(group);
      position = index.seek((other) => compareKeys(other, group) < 0 || other.startsWith(group));
    }
    last = group ?? key;
  }
}

/** The key's prefix up to and with the first delimiter behind the asked prefix. */
function groupOf(key: string, query: ListingQuery): string | undefined {
  if (query.delimiter === '') return undefined;
  const at = key.indexOf(query.delimiter, query.prefix.length);
  return at < 0 ? undefined : key.slice(0, at + query.delimiter.length);
}

function isUpTo(key: string, marker: string): boolean {
  return marker !== '' && compareKeys(key, marker) <= 0;
}
