/**
 * Copies an object too long for one copy: part by part inside the store, a few at once, then Complete.
 * Nothing replaces the target before Complete; on any failure the open upload is aborted.
 */
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import type { ObjectAttributes } from '#gateway/storage/object-attributes.ts';
import {
  type MultipartUpload,
  type ObjectInfo,
  type ObjectStore,
  StoreError,
  type UploadedPart,
} from '#gateway/storage/object-store.ts';
import { commitMultipart, type LastWord, type VerifiedObject } from './commit.ts';
import { abortMultipart } from './multipart-abort.ts';
import type { TransferObserver } from './observer.ts';
import { partsMax } from './plan.ts';
import { uploadTiming } from './upload-options.ts';

export interface MultipartCopyOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: TransferObserver;
  readonly source: ObjectInfo;
  readonly targetKey: string;
  /** Nothing comes from the source by itself. */
  readonly attributes: ObjectAttributes;
  /** Raised when 10,000 parts of it would not be enough. */
  readonly partBytes: number;
  readonly signal: AbortSignal | undefined;
  /** In [0, 1), for the jitter of retries. Default Math.random. */
  readonly random?: () => number;
}

/** Parts copied at the same time; the store does the work. */
const copiesInFlight = 4;

/** @throws StoreError, TransferError `corrupt` */
export async function copyInParts(options: MultipartCopyOptions): Promise<VerifiedObject> {
  const { store, source, targetKey, attributes, observer } = options;
  const context = { ...options, ...uploadTiming };
  const upload = await store.createMultipart(targetKey, attributes);
  observer.multipartOpened();
  let lastWord: LastWord = 'answered';
  try {
    const parts = await copyParts(options, upload);
    if (source.key === targetKey) await checkStillThere(options);
    const expected = { key: targetKey, sizeBytes: source.sizeBytes, crc64: source.crc64 };
    const outcome = await commitMultipart(context, upload, parts, expected, 'copy');
    if (outcome.kind === 'failed') {
      lastWord = outcome.lastWord;
      throw outcome.error;
    }
    if (outcome.leftover) void abortMultipart(context, upload, outcome.leftover);
    else observer.multipartEnded('completed');
    return outcome.object;
  } catch (error) {
    await abortMultipart(context, upload, lastWord);
    throw error;
  }
}

/** Parts take minutes; whatever was stored under this name meanwhile must not be replaced by them. */
async function checkStillThere({ store, source, signal }: MultipartCopyOptions): Promise<void> {
  const { etag } = await store.head(source.key, signal ? { signal } : {});
  if (etag === source.etag) return;
  throw new StoreError('changed', 'the file was replaced while it was copied onto itself');
}

async function copyParts(
  options: MultipartCopyOptions,
  upload: MultipartUpload,
): Promise<readonly UploadedPart[]> {
  const { source, signal } = options;
  const partBytes = Math.max(options.partBytes, Math.ceil(source.sizeBytes / partsMax));
  const count = Math.ceil(source.sizeBytes / partBytes);
  const stop = new AbortController();
  const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const parts: UploadedPart[] = [];
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < count; index = next++) {
      either.throwIfAborted();
      const offsetBytes = index * partBytes;
      const lengthBytes = Math.min(partBytes, source.sizeBytes - offsetBytes);
      const range = { sourceKey: source.key, offsetBytes, lengthBytes, sourceIfMatch: source.etag };
      const { etag } = await options.store.copyPart(upload, index + 1, range, { signal: either });
      parts[index] = { number: index + 1, etag };
    }
  };
  const workers = Array.from({ length: copiesInFlight }, () =>
    worker().catch((error: unknown) => {
      stop.abort(error);
      throw error;
    }),
  );
  const outcomes = await Promise.allSettled(workers);
  if (stop.signal.aborted) throw stop.signal.reason;
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return parts;
}
