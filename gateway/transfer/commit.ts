/**
 * The one step that replaces an object, and what is true afterwards: PUT or Complete, replies that got
 * lost, and the proof that the store now has exactly our bytes.
 *
 * `stored` is said only when size and CRC-64 are equal to ours (or the store keeps no CRC-64 and the size
 * is). Nothing here aborts an upload; whether a Complete may still be at work is part of the outcome.
 */
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import { type RetryPolicy, retry } from '#gateway/kit/retry.ts';
import type { ObjectAttributes } from '#gateway/storage/object-attributes.ts';
import {
  type MultipartUpload,
  type ObjectInfo,
  type ObjectStore,
  StoreError,
  type StoreErrorKind,
  type UploadedPart,
  type WriteReceipt,
} from '#gateway/storage/object-store.ts';
import { TransferError } from './errors.ts';
import type { IntegrityStage, TransferObserver } from './observer.ts';

export interface CommitContext {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: TransferObserver;
  readonly completeRetry: RetryPolicy;
  /** In [0, 1), for the jitter of retries. Default Math.random. */
  readonly random?: () => number;
}

/** What the object must be afterwards. */
export interface ExpectedObject {
  readonly key: string;
  readonly sizeBytes: number;
  /** Undefined only for a copy of an object that has none. */
  readonly crc64: bigint | undefined;
}

export interface VerifiedObject {
  readonly sizeBytes: number;
  readonly etag: string;
  readonly requestId?: string;
  /** `absent`: the store keeps no CRC-64 of it; accepted on its size. */
  readonly checksum: 'verified' | 'absent';
}

/** `silent`: a Complete got no answer and may still be at work; an abort has to wait. */
export type LastWord = 'answered' | 'silent';

export type CommitOutcome =
  | {
      readonly kind: 'stored';
      readonly object: VerifiedObject;
      /**
       * Known only by looking at the object, which may have had the same content before: the multipart
       * upload may still be open. Absent when it is not.
       */
      readonly leftover?: LastWord;
    }
  | { readonly kind: 'failed'; readonly error: unknown; readonly lastWord: LastWord };

/**
 * What a failed commit says about the store. `final`: it refused, nothing happened. `again`: it answered
 * that it could not. `silent`: no answer, anything may have happened. `ask`: only the object can tell.
 */
const meanings = {
  network: 'silent',
  timeout: 'silent',
  unavailable: 'again',
  throttled: 'again',
  'upload-missing': 'ask',
  aborted: 'final',
  archived: 'final',
  'bucket-missing': 'final',
  changed: 'final',
  corrupt: 'final',
  credentials: 'final',
  denied: 'final',
  exists: 'final',
  'invalid-name': 'final',
  'invalid-range': 'final',
  missing: 'final',
  rejected: 'final',
  'too-large': 'final',
} as const satisfies Record<StoreErrorKind, 'final' | 'again' | 'silent' | 'ask'>;

function meaningOf(error: unknown): (typeof meanings)[StoreErrorKind] {
  return error instanceof StoreError ? meanings[error.kind] : 'final';
}

/**
 * One PUT. Its Content-MD5 protects the way in; a CRC-64 in the reply that differs is asked about once
 * more, because then the reply or the object is wrong. A PUT whose reply was lost counts when the object
 * is ours: the driver has already sent it again as often as it is worth.
 */
export async function commitPut(
  context: CommitContext,
  body: Uint8Array,
  expected: ExpectedObject,
  attributes: ObjectAttributes,
): Promise<CommitOutcome> {
  try {
    const receipt = await context.store.put(expected.key, body, attributes);
    return stored(await verify(context, 'put', receipt, expected));
  } catch (error) {
    if (meaningOf(error) === 'final') return { kind: 'failed', error, lastWord: 'answered' };
    return await settleByAsking(context, 'put', error, expected, 'answered');
  }
}

/**
 * Complete, repeated until there is an answer or time is up; then the object itself is asked, because a
 * Complete whose reply was lost may have succeeded and then every later one fails with NoSuchUpload.
 */
