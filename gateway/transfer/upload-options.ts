/** What an upload is given, and how long its steps may take. */
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import type { RetryPolicy } from '#gateway/kit/retry.ts';
import type { ObjectAttributes } from '#gateway/storage/object-attributes.ts';
import type { ObjectStore } from '#gateway/storage/object-store.ts';
import type { PartPool } from './budget.ts';
import type { UploadBase } from './continuation.ts';
import type { TransferObserver } from './observer.ts';
import type { PartPlan } from './plan.ts';

export interface UploadOptions {
  readonly store: ObjectStore;
  readonly key: string;
  readonly pool: PartPool;
  readonly plan: PartPlan;
  /** What the new object begins with: the upload continues an object. Absent: it begins at 0. */
  readonly base?: UploadBase;
  /** Longest object accepted, base included; the plan's reachable size is a second limit. */
  readonly limitBytes: number;
  /** Of this upload's data, announced by ALLO: only a hint for the size of the first parts. */
  readonly expectedBytes?: number;
  readonly attributes: ObjectAttributes;
  /** Parts sent at the same time; one more may be filling. Default 4. */
  readonly partsInFlight?: number;
  readonly clock: Clock;
  readonly log?: Log;
  /** Gives the upload up, unless it is committing. */
  readonly signal?: AbortSignal;
  readonly observer?: TransferObserver;
  readonly timing?: Partial<UploadTiming>;
  /** In [0, 1), for the jitter of retries. Default Math.random. */
  readonly random?: () => number;
}

/** What an upload that succeeded made. */
export interface StoredObject {
  /** Of the whole object, a base included. */
  readonly sizeBytes: number;
  /** Of the whole object; undefined only when it continues one whose checksum the store never said. */
  readonly crc64: bigint | undefined;
  readonly etag: string;
  readonly requestId?: string;
  /** `absent`: the store keeps no CRC-64; accepted on size, and on Content-MD5 where that was sent. */
  readonly checksum: 'verified' | 'absent';
}

export interface FinishOptions {
  /** The evidence that the client really finished: asked once, immediately before PUT or Complete. */
  readonly mayCommit: () => boolean | Promise<boolean>;
}

export interface UploadTiming {
  /** For the first memory, before any data. Default 30 s. */
  readonly firstGrantMs: number;
  /** For more memory, while the client waits to send. Default 1 h: slow clients take their turns. */
  readonly nextGrantMs: number;
  /**
   * How often and how long Complete is repeated. Default up to 45 s, because many clients wait 60 s for
   * the reply after their last byte (curl, ftplib).
   */
  readonly completeRetry: RetryPolicy;
  readonly abortRetry: RetryPolicy;
  /** How long `discard` keeps the caller; then it goes on in the background. Default 10 s. */
  readonly discardWaitMs: number;
  /** After a Complete without an answer, the abort waits this long. Default 10 min. */
  readonly lateAbortMs: number;
}

export const uploadTiming: UploadTiming = {
  firstGrantMs: 30_000,
  nextGrantMs: 3_600_000,
  completeRetry: { attemptsMax: 40, firstDelayMs: 200, delayMsMax: 5_000, deadlineMs: 45_000 },
  abortRetry: { attemptsMax: 4, firstDelayMs: 500, delayMsMax: 5_000, deadlineMs: 60_000 },
  discardWaitMs: 10_000,
  lateAbortMs: 600_000,
};
