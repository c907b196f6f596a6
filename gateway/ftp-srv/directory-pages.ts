/**
 * What the argument of a listing command names, as pages of entries: a directory, one file, or the
 * matches of a pattern. The first page is read before anything is promised to the client, so that a
 * missing path is 550 and not an empty listing.
 */
import type { PathPattern } from '#gateway/ftp/list-arguments.ts';
import { type DirectoryEntry, readDirectory } from '#gateway/storage/listing.ts';
import { type ObjectInfo, StoreError } from '#gateway/storage/object-store.ts';
import type { Session } from './session.ts';

export type Pages = AsyncIterable<readonly DirectoryEntry[]>;

export interface ListedPath {
  readonly type: 'file' | 'dir';
  readonly pages: Pages;
}

/**
 * @param path virtual path. @param signal ends the reading.
 * @throws StoreError `missing` when neither a directory nor a file has that name.
 */
export async function openPath(
  session: Session,
  path: string,
  signal: AbortSignal,
): Promise<ListedPath> {
  try {
    return { type: 'dir', pages: await openDirectory(session, path, signal) };
  } catch (error) {
    if (!isMissing(error) || path === '/') throw error;
    const { jail, store } = session.account;
    const info = await store.head(jail.objectKey(path), { signal });
    return { type: 'file', pages: onePage(fileEntry(path, info)) };
  }
}

/** A literal name goes first: `mget a[1].txt` means the file of that name if there is one. */
export async function openPattern(
  session: Session,
  path: string,
  pattern: PathPattern,
  signal: AbortSignal,
): Promise<ListedPath> {
  try {
    return await openPath(session, path, signal);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const { jail } = session.account;
  const directory = jail.resolve(session.workingDirectory, pattern.directory);
  const pages = await openDirectory(session, directory, signal);
  return { type: 'dir', pages: matching(pages, pattern) };
}

/** @throws StoreError `missing` when nothing lies below the path; the root is never missing. */
async function openDirectory(session: Session, path: string, signal: AbortSignal): Promise<Pages> {
  const { jail, store } = session.account;
  const pages = readDirectory(store, jail.directoryPrefix(path), {
    signal,
    whenMissing: path === '/' ? 'empty' : 'throw',
  });
  return startReading(pages);
}

/** The entry of one file; its name is the last segment of the path. */
export function fileEntry(path: string, info: ObjectInfo): DirectoryEntry {
  return {
    name: path.slice(path.lastIndexOf('/') + 1),
    type: 'file',
    sizeBytes: info.sizeBytes,
    modifiedAt: info.modifiedAt,
  };
}

async function startReading(
  pages: AsyncGenerator<readonly DirectoryEntry[], void, undefined>,
): Promise<Pages> {
  const first = await pages.next();
  return (async function* () {
    if (first.done) return;
    try {
      yield first.value;
      yield* pages;
    } finally {
      await pages.return();
    }
  })();
}

async function* matching(pages: Pages, { glob }: PathPattern) {
  for await (const entries of pages) yield entries.filter(({ name }) => glob.matches(name));
}

async function* onePage(entry: DirectoryEntry) {
  yield [entry];
}

function isMissing(error: unknown): boolean {
  return error instanceof StoreError && error.kind === 'missing';
}
