/**
 * Which path in a bucket's folder belongs to which key, and whether another key can still have it. Keys
 * know no conflict between `a` and `a/b`, file systems do; and some take `A` and `a`, or two spellings of
 * `ä`, for one name. Names are compared folded everywhere, so that a data directory can move between
 * machines. Pure bookkeeping: no file is touched here.
 */
import { encodedPath, isPlainPath } from './directory-layout.ts';

export class PathLedger {
  readonly #paths = new Map<string, string>();
  readonly #files = new Set<string>();
  /** How many taken paths lie inside each folder. */
  readonly #folders = new Map<string, number>();

  /** Of the key; a path that ends in `/` is a folder without a file. */
  pathOf(key: string): string | undefined {
    return this.#paths.get(key);
  }

  /** The path a new object of this key would get; the key's own is free for itself. */
  choose(key: string, sizeBytes: number): string {
    const own = this.#paths.get(key);
    if (own !== undefined && !(own.endsWith('/') && sizeBytes > 0)) return own;
    const isFolder = key.endsWith('/') && sizeBytes === 0;
    const isPlain = isPlainPath(isFolder ? key.slice(0, -1) : key);
    return isPlain && this.#isFree(key) ? key : encodedPath(key);
  }

  /** What the key had before is free again. */
  take(key: string, path: string): void {
    this.release(key);
    this.#paths.set(key, path);
    if (!path.endsWith('/')) this.#files.add(fold(path));
    this.#count(path, 1);
  }

  release(key: string): void {
    const path = this.#paths.get(key);
    if (path === undefined) return;
    this.#paths.delete(key);
    this.#files.delete(fold(path));
    this.#count(path, -1);
  }

  /** Folders around a path in which nothing is taken any more, innermost first. */
  emptyFolders(path: string): readonly string[] {
    return foldersOf(path)
      .filter((folder) => !this.#folders.has(fold(folder)))
      .toReversed();
  }

  /** No folder of that name, and no file where a folder would have to be. */
  #isFree(path: string): boolean {
    if (foldersOf(path).some((folder) => this.#files.has(fold(folder)))) return false;
    return path.endsWith('/') || !(this.#files.has(fold(path)) || this.#folders.has(fold(path)));
  }

  #count(path: string, change: 1 | -1): void {
    for (const folder of foldersOf(path)) {
      const count = (this.#folders.get(fold(folder)) ?? 0) + change;
      if (count > 0) this.#folders.set(fold(folder), count);
      else this.#folders.delete(fold(folder));
    }
  }
}

/** `a/b/c` → `a`, `a/b`; of `a/b/` also `a/b`. */
function foldersOf(path: string): readonly string[] {
  const segments = path.split('/');
  return segments.slice(1).map((_segment, at) => segments.slice(0, at + 1).join('/'));
}

function fold(path: string): string {
  return path.normalize('NFC').toLowerCase();
}
