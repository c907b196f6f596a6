/**
 * Renames a file: a copy inside the store, its verification, and only then the deletion of the source.
 * COS has no rename. An interruption at any point leaves the file readable under at least one name.
 *
 * It must never delete a source whose copy was not compared, nor one that was replaced meanwhile.
 */
import { GiB, MiB } from '#gateway/kit/bytes.ts';
import { type Clock, systemClock } from '#gateway/kit/clock.ts';
import { type Log, silentLog } from '#gateway/kit/log.ts';
import {
  type ObjectInfo,
  type ObjectStore,
  StoreError,
  type WriteReceipt,
} from '#gateway/storage/object-store.ts';
import { verify } from './commit.ts';
import { TransferError } from './errors.ts';
import { copyInParts } from './multipart-copy.ts';
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
  /** Above it the copy is made in parts. Default 5 GiB, the most one copy may have (COS page 10881). */
  readonly copyBytesMax?: number;
  /** Of a copy in parts. Default 256 MiB, or what 10,000 parts need. */
  readonly copyPartBytes?: number;
}

/**
 * Type and storage class are kept, in a copy in one piece also the metadata. A source equal to the target
 * is left alone.
 * @returns the target.
 * @throws StoreError `missing`, `changed` when the source was replaced meanwhile; TransferError `corrupt`
 * when the copy differs, `source-kept` when both names exist now.
 */
export async function renameFile(options: RenameOptions): Promise<ObjectInfo> {
  const { store, sourceKey, targetKey, signal } = options;
  const call = signal ? { signal } : {};
  const source = options.source ?? (await store.head(sourceKey, call));
  if (sourceKey === targetKey) return source;
  const { etag } = await copyVerified(options, source);
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
  };
}

async function copyVerified(
  options: RenameOptions,
  source: ObjectInfo,
): Promise<{ readonly etag: string }> {
  const { store, targetKey, signal, copyBytesMax = 5 * GiB } = options;
  const context = contextOf(options);
  if (source.sizeBytes > copyBytesMax) {
    const { copyPartBytes: partBytes = 256 * MiB } = options;
    return copyInParts({ ...context, source, targetKey, partBytes, signal });
  }
  let receipt: WriteReceipt;
  try {
    receipt = await store.copy(source.key, targetKey, {
      sourceIfMatch: source.etag,
      ...(source.storageClass && { storageClass: source.storageClass }),
      ...(signal && { signal }),
    });
  } catch (error) {
    receipt = await settleCopy(options, source, error);
  }
  const { sizeBytes, crc64 } = source;
  return verify(context, 'copy', receipt, { key: targetKey, sizeBytes, crc64 });
}

/** A copy whose reply was lost counts when the target is equal. @throws `error` when it is not. */
async function settleCopy(
  options: RenameOptions,
  source: ObjectInfo,
  error: unknown,
): Promise<WriteReceipt> {
  const isUnsettled =
    error instanceof StoreError && ['network', 'timeout', 'unavailable'].includes(error.kind);
  if (!isUnsettled || source.crc64 === undefined) throw error;
  const target = await options.store.head(options.targetKey).catch(() => undefined); // `error` tells more
  const isEqual = target?.crc64 === source.crc64 && target.sizeBytes === source.sizeBytes;
  if (!isEqual) throw error;
  return { etag: target.etag, crc64: source.crc64 };
}

/** COS deletes without conditions, so a source replaced meanwhile is looked for right before. */
async function deleteSource(options: RenameOptions, source: ObjectInfo): Promise<void> {
  const { store } = options;
  try {
    const now = await store.head(source.key);
    if (now.etag !== source.etag) {
      throw new StoreError('changed', 'the source was replaced while it was renamed');
    }
    await store.delete(source.key);
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'missing') return; // somebody else finished it
    throw new TransferError('source-kept', 'the file was copied, its old name still exists', {
      cause: error,
    });
  }
}
