/**
 * What the argument of a listing command names, as pages of entries: a directory, one file, or the
 * matches of a pattern. The first page is read before anything is promised to the client, so that a
 * missing path is 550 and not an empty listing.
 */
import type { ListArguments, PathPattern } from '#gateway/ftp/list-arguments.ts';
import { type DirectoryEntry, readDirectory } from '#gateway/storage/listing.ts';
import { StoreError } from '#gateway/storage/object-store.ts';
import { modifiedTime } from './modified-time.ts';
import type { Session } from './session.ts';

export interface OpenedPath {
  readonly type: 'file' | 'dir';
  readonly pages: AsyncIterable<Iterable<DirectoryEntry>>;
  /** Ends the reading, also when it never began. Idempotent. */
  close(): Promise<void>;
}

export interface OpenedListing extends OpenedPath {
  /** What the client typed before the names, with its slash: NLST shows it with each of them. */
  readonly typedDirectory: string;
}

/**
 * @param signal ends the reading.
 * @throws StoreError `missing` when there is no directory, file or directory of a pattern of that name.
 */
export async function openListing(
  session: Session,
  { path: typed, pattern, flags, unflagged }: ListArguments,
  signal: AbortSignal,
): Promise<OpenedListing> {
  const path = session.account.jail.resolve(session.workingDirectory, typed);
  const opened = await unlessMissing(openPath(session, path, signal));
  if (!opened) {
    // A literal name goes first: `mget a[1].txt` means the file of that name if there is one.
    if (pattern) return openPattern(session, pattern, signal);
    // And `-x y` can be the name of a file.
    if (unflagged !== undefined) {
      return openListing(session, { path: unflagged, flags: noFlags }, signal);
    }
    throw new StoreError('missing', 'neither a directory nor a file');
  }
  if (opened.type === 'file') {
    return { ...opened, typedDirectory: typed.slice(0, typed.lastIndexOf('/') + 1) };
  }
  if (flags.has('d')) {
    await opened.close();
    return { ...oneEntry(directoryEntry(typed || '.')), typedDirectory: '' };
  }
  const isComplete = typed === '' || typed.endsWith('/');
  return { ...opened, typedDirectory: isComplete ? typed : `${typed}/` };
}

const noFlags: ListArguments['flags'] = new Set();

/**
 * @param path virtual path. @param signal ends the reading.
 * @throws StoreError `missing` when neither a directory nor a file has that name.
 */
export async function openPath(
  session: Session,
  path: string,
  signal: AbortSignal,
): Promise<OpenedPath> {
  const directory = await unlessMissing(openDirectory(session, path, signal));
  if (directory) return directory;
  const { jail, store } = session.account;
  const info = await store.head(jail.objectKey(path), { signal });
  const name = path.slice(path.lastIndexOf('/') + 1);
  const modifiedAt = modifiedTime(session, info);
  return oneEntry({ name, type: 'file', sizeBytes: info.sizeBytes, modifiedAt });
}

export function directoryEntry(name: string): DirectoryEntry {
  return { name, type: 'dir', sizeBytes: 0, modifiedAt: undefined };
}

async function openPattern(
  session: Session,
  pattern: PathPattern,
  signal: AbortSignal,
): Promise<OpenedListing> {
  const { jail } = session.account;
  const path = jail.resolve(session.workingDirectory, pattern.directory);
  const opened = await openDirectory(session, path, signal);
  return {
    ...opened,
    pages: matching(opened.pages, pattern),
    typedDirectory: pattern.directory,
  };
}

/** @throws StoreError `missing` when nothing lies below the path; the root is never missing. */
async function openDirectory(
  session: Session,
  path: string,
  signal: AbortSignal,
): Promise<OpenedPath> {
  const { jail, store } = session.account;
  const pages = readDirectory(store, jail.directoryPrefix(path), {
    signal,
    whenMissing: path === '/' ? 'empty' : 'throw',
  });
  const first = await pages.next();
  return {
    type: 'dir',
    pages: following(first, pages),
    close: async () => void (await pages.return()),
  };
}

async function* following<T>(first: IteratorResult<T, void>, rest: AsyncIterable<T>) {
  if (first.done) return;
  yield first.value;
  yield* rest;
}

async function* matching(pages: OpenedPath['pages'], { glob }: PathPattern) {
  const matches = ({ name }: DirectoryEntry) => glob.matches(name);
  for await (const entries of pages) yield Iterator.from(entries).filter(matches);
}

function oneEntry(entry: DirectoryEntry): OpenedPath {
  return { type: entry.type, pages: onePage(entry), close: () => Promise.resolve() };
}

async function* onePage(entry: DirectoryEntry) {
  yield [entry];
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'missing') return undefined;
    throw error;
  }
}
