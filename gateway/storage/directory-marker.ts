/**
 * The zero-byte object whose key ends in `/`: how COS shows a directory with nothing in it (COS page
 * 436/13324). Directories that files made need none until their last file goes.
 */
import type { Jail } from './keys.ts';
import type { CallOptions, ObjectStore } from './object-store.ts';

const empty = new Uint8Array(0);

/** @param prefix of the directory, ending in `/`. */
export async function makeMarker(
  store: ObjectStore,
  prefix: string,
  options: CallOptions = {},
): Promise<void> {
  await store.put(prefix, empty, { contentType: 'application/x-directory', ...options });
}

/**
 * To be called before `key` goes from the directory above it: when nothing else is there, the directory
 * gets its marker, because clients do not expect `cd ..` to fail after they deleted a file. Before and
 * not after, for a list may show a deleted object for a while (COS page 436/7734).
 * @param path of what goes, as the client sees it. @param key of its object.
 */
export async function keepParent(
  store: ObjectStore,
  jail: Jail,
  path: string,
  key: string,
): Promise<void> {
  const parent = path.slice(0, path.lastIndexOf('/'));
  if (parent === '') return;
  const prefix = jail.directoryPrefix(parent);
  const { objects } = await store.list({ prefix, maxKeys: 2 });
  if ([...objects].every((object) => object.key === key)) await makeMarker(store, prefix);
}
