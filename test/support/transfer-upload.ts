/**
 * An upload over a scripted store, with everything around it that a test may want to look at, and the
 * client side of it: writing bytes as a data connection would.
 */
import type { PartPool } from '#gateway/transfer/budget.ts';
import type { IntegrityResult, IntegrityStage } from '#gateway/transfer/observer.ts';
import { partPlan } from '#gateway/transfer/plan.ts';
import { Upload } from '#gateway/transfer/upload.ts';
import type { UploadOptions } from '#gateway/transfer/upload-options.ts';
import { type FakeClock, fakeClock } from './fake-clock.ts';
import { MemoryStore } from './memory-store.ts';
import { type RecordingLog, recordingLog } from './recording-log.ts';
import { testPool } from './transfer-pool.ts';

const MiB = 1024 * 1024;

export interface Observed {
  readonly checks: (readonly [IntegrityStage, IntegrityResult])[];
  /** Multipart uploads opened and how they ended. */
  readonly multiparts: string[];
  inFlight: number;
  inFlightPeak: number;
}

export interface UploadBench {
  readonly clock: FakeClock;
  readonly store: MemoryStore;
  readonly pool: PartPool;
  readonly log: RecordingLog;
  readonly observed: Observed;
  readonly open: (options?: Partial<UploadOptions>) => Upload;
}

/** @param mebibytes of the pool. Default 64. */
export function uploadBench(mebibytes = 64): UploadBench {
  const clock = fakeClock();
  const store = new MemoryStore();
  const pool = testPool(clock, mebibytes);
  const log = recordingLog();
  const observed: Observed = { checks: [], multiparts: [], inFlight: 0, inFlightPeak: 0 };
  const open = (options: Partial<UploadOptions> = {}) =>
    new Upload({
      store,
      key: 'inbox/file',
      pool,
      plan: planFor(pool),
      limitBytes: 1024 * MiB,
      attributes: {},
      clock,
      log,
      observer: observerOf(observed),
      random: () => 1,
      ...options,
    });
  return { clock, store, pool, log, observed, open };
}

export function planFor(pool: PartPool, minPartBytes: number = MiB) {
  return partPlan({ minPartBytes, memoryBytes: pool.limitBytes, limitBytes: 2 ** 40 });
}

function observerOf(observed: Observed): NonNullable<UploadOptions['observer']> {
  return {
    integrityChecked: (stage, result) => void observed.checks.push([stage, result]),
    multipartOpened: () => void observed.multiparts.push('opened'),
    multipartEnded: (end) => void observed.multiparts.push(end),
    partsInFlight: (_direction, change) => {
      observed.inFlight += change;
      observed.inFlightPeak = Math.max(observed.inFlightPeak, observed.inFlight);
    },
    uploadFinalized: () => undefined,
  };
}

/** Writes all of `bytes`, waiting for memory as often as it must. @param chunkBytes default 64 KiB. */
export async function feed(
  upload: Pick<Upload, 'space' | 'advance' | 'ready'>,
  bytes: Uint8Array,
  chunkBytes: number | (() => number) = 65_536,
): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    if (upload.space().length === 0) await upload.ready();
    const space = upload.space();
    const wanted = typeof chunkBytes === 'number' ? chunkBytes : chunkBytes();
    const length = Math.min(space.length, bytes.length - at, wanted);
    space.set(bytes.subarray(at, at + length));
    upload.advance(length);
    at += length;
  }
}

/** Lets virtual time pass until `work` settles. @throws when it does not within `limitMs`. */
export async function drive<T>(
  clock: FakeClock,
  work: Promise<T>,
  { stepMs = 50, limitMs = 3_600_000 } = {},
): Promise<T> {
  let isSettled = false;
  const settled = work.finally(() => {
    isSettled = true;
  });
  settled.catch(() => undefined); // returned below
  for (let passedMs = 0; !isSettled; passedMs += stepMs) {
    if (passedMs > limitMs) throw new Error(`nothing settled within ${limitMs} ms of virtual time`);
    await clock.advance(stepMs);
  }
  return settled;
}
