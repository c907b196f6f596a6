/**
 * One upload, from the first byte to the verified object, as one state machine. The caller writes into
 * the space it is given and says when the data ended; everything else is here.
 *
 *                       part 1 full and one byte more           every part sent
 *      receiving ──────────────────────────────► sending ──────────────┐
 *          │ end of data: part 1 is all there is                       │ end of data
 *          ▼                                                           ▼
 *        ending  ◄─────────────────────────────────────────────────────┘
 *          │ parts stored and compared, evidence asked: PUT or Complete
 *          ▼
 *      committing ──► stored         failure, refusal or `discard` in any state before `stored`:
 *                                      … ──► failed ──► discarded
 *
 * It must never commit unless `finish` or `commitPartial` was called, every part's checksum agreed and
 * `mayCommit` said yes immediately before; never say `stored` before the object's size and CRC-64 were
 * compared; never abort a multipart upload while a Complete may be at work; and never let go of memory
 * that the caller may still be writing to. A reply to `createMultipart` that gets lost leaves an upload
 * behind whose id nobody knows: a lifecycle rule of the bucket clears those.
 */
import { assert } from '#gateway/kit/assert.ts';
import { formatBytes } from '#gateway/kit/bytes.ts';
import { type Clock, sleep } from '#gateway/kit/clock.ts';
import { combineCrc64 } from '#gateway/kit/crc64-combine.ts';
import { type Log, silentLog } from '#gateway/kit/log.ts';
import { type RetryPolicy, retry } from '#gateway/kit/retry.ts';
import {
  type MultipartUpload,
  type ObjectAttributes,
  type ObjectStore,
  StoreError,
} from '#gateway/storage/object-store.ts';
import type { PartBuffer, PartPool } from './budget.ts';
import { type CommitOutcome, commitMultipart, commitPut } from './commit.ts';
import { TransferError } from './errors.ts';
import { silentObserver, type TransferObserver } from './observer.ts';
import { FillingPart, type SealedPart } from './part.ts';
import { PartSender } from './part-sender.ts';
import { type PartPlan, partsMax } from './plan.ts';

export interface UploadOptions {
  readonly store: ObjectStore;
  readonly key: string;
  readonly pool: PartPool;
  readonly plan: PartPlan;
  /** Longest file accepted; the plan's reachable size is a second limit. */
  readonly limitBytes: number;
  /** Announced by ALLO, if it was: only a hint for the size of the first parts. */
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

export interface UploadTiming {
  /** For the first memory, before any data. Default 30 s. */
  readonly firstGrantMs: number;
  /** For more memory, while the client waits to send. Default 10 min. */
  readonly nextGrantMs: number;
  /** How often and how long Complete is repeated. Default up to 90 s. */
  readonly completeRetry: RetryPolicy;
  readonly abortRetry: RetryPolicy;
  /** How long `discard` keeps the caller; then it goes on in the background. Default 10 s. */
  readonly discardWaitMs: number;
  /** After a Complete without an answer, the abort waits this long. Default 10 min. */
  readonly lateAbortMs: number;
}

export const uploadTiming: UploadTiming = {
  firstGrantMs: 30_000,
  nextGrantMs: 600_000,
  completeRetry: { attemptsMax: 60, firstDelayMs: 200, delayMsMax: 5_000, deadlineMs: 90_000 },
  abortRetry: { attemptsMax: 4, firstDelayMs: 500, delayMsMax: 5_000, deadlineMs: 60_000 },
  discardWaitMs: 10_000,
  lateAbortMs: 600_000,
};

export interface StoredObject {
  readonly sizeBytes: number;
  /** Of the bytes that were received. */
  readonly crc64: bigint;
  readonly etag: string;
  readonly requestId?: string;
  /** `absent`: the store keeps no CRC-64; accepted on size, and on Content-MD5 where that was sent. */
  readonly checksum: 'verified' | 'absent';
}

type State =
  /** Bytes go into part 1; the store knows nothing yet. `probe` waits for the byte after a full part 1. */
  | { name: 'receiving'; part?: FillingPart | undefined; probe?: FillingPart | undefined }
  | { name: 'sending'; sender: PartSender; part?: FillingPart | undefined }
  /** The data ended: `body` is all of it (absent: no bytes), or `sender` has the parts. */
  | { name: 'ending'; body?: SealedPart | undefined; sender?: PartSender | undefined }
  | { name: 'committing'; body?: SealedPart | undefined; sender?: PartSender | undefined }
  | { name: 'stored' }
  | {
      name: 'failed';
      error: unknown;
      memory: readonly { release(): void }[];
      sender?: PartSender | undefined;
    }
  | { name: 'discarded'; error: unknown };

const successors = {
  receiving: ['sending', 'ending', 'failed'],
  sending: ['ending', 'failed'],
  ending: ['committing', 'failed'],
  committing: ['stored', 'failed'],
  stored: [],
  failed: ['discarded'],
  discarded: [],
} as const satisfies Record<State['name'], readonly State['name'][]>;

const noSpace: Uint8Array = new Uint8Array(0);

export class Upload {
  readonly #options: UploadOptions;
  readonly #log: Log;
  readonly #observer: TransferObserver;
  readonly #timing: UploadTiming;
  /** Of the account and of the plan, whichever is less. */
  readonly #limitBytes: number;
  readonly #failed = new AbortController();
  #state: State = { name: 'receiving' };
  #receivedBytes = 0;
  #sealedParts = 0;
  #crc64 = 0n;
  #grant: { readonly promise: Promise<void>; readonly stop: AbortController } | undefined;
  #finishing: Promise<StoredObject> | undefined;
  #cleaning: Promise<void> | undefined;
  #lastWord: 'answered' | 'silent' = 'answered';

