/**
 * Ends a multipart upload that will not be completed, so that its parts cost nothing. Never rejects: who
 * asks has already failed, and what cannot be aborted is logged with its id and counted.
 */
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import { type RetryPolicy, retry } from '#gateway/kit/retry.ts';
import {
  type MultipartUpload,
  type ObjectStore,
  StoreError,
} from '#gateway/storage/object-store.ts';
import type { LastWord } from './commit.ts';
import type { TransferObserver } from './observer.ts';

export interface AbortContext {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: TransferObserver;
  readonly abortRetry: RetryPolicy;
  readonly lateAbortMs: number;
  readonly random?: () => number;
}

/**
 * At once after an answer. After a Complete without one, which may still be at work, only when even the
 * slowest must be over; by then the abort removes the parts of one that failed, and nothing of one that
 * succeeded. The wait does not keep the caller, nor the process.
 */
export async function abortMultipart(
  context: AbortContext,
  upload: MultipartUpload,
  lastWord: LastWord,
): Promise<void> {
  if (lastWord === 'answered') return abortNow(context, upload);
  const { clock, log, lateAbortMs } = context;
  log.warn({ key: upload.key, lateAbortMs }, 'complete got no answer; the abort waits');
  clock.setTimer(lateAbortMs, () => void abortNow(context, upload));
}

async function abortNow(context: AbortContext, upload: MultipartUpload): Promise<void> {
  const { store, clock, log, observer, abortRetry, random } = context;
  try {
    await retry(() => store.abortMultipart(upload), {
      policy: abortRetry,
      clock,
      isRetryable: (error) => error instanceof StoreError && error.retryable,
      ...(random && { random }),
    });
    observer.multipartEnded('aborted');
  } catch (error) {
    const { key, uploadId } = upload;
    log.error({ key, uploadId, err: error }, 'multipart upload left open');
    observer.multipartEnded('left-open');
  }
}
