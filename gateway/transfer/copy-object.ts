/**
 * Copies an object inside the store and proves the copy: in one piece up to 5 GiB, else part by part.
 * With other attributes a copy onto itself is how COS changes them (COS page 436/10881).
 *
 * Only the version that `source` tells of is copied; on failure the target is what it was before.
 */
import { isDeepStrictEqual } from 'node:util';
import { GiB, MiB } from '#gateway/kit/bytes.ts';
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import {
  attributesOf,
  type ObjectAttributes,
  placementOf,
} from '#gateway/storage/object-attributes.ts';
import {
  type ObjectInfo,
  type ObjectStore,
  StoreError,
  type StoreErrorKind,
  type WriteReceipt,
} from '#gateway/storage/object-store.ts';
import { type VerifiedObject, verify } from './commit.ts';
import { copyInParts } from './multipart-copy.ts';
import type { TransferObserver } from './observer.ts';

export interface CopyObjectOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: TransferObserver;
  /** From a HEAD: lists do not tell the attributes. */
  readonly source: ObjectInfo;
  readonly targetKey: string;
  /** Of the copy, all of them. Default: the source's. */
  readonly attributes?: ObjectAttributes;
  readonly signal?: AbortSignal | undefined;
  /** Above it the copy is made in parts. Default 5 GiB, the most one copy may have (COS page 10881). */
  readonly copyBytesMax?: number | undefined;
  /** Of a copy in parts. Default 256 MiB, or what 10,000 parts need. */
  readonly copyPartBytes?: number | undefined;
  /** In [0, 1), for the jitter of retries. Default Math.random. */
  readonly random?: () => number;
}

/** The most one copy may have; a copy above it takes a request per 256 MiB. */
const copyBytesDefault = 5 * GiB;

/** @throws StoreError, `changed` when the source was replaced; TransferError `corrupt`. */
export async function copyObject(options: CopyObjectOptions): Promise<VerifiedObject> {
  const { store, source, targetKey, signal, copyBytesMax = copyBytesDefault } = options;
  if (source.sizeBytes > copyBytesMax) {
    const { copyPartBytes: partBytes = 256 * MiB, attributes = attributesOf(source) } = options;
    const copy = await copyInParts({ ...options, attributes, partBytes, signal });
    if (source.key === targetKey) await checkChanged(store, targetKey, attributes);
    return copy;
  }
  let receipt: WriteReceipt;
  try {
    receipt = await store.copy(source.key, targetKey, {
      ...(options.attributes ?? placementOf(source)),
      sourceIfMatch: source.etag,
      ...(signal && { signal }),
    });
  } catch (error) {
    receipt = await settleCopy(options, error);
  }
  const { sizeBytes, crc64 } = source;
  return verify(options, 'copy', receipt, { key: targetKey, sizeBytes, crc64 });
}

/**
 * A Complete whose reply was lost is settled by the object's bytes, which are those of before here: what
 * was to change has to be looked at. @throws StoreError `unavailable` when it did not.
 */
async function checkChanged(
  store: ObjectStore,
  key: string,
  attributes: ObjectAttributes,
): Promise<void> {
  const { metadata } = await store.head(key);
  if (isDeepStrictEqual(metadata, attributes.metadata)) return;
  throw new StoreError('unavailable', 'the store did not change the file', { retryable: true });
}

/** After these the copy may have been made. */
const unsettledKinds: readonly StoreErrorKind[] = ['network', 'timeout', 'unavailable'];

/**
 * A copy whose reply was lost counts when the target is equal; with attributes of its own, when it has
 * them. An object copied onto itself may be `changed` by the very copy that was sent before.
 * @throws `error` when it is not.
 */
async function settleCopy(options: CopyObjectOptions, error: unknown): Promise<WriteReceipt> {
  const { store, source, targetKey, attributes } = options;
  const isUnsettled =
    error instanceof StoreError &&
    (unsettledKinds.includes(error.kind) || (error.kind === 'changed' && source.key === targetKey));
  if (!isUnsettled || source.crc64 === undefined) throw error;
  const target = await store.head(targetKey).catch(() => undefined); // `error` tells more
  const isEqual =
    target?.crc64 === source.crc64 &&
    target.sizeBytes === source.sizeBytes &&
    (!attributes || isDeepStrictEqual(target.metadata, attributes.metadata));
  if (!isEqual) throw error;
  return { etag: target.etag, crc64: source.crc64 };
}
