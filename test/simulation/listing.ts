/** What COS lists of a bucket's keys, page by page (COS page 436/7734). Pure. */
import type { ListOptions, ListPage } from '#gateway/storage/object-store.ts';

export interface KeyPage extends Omit<ListPage, 'objects'> {
  readonly keys: readonly string[];
}

export function listKeys(all: readonly string[], options: ListOptions): KeyPage {
  const { prefix, delimiter, marker, maxKeys = 1000 } = options;
  const keys: string[] = [];
  const prefixes: string[] = [];
  let last: string | undefined;
  for (const key of all.filter((name) => name.startsWith(prefix)).toSorted(inBinaryOrder)) {
    const group = groupOf(key, prefix, delimiter);
    const name = group ?? key;
    if (marker !== undefined && inBinaryOrder(name, marker) <= 0) continue;
    if (name === last) continue;
    if (keys.length + prefixes.length === maxKeys) {
      return { keys, prefixes, ...(last !== undefined && { nextMarker: last }) };
    }
    (group === undefined ? keys : prefixes).push(name);
    last = name;
  }
  return { keys, prefixes };
}

function groupOf(key: string, prefix: string, delimiter: string | undefined): string | undefined {
  const end = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
  return end === -1 ? undefined : key.slice(0, end + 1);
}

function inBinaryOrder(first: string, second: string): number {
  return Buffer.compare(Buffer.from(first), Buffer.from(second));
}
