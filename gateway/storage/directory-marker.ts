/**
 * The zero-byte object whose key ends in `/`: how COS shows a directory with nothing in it (COS page
 * 436/13324). Directories that files made need none until their last file goes.
 */
import type { Log } from '#gateway/kit/log.ts';
import type { Jail } from './keys.ts';
import { type CallOptions, type ObjectStore, StoreError } from './object-store.ts';

const empty = new Uint8Array(0);

/** @param prefix of the directory, ending in `/`. */
export async function makeMarker(
  store: ObjectStore,
  prefix: string,
  options: CallOptions = {},
): Promise<void> {
  await store.put(prefix, empty, { contentType: 'application/x-directory', ...options });
}

export interface KeepParentOptions {
  readonly store: ObjectStore;
  readonly jail: Jail;
  readonly log: Log;
}

/**
 * To be called before `key` goes from the directory above it: when nothing else is there, the directory
 * gets its marker, because clients do not expect `cd ..` to fail after they deleted a file. Before and
 * not after, for a list may show a deleted object for a while (COS page 436/7734). A store key without
 * the right to list or write is a warning, no reason to keep the file: then the directory goes with it.
 * @param path of what goes, as the client sees it. @param key of its object.
 * @throws StoreError, but for `denied`.
 */
export async function keepParent(
  { store, jail, log }: KeepParentOptions,
  path: string,
  key: string,
): Promise<void> {
  const parent = path.slice(0, path.lastIndexOf('/'));
  if (parent === '') return;
  const prefix = jail.directoryPrefix(parent);
  try {
    const { objects } = await store.list({ prefix, maxKeys: 2 });
    if ([...objects].every((object) => object.key === key)) await makeMarker(store, prefix);
  } catch (error) {
    if (!(error instanceof StoreError) || error.kind !== 'denied') throw error;
    log.warn({ path: parent, err: error }, 'directory marker not permitted, it may vanish');
  }
}
