/**
 * Directories of a store that has none: a page of keys and common prefixes becomes directory entries.
 *
 * A folder exists when any key lies below it: a zero-byte marker ending in `/`, or just a file. Reads
 * page by page and never holds more than two pages, as the store sent them: entries are made while they are
 * walked through, so a directory of any size costs flat memory.
 * Lists are documented as eventually consistent (COS page 7734): whether one file exists is asked with
 * HEAD, never here.
 */
import { isUsableName, type Jail, reservedName } from './keys.ts';
import { type ListPage, type ObjectStore, StoreError } from './object-store.ts';

export interface DirectoryEntry {
  readonly name: string;
  readonly type: 'file' | 'dir';
  /** 0 for a directory. */
  readonly sizeBytes: number;
  /** Unknown for a directory. */
  readonly modifiedAt: Date | undefined;
}

export interface ReadDirectoryOptions {
  readonly signal?: AbortSignal;
  /**
   * What a prefix nobody has a key under means: no entries (default), or a StoreError `missing`. The
   * answer costs no request of its own, so LIST needs no `directoryExists` before it.
   */
  readonly whenMissing?: 'empty' | 'throw';
}

/**
 * The entries directly below `prefix` (from `Jail.directoryPrefix`), page by page, files and folders in
 * the store's order within a page. The next page is asked for while the caller works on one, which is gone
 * when the caller asks for the next.
 *
 * Left out: the directory's own marker, `.cosftp`, and names no client could type (an empty segment
 * from a key with `//`, `..`, control characters). A file and a folder of one name are both listed.
 * @throws StoreError, also `missing` as `whenMissing` says; `aborted` after `signal`. Walking through a page
 * throws one too when an entry makes no sense.
 */
export async function* readDirectory(
  store: Pick<ObjectStore, 'list'>,
  prefix: string,
  options: ReadDirectoryOptions = {},
): AsyncGenerator<Iterable<DirectoryEntry>, void, undefined> {
  const abandoned = new AbortController();
  const signal = options.signal
    ? AbortSignal.any([options.signal, abandoned.signal])
    : abandoned.signal;
  const request = (marker?: string): Promise<ListPage> => {
    const page = store.list({ prefix, delimiter: '/', signal, ...(marker && { marker }) });
    page.catch(() => undefined); // reported where it is awaited, which may be never
    return page;
  };
  let lastDirectory: string | undefined;
  let marker: string | undefined;
  let pending: Promise<ListPage> | undefined = request();
  try {
    while (pending) {
      const page: ListPage = await pending;
      if (marker === undefined && options.whenMissing === 'throw') refuseMissing(page, prefix);
      refuseStandstill(page, marker);
      marker = page.nextMarker;
      pending = marker === undefined ? undefined : request(marker);
      yield directoryEntries(page, prefix, lastDirectory);
      page.release?.();
      lastDirectory = page.prefixes.at(-1) ?? lastDirectory;
    }
  } finally {
    abandoned.abort();
  }
}

/**
 * The entries one page shows of the directory `prefix`.
 * @param lastDirectory the last common prefix of the page before, in case a store repeats it.
 */
export function* directoryEntries(
  page: ListPage,
  prefix: string,
  lastDirectory?: string,
): Generator<DirectoryEntry, void, undefined> {
  for (const directory of page.prefixes) {
    const name = directory.slice(prefix.length, -1);
    if (directory === lastDirectory || name === reservedName || !isUsableName(name)) continue;
    yield { name, type: 'dir', sizeBytes: 0, modifiedAt: undefined };
  }
  for (const { key, sizeBytes, modifiedAt } of page.objects) {
    const name = key.slice(prefix.length);
    if (name === reservedName || !isUsableName(name)) continue;
    yield { name, type: 'file', sizeBytes, modifiedAt };
  }
}

export interface DirectoryExistsOptions {
  readonly signal?: AbortSignal;
  /** Its root exists without asking. */
  readonly jail?: Jail;
}

/**
 * Whether anything lies below `prefix`. Asks for `foo/` and one key, never for `foo`: in the store's
 * order `foo-1`, `foo.txt` and `foo!` all come before `foo/`, and a thousand of them would hide it.
 */
export async function directoryExists(
  store: Pick<ObjectStore, 'list'>,
  prefix: string,
  options: DirectoryExistsOptions = {},
): Promise<boolean> {
  if (prefix === '' || prefix === options.jail?.prefix) return true;
  const { signal } = options;
  const page = await store.list({ prefix, maxKeys: 1, ...(signal && { signal }) });
  return !isEmpty(page);
}

function isEmpty({ objects, prefixes }: ListPage): boolean {
  return prefixes.length === 0 && objects[Symbol.iterator]().next().done === true;
}

function refuseMissing(page: ListPage, prefix: string): void {
  if (page.nextMarker === undefined && prefix !== '' && isEmpty(page)) {
    throw new StoreError('missing', 'no such directory');
  }
}

/** A store that answers with the marker it was given would be read for ever. */
function refuseStandstill(page: ListPage, marker: string | undefined): void {
  if (page.nextMarker !== undefined && page.nextMarker === marker) {
    throw new StoreError('unavailable', 'the list of the bucket does not advance');
  }
}
