/**
 * Where a path of an FTP session lies in the bucket: the account's jail. Pure; knows no store.
 *
 * A virtual path is what the client sees: `/`-rooted, without `.`, `..`, empty segments or a trailing
 * slash. It never means anything outside the account's prefix, whatever the client typed.
 *
 * Names stay exactly as they were sent: no case folding, no trimming and no Unicode normalisation
 * (COS compares keys byte by byte, so `é` composed and decomposed are two objects, as on Linux). A
 * backslash is an ordinary character; only a key that begins with one is refused, because COS does.
 */
import { assert } from '#gateway/kit/assert.ts';
import { KindError } from '#gateway/kit/errors.ts';

/** Longest key in UTF-8 bytes, prefix included; beyond it COS answers KeyTooLong (COS page 13324). */
export const keyBytesMax = 850;

/**
 * The gateway's own folder, where markers of unfinished uploads live. Reserved at every level and not
 * only at the top of a jail, because one account's jail may lie inside another's.
 */
export const reservedName = '.cosftp';

export type KeyErrorKind =
  /** `/` itself: a directory, never an object. */
  | 'is-root'
  /** A segment is `.cosftp`. */
  | 'reserved'
  /** Not storable or not expressible over FTP. */
  | 'invalid-name'
  /** Over 850 bytes with the account's prefix. */
  | 'too-long';

/** A path that cannot be a key. Always answered 553, never sent to COS. */
export class KeyError extends KindError<KeyErrorKind> {}

/**
 * Characters 24 to 27 are refused by COS (page 13324). NUL, LF and CR cannot stand in an FTP command or
 * in a line of a listing, so an object of that name could never be reached again. A lone surrogate has
 * no UTF-8 form.
 */
const unusableCharacter = /[\0\n\r\x18-\x1b]/;

/** Whether a client could name this segment: listings leave out what is not. */
export function isUsableName(name: string): boolean {
  return (
    name !== '' &&
    name !== '.' &&
    name !== '..' &&
    !name.includes('/') &&
    !unusableCharacter.test(name) &&
    name.isWellFormed()
  );
}

/** One account's part of the bucket. */
export class Jail {
  /** Empty for the whole bucket, otherwise ends with `/`. */
  readonly prefix: string;

  /**
   * @param prefix the account's `prefix`; a leading slash is dropped, a missing trailing one added.
   * @throws KeyError `invalid-name`, `reserved` or `too-long` when no object could be stored below it.
   */
  constructor(prefix: string) {
    const inner = prefix.replace(/^\/+/, '').replace(/\/+$/, '');
    if (inner !== '') checkSegments(inner.split('/'));
    this.prefix = inner === '' ? '' : `${inner}/`;
    if (this.prefix !== '') checkKey(this.prefix);
  }

  /**
   * The virtual path `argument` means to a session whose working directory is `cwd`. Never fails: `..`
   * stops at `/`, an empty argument is `cwd`. Whether the path may be a key is asked later.
   */
  resolve(cwd: string, argument: string): string {
    const kept: string[] = [];
    const joined = argument.startsWith('/') ? argument : `${cwd}/${argument}`;
    for (const segment of joined.split('/')) {
      if (segment === '' || segment === '.') continue;
      if (segment === '..') kept.pop();
      else kept.push(segment);
    }
    return `/${kept.join('/')}`;
  }

  /**
   * The key of the object at a path from `resolve`.
   * @throws KeyError of any kind.
   */
  objectKey(virtualPath: string): string {
    if (virtualPath === '/') throw new KeyError('is-root', 'the root directory is not a file');
    checkSegments(segmentsOf(virtualPath));
    return checkKey(this.prefix + virtualPath.slice(1));
  }

  /**
   * What all keys below the directory begin with: empty or ending in `/`. Also the key of the
   * directory's own marker object.
   * @throws KeyError `invalid-name`, `reserved`, `too-long`.
   */
  directoryPrefix(virtualPath: string): string {
    if (virtualPath === '/') return this.prefix;
    checkSegments(segmentsOf(virtualPath));
    return checkKey(`${this.prefix + virtualPath.slice(1)}/`);
  }

  /** The path of a key of this jail; a directory marker's has no trailing slash. */
  virtualPath(key: string): string {
    assert(key.startsWith(this.prefix), 'the key lies in the jail');
    return `/${key.slice(this.prefix.length).replace(/\/$/, '')}`;
  }
}

function segmentsOf(virtualPath: string): string[] {
  assert(virtualPath.startsWith('/'), 'a virtual path begins with a slash');
  return virtualPath.slice(1).split('/');
}

function checkSegments(segments: readonly string[]): void {
  for (const segment of segments) {
    if (segment === reservedName) {
      throw new KeyError('reserved', `${reservedName} is reserved for the gateway`);
    }
    if (!isUsableName(segment)) {
      throw new KeyError('invalid-name', 'the name holds characters that cannot be stored');
    }
  }
}

function checkKey(key: string): string {
  if (key.startsWith('\\')) {
    throw new KeyError(
      'invalid-name',
      'a name at the top of the bucket cannot begin with a backslash',
    );
  }
  if (Buffer.byteLength(key) > keyBytesMax) {
    throw new KeyError('too-long', `the path is longer than ${keyBytesMax} bytes`);
  }
  return key;
}
