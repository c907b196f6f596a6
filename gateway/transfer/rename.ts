/**
 * Renames a file: a copy inside the store, its verification, and only then the deletion of the source.
 * COS has no rename. An interruption at any point leaves the file readable under at least one name.
 *
 * It must never delete a source whose copy was not compared, nor one that was replaced meanwhile.
 */
import { type Clock, systemClock } from '#gateway/kit/clock.ts';
import { type Log, silentLog } from '#gateway/kit/log.ts';
import { type ObjectInfo, type ObjectStore, StoreError } from '#gateway/storage/object-store.ts';
import { deleteSettled } from '#gateway/storage/settled-delete.ts';
import { copyObject } from './copy-object.ts';
import { TransferError } from './errors.ts';
import { silentObserver, type TransferObserver } from './observer.ts';

export interface RenameOptions {
  readonly store: ObjectStore;
  readonly sourceKey: string;
  readonly targetKey: string;
  /** When the caller has just asked for it; replaced since, the copy fails with `changed`. */
  readonly source?: ObjectInfo;
  /** Default the system's. */
  readonly clock?: Clock;
  readonly log?: Log;
  readonly observer?: TransferObserver;
  /** Stops before the source is deleted, not after. */
  readonly signal?: AbortSignal;
  /** Both as for `copyObject`. */
  readonly copyBytesMax?: number;
  readonly copyPartBytes?: number;
  /** In [0, 1), for the jitter of retries. Default Math.random. */
  readonly random?: () => number;
}

/**
 * The target has the source's attributes (object-attributes.ts). A source equal to the target is left
 * alone.
 * @returns the target.
 * @throws StoreError `missing`, `changed` when the source was replaced meanwhile; TransferError `corrupt`
 * when the copy differs, `source-kept` when both names exist now.
 */
export async function renameFile(options: RenameOptions): Promise<ObjectInfo> {
  const { store, sourceKey, targetKey, signal } = options;
  const call = signal ? { signal } : {};
  const source = options.source ?? (await store.head(sourceKey, call));
  if (sourceKey === targetKey) return source;
  const { copyBytesMax, copyPartBytes } = options;
  const { etag } = await copyObject({
    ...contextOf(options),
    source,
    targetKey,
    signal,
    copyBytesMax,
    copyPartBytes,
  });
  signal?.throwIfAborted();
  await deleteSource(options, source);
  return { ...source, key: targetKey, etag };
}

function contextOf(options: RenameOptions) {
  return {
    store: options.store,
    clock: options.clock ?? systemClock,
    log: options.log ?? silentLog,
    observer: options.observer ?? silentObserver,
    ...(options.random && { random: options.random }),
  };
}

/** COS deletes without conditions, so a source replaced meanwhile is looked for right before. */
async function deleteSource(options: RenameOptions, source: ObjectInfo): Promise<void> {
  const { store } = options;
  try {
    const now = await store.head(source.key);
    if (now.etag !== source.etag) {
      throw new StoreError('changed', 'the source was replaced while it was renamed');
    }
    await deleteSettled(store, source.key);
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'missing') return; // somebody else finished it
    throw new TransferError('source-kept', 'the file was copied, its old name still exists', {
      cause: error,
    });
  }
}