  constructor(options: UploadOptions) {
    this.#options = options;
    this.#log = options.log ?? silentLog;
    this.#observer = options.observer ?? silentObserver;
    this.#timing = { ...uploadTiming, ...options.timing };
    this.#limitBytes = Math.min(options.limitBytes, options.plan.reachableBytes);
    options.signal?.addEventListener('abort', this.#onSignal);
    if (options.signal?.aborted) this.#onSignal();
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /**
   * Aborts as soon as nothing can be stored any more; its reason is the error. Stop reading then, and
   * call `discard`: memory that a read may still write to is kept until that call.
   */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** Where the next bytes go. Empty while no memory is granted: stop reading and await `ready`. */
  space(): Uint8Array {
    return this.#filling()?.space() ?? noSpace;
  }

  /**
   * That many bytes were written at the start of `space()`.
   * @throws TransferError `too-large` with the first byte over the limit; the upload has failed then.
   */
  advance(bytes: number): void {
    if (bytes === 0) return;
    const part = this.#filling();
    assert(
      part !== undefined && bytes <= part.space().length,
      'bytes are written into the space given',
    );
    this.#receivedBytes += bytes;
    if (this.#receivedBytes > this.#limitBytes) throw this.#fail(this.#tooLarge());
    part.advance(bytes);
    if (this.#state.name === 'receiving' && this.#state.probe) this.#openMultipart();
    if (part.isFull) this.#partIsFull();
  }

  /**
   * Resolves when `space()` is not empty.
   * @throws TransferError `no-memory` when none is granted in time (30 s before the first byte), or
   * whatever the upload failed with.
   */
  ready(): Promise<void> {
    const failure = this.#failure();
    if (failure) return Promise.reject(failure.error);
    if (this.space().length > 0) return Promise.resolve();
    return this.#grant?.promise ?? this.#waitForGrant();
  }

  /**
   * The data ended. Resolves when the object is stored and compared; rejects when it is not, and then
   * everything was discarded.
   * @param mayCommit Asked once, immediately before PUT or Complete.
   * @throws TransferError `refused` when `mayCommit` said no, `corrupt` when the object differs,
   * `aborted` after `discard`; a StoreError when the store failed.
   */
  finish({ mayCommit }: { mayCommit: () => boolean | Promise<boolean> }): Promise<StoredObject> {
    this.#finishing ??= this.#finish(mayCommit);
    return this.#finishing;
  }

  /**
   * Policy `complete` after a cut: what was received becomes the object. Undefined, and nothing stored,
   * when that is no byte. Never after a failure of ours or of the store's. @throws as `finish`.
   */
  async commitPartial(): Promise<StoredObject | undefined> {
    if (this.#receivedBytes > 0 || this.#failure()) return this.finish({ mayCommit: () => true });
    await this.discard('no byte was received');
    return undefined;
  }

  /**
   * Nothing is to be stored. Lets go of all memory: no read into `space()` may be outstanding. A commit
   * that has begun is waited for, never cut off; after it, this does nothing. Idempotent, never rejects.
   */
  async discard(reason: string): Promise<void> {
    if (this.#state.name === 'committing') await this.#finishing?.catch(() => undefined); // told to `finish`'s caller
    if (this.#state.name === 'stored') return;
    this.#fail(new TransferError('aborted', `upload discarded: ${reason}`));
    await this.#cleanUp();
  }

  readonly #onSignal = (): void => {
    if (this.#state.name === 'committing') return;
    this.#fail(
      new TransferError('aborted', 'upload given up', { cause: this.#options.signal?.reason }),
    );
  };

  // Filling ------------------------------------------------------------------------------------------

  #filling(): FillingPart | undefined {
    const state = this.#state;
    if (state.name === 'receiving') return state.probe ?? state.part;
    return state.name === 'sending' ? state.part : undefined;
  }

  /** A full part 1 waits for one byte more, if that costs no wait: the file may be exactly that long. */
  #partIsFull(): void {
    const state = this.#state;
    if (state.name === 'receiving') {
      state.probe = this.#tryNextPart();
      if (!state.probe) this.#openMultipart();
    } else if (state.name === 'sending' && state.part) {
      state.sender.send(this.#seal(state.part));
      state.part = state.sender.hasRoom ? this.#tryNextPart() : undefined;
    }
  }

  #openMultipart(): void {
    const state = this.#state;
    assert(state.name === 'receiving' && state.part?.isFull, 'multipart begins with a full part');
    const { store, key, attributes, clock, partsInFlight = 4 } = this.#options;
    const sender = new PartSender({
      store,
      open: () => store.createMultipart(key, attributes),
      partsInFlight,
      clock,
      log: this.#log,
      observer: this.#observer,
      onFailure: (error) => this.#fail(error),
    });
    this.#enter({ name: 'sending', sender, part: state.probe });
    sender.send(this.#seal(state.part));
  }

  #seal(part: FillingPart): SealedPart {
    const sealed = part.seal();
    this.#sealedParts = sealed.number;
    this.#crc64 = combineCrc64(this.#crc64, sealed.crc64, sealed.bytes.length);
    return sealed;
  }

  // Memory -------------------------------------------------------------------------------------------

  /** Never more than may still arrive, and always room for the one byte that is too much. */
  #nextRequest(): { bytes: number; leastBytes: number } {
    const { plan, expectedBytes } = this.#options;
    const number = Math.min(partsMax, this.#nextNumber());
    const wish = plan.request(number, this.#receivedBytes, expectedBytes);
    const restBytes = this.#limitBytes - this.#receivedBytes + 1;
    return {
      bytes: Math.min(wish.bytes, restBytes),
      leastBytes: Math.min(wish.leastBytes, restBytes),
    };
  }

  #nextNumber(): number {
    const isFirstUnsealed = this.#state.name === 'receiving' && this.#state.part !== undefined;
    return this.#sealedParts + (isFirstUnsealed ? 2 : 1);
  }

  #tryNextPart(): FillingPart | undefined {
    const buffer = this.#options.pool.tryAcquire(this.#nextRequest());
    return buffer && this.#newPart(buffer);
  }

  #newPart(buffer: PartBuffer): FillingPart {
    return new FillingPart(this.#nextNumber(), buffer, this.#options.pool.crc);
  }

  #waitForGrant(): Promise<void> {
    const stop = new AbortController();
    const promise = this.#takeGrant(stop.signal).finally(() => {
      this.#grant = undefined;
    });
    promise.catch(() => undefined); // the caller may have stopped waiting; `failed` tells it too
    this.#grant = { promise, stop };
    return promise;
  }

  async #takeGrant(signal: AbortSignal): Promise<void> {
    const { pool } = this.#options;
    try {
      if (this.#state.name === 'sending') await this.#state.sender.room();
      const timeoutMs = this.#timing[this.#receivedBytes === 0 ? 'firstGrantMs' : 'nextGrantMs'];
      const buffer = await pool.acquire(this.#nextRequest(), { signal, timeoutMs });
      if (!this.#adopt(buffer)) {
        buffer.release();
        throw new TransferError('aborted', 'the data ended before more memory was granted');
      }
    } catch (error) {
      throw signal.aborted ? (this.#failure()?.error ?? error) : this.#fail(error);
    }
  }

  #adopt(buffer: PartBuffer): boolean {
    const state = this.#state;
    const isWanted = (state.name === 'receiving' || state.name === 'sending') && !state.part;
    if (isWanted) state.part = this.#newPart(buffer);
    return isWanted;
  }

  // Ending -------------------------------------------------------------------------------------------

  async #finish(mayCommit: () => boolean | Promise<boolean>): Promise<StoredObject> {
    const { clock } = this.#options;
    const endedMs = clock.monotonicMs();
    try {
      await this.#endData();
      if (!(await mayCommit())) {
        throw new TransferError('refused', 'the upload was refused right before its commit');
      }
      const object = await this.#commit();
      this.#observer.uploadFinalized((clock.monotonicMs() - endedMs) / 1000);
      return object;
    } catch (error) {
      const failure = this.#fail(error);
      await this.#cleanUp();
      throw failure;
    }
  }

  /** Resolves when nothing but the commit is outstanding. */
  async #endData(): Promise<void> {
    const state = this.#state;
    this.#grant?.stop.abort();
    if (state.name === 'receiving') {
      state.probe?.release();
      this.#enter({ name: 'ending', body: state.part && this.#seal(state.part) });
    } else if (state.name === 'sending') {
      const { sender, part } = state;
      this.#enter({ name: 'ending', sender });
      if (part?.filledBytes) sender.send(this.#seal(part));
      else part?.release();
      await sender.drained();
    }
  }

  async #commit(): Promise<StoredObject> {
    const state = this.#state;
    const failure = this.#failure();
    if (failure) throw failure.error;
    assert(state.name === 'ending', 'a commit follows the end of data');
    const { body, sender } = state;
    this.#enter({ name: 'committing', body, sender });
    const outcome = await this.#sendCommit(body, sender);
    if (outcome.kind === 'failed') {
      this.#lastWord = outcome.lastWord;
      throw outcome.error;
    }
    this.#enter({ name: 'stored' });
    body?.release();
    if (sender) this.#observer.multipartEnded('completed');
    return { ...outcome.object, crc64: this.#crc64 };
  }

  #sendCommit(body?: SealedPart, sender?: PartSender): Promise<CommitOutcome> {
    const { store, key, attributes, clock, random } = this.#options;
    const { completeRetry } = this.#timing;
    const expected = { key, sizeBytes: this.#receivedBytes, crc64: this.#crc64 };
    const context = {
      store,
      clock,
      log: this.#log,
      observer: this.#observer,
      completeRetry,
      ...(random && { random }),
    };
    return sender?.upload
      ? commitMultipart(context, sender.upload, sender.storedParts, expected)
      : commitPut(context, body?.bytes ?? noSpace, expected, attributes);
  }

  // Failing ------------------------------------------------------------------------------------------

  /** The error that decides: the first one. */
  #fail(error: unknown): unknown {
    const state = this.#state;
    const failure = this.#failure();
    if (failure || state.name === 'stored') return failure?.error ?? error;
    this.#enter({ name: 'failed', error, ...holdings(state) });
    if ('sender' in state) state.sender?.stop(error);
    this.#grant?.stop.abort();
    this.#failed.abort(error);
    return error;
  }

  #failure(): { readonly error: unknown } | undefined {
    const state = this.#state;
    return state.name === 'failed' || state.name === 'discarded' ? state : undefined;
  }