export async function commitMultipart(
  context: CommitContext,
  upload: MultipartUpload,
  parts: readonly UploadedPart[],
  expected: ExpectedObject,
  stage: 'complete' | 'copy' = 'complete',
): Promise<CommitOutcome> {
  let silences = 0;
  let isUncertain = false;
  const complete = async () => {
    try {
      return await context.store.completeMultipart(upload, parts);
    } catch (error) {
      const meaning = meaningOf(error);
      isUncertain ||= meaning !== 'final';
      if (meaning === 'silent') silences++;
      throw error;
    }
  };
  let receipt: WriteReceipt;
  try {
    receipt = await retry(complete, {
      policy: context.completeRetry,
      clock: context.clock,
      isRetryable: (error) => ['again', 'silent'].includes(meaningOf(error)),
      onRetry: (error, attempt) => {
        context.log.warn({ key: expected.key, attempt, err: error }, 'complete is sent again');
      },
      ...(context.random && { random: context.random }),
    });
  } catch (error) {
    const isGone = error instanceof StoreError && error.kind === 'upload-missing';
    const lastWord = silences > 0 && !isGone ? 'silent' : 'answered';
    if (!isUncertain) return { kind: 'failed', error, lastWord };
    const outcome = await settleByAsking(context, stage, error, expected, lastWord);
    return outcome.kind === 'stored' && !isGone ? { ...outcome, leftover: lastWord } : outcome;
  }
  try {
    return stored(await verify(context, stage, receipt, expected));
  } catch (error) {
    return { kind: 'failed', error, lastWord: 'answered' };
  }
}

function stored(object: VerifiedObject): CommitOutcome {
  return { kind: 'stored', object };
}

/** After a failure that proves nothing: is the object under this key ours? */
async function settleByAsking(
  context: CommitContext,
  stage: IntegrityStage,
  error: unknown,
  expected: ExpectedObject,
  lastWord: LastWord,
): Promise<CommitOutcome> {
  const failed: CommitOutcome = { kind: 'failed', error, lastWord };
  if (expected.crc64 === undefined) return failed;
  try {
    const info = await context.store.head(expected.key);
    if (!isSame(info, expected)) return failed;
    context.log.info({ key: expected.key }, 'lost reply settled: the object is stored');
    context.observer.integrityChecked(stage, 'verified');
    return stored({ sizeBytes: info.sizeBytes, etag: info.etag, checksum: 'verified' });
  } catch (headError) {
    context.log.warn({ key: expected.key, err: headError }, 'lost reply could not be settled');
    return failed;
  }
}

/**
 * @throws TransferError `corrupt`; a StoreError when the store could not be asked, `changed` when somebody
 * replaced the object before it could be compared.
 */
export async function verify(
  context: Pick<CommitContext, 'store' | 'log' | 'observer'>,
  stage: IntegrityStage,
  receipt: WriteReceipt,
  expected: ExpectedObject,
): Promise<VerifiedObject> {
  const { observer, log } = context;
  const { etag, requestId } = receipt;
  const facts = { sizeBytes: expected.sizeBytes, etag, ...(requestId && { requestId }) };
  if (receipt.crc64 !== undefined && receipt.crc64 === expected.crc64) {
    observer.integrityChecked(stage, 'verified');
    return { ...facts, checksum: 'verified' };
  }
  const { key } = expected;
  if (receipt.crc64 === undefined && stage === 'put') {
    observer.integrityChecked(stage, 'absent');
    log.warn({ key, requestId }, 'the store sends no crc-64; accepted on its content-md5 check');
    return { ...facts, checksum: 'absent' };
  }
  const info = await context.store.head(key);
  if (isSame(info, expected)) {
    observer.integrityChecked(stage, 'verified');
    return { ...facts, checksum: 'verified' };
  }
  if (info.etag !== etag) {
    throw new StoreError('changed', 'the object was replaced before it was compared');
  }
  const isUnknown = (receipt.crc64 ?? info.crc64) === undefined || expected.crc64 === undefined;
  if (isUnknown && info.sizeBytes === expected.sizeBytes) {
    observer.integrityChecked(stage, 'absent');
    log.warn({ key, requestId }, 'the store keeps no crc-64; accepted on size');
    return { ...facts, checksum: 'absent' };
  }
  observer.integrityChecked(stage, 'mismatch');
  log.error(
    {
      key,
      requestId,
      sizeBytes: info.sizeBytes,
      expectedBytes: expected.sizeBytes,
      crc64: String(receipt.crc64 ?? info.crc64),
      expectedCrc64: String(expected.crc64),
    },
    'the stored object differs',
  );
  throw new TransferError('corrupt', 'the stored object differs from the bytes that were sent');
}

function isSame(info: ObjectInfo, expected: ExpectedObject): boolean {
  return (
    expected.crc64 !== undefined &&
    info.crc64 === expected.crc64 &&
    info.sizeBytes === expected.sizeBytes
  );
}