  #tooLarge(): TransferError {
    const { limitBytes, plan, pool } = this.#options;
    const isOurLimit = plan.reachableBytes < limitBytes;
    const limit = `${this.#limitBytes} bytes (${formatBytes(this.#limitBytes)})`;
    return new TransferError(
      'too-large',
      isOurLimit
        ? `the file exceeds ${limit}, what ${partsMax} parts reach with ${formatBytes(pool.limitBytes)} of memory`
        : `the file exceeds the limit of ${limit} for one file`,
      isOurLimit ? { hint: 'Raise upload_memory to accept larger files.' } : {},
    );
  }

  /** Resolves when everything is given back and aborted, or after `discardWaitMs`. Never rejects. */
  #cleanUp(): Promise<void> {
    this.#cleaning ??= this.#cleanUpWithin(this.#timing.discardWaitMs);
    return this.#cleaning;
  }

  async #cleanUpWithin(waitMs: number): Promise<void> {
    const done = new AbortController();
    const work = this.#releaseAll().finally(() => done.abort());
    const isLate = sleep(this.#options.clock, waitMs, done.signal).then(
      () => this.#log.warn({ key: this.#options.key }, 'discard goes on in the background'),
      () => undefined, // done in time
    );
    await Promise.race([work, isLate]);
  }

  async #releaseAll(): Promise<void> {
    const state = this.#state;
    if (state.name !== 'failed') return;
    for (const part of state.memory) part.release();
    await state.sender?.settled();
    if (state.sender?.upload) await this.#abortMultipart(state.sender.upload);
    this.#enter({ name: 'discarded', error: state.error });
  }

  /**
   * Right away, unless a Complete got no answer and may be at work: then when even the slowest one must
   * be over. By then the abort removes parts of a failed Complete, and does nothing after a late success.
   */
  async #abortMultipart(upload: MultipartUpload): Promise<void> {
    if (this.#lastWord === 'answered') return this.#abortNow(upload);
    const { lateAbortMs } = this.#timing;
    this.#log.warn({ key: upload.key, lateAbortMs }, 'complete got no answer; abort waits');
    this.#options.clock.setTimer(lateAbortMs, () => void this.#abortNow(upload));
  }

  async #abortNow(upload: MultipartUpload): Promise<void> {
    const { store, clock, random } = this.#options;
    try {
      await retry(() => store.abortMultipart(upload), {
        policy: this.#timing.abortRetry,
        clock,
        isRetryable: (error) => error instanceof StoreError && error.retryable,
        ...(random && { random }),
      });
      this.#observer.multipartEnded('aborted');
    } catch (error) {
      const { key, uploadId } = upload;
      this.#log.error({ key, uploadId, error }, 'multipart upload left open');
      this.#observer.multipartEnded('left-open');
    }
  }

  #enter(state: State): void {
    const allowed: readonly State['name'][] = successors[this.#state.name];
    assert(allowed.includes(state.name), `upload goes from ${this.#state.name} to ${state.name}`);
    this.#state = state;
    if (state.name === 'stored' || state.name === 'failed') {
      this.#options.signal?.removeEventListener('abort', this.#onSignal);
    }
  }
}

/** What a state holds that has to be given back when it fails. */
function holdings(state: State): Pick<State & { name: 'failed' }, 'memory' | 'sender'> {
  switch (state.name) {
    case 'receiving':
      return { memory: [state.part, state.probe].filter((part) => part !== undefined) };
    case 'sending':
      return { memory: state.part ? [state.part] : [], sender: state.sender };
    case 'ending':
    case 'committing':
      return { memory: state.body ? [state.body] : [], sender: state.sender };
    case 'stored':
    case 'failed':
    case 'discarded':
      return { memory: [] };
  }
}
