/**
 * One upload, from the first byte to the verified object, as one state machine (drawn in
 * upload-state.ts). The caller writes into the space it is given and says when the data ended;
 * everything else is here.
 *
 * It must never commit unless `finish` or `commitPartial` was called, every part's checksum agreed and
 * `mayCommit` said yes immediately before; never say stored before the object's size and CRC-64 were
 * compared; never abort a multipart upload while a Complete may be at work; and never let go of memory
 * that the caller may still be writing to. A reply to `createMultipart` that gets lost leaves an upload
 * behind whose id nobody here knows: its marker (storage/marked-store.ts) leads the janitor to it, and a
 * lifecycle rule of the bucket is the second net.
 */
import { assert } from '#gateway/kit/assert.ts';
import { sleep } from '#gateway/kit/clock.ts';
import { combineCrc64 } from '#gateway/kit/crc64-combine.ts';
import { type Log, silentLog } from '#gateway/kit/log.ts';
import {
  type CommitOutcome,
  commitMultipart,
  commitPut,
  type LastWord,
  type VerifiedObject,
} from './commit.ts';
import { Continuation } from './continuation.ts';
import { TransferError } from './errors.ts';
import { abortMultipart } from './multipart-abort.ts';
import { silentObserver, type TransferObserver } from './observer.ts';
import type { FillingPart, SealedPart } from './part.ts';
import { PartSender } from './part-sender.ts';
import { PartSupply } from './part-supply.ts';
import { tooLarge } from './upload-limit.ts';
import {
  type FinishOptions,
  type StoredObject,
  type UploadOptions,
  type UploadTiming,
  uploadTiming,
} from './upload-options.ts';
import { holdings, successors, type UploadState, type UploadStateName } from './upload-state.ts';

export type { StoredObject } from './upload-options.ts';

const noSpace: Uint8Array = new Uint8Array(0);

export class Upload {
  readonly #options: UploadOptions;
  readonly #log: Log;
  readonly #observer: TransferObserver;
  readonly #timing: UploadTiming;
  /** Of the account and of the plan, whichever is less. */
  readonly #limitBytes: number;
  readonly #supply: PartSupply;
  readonly #failed = new AbortController();
  #state: UploadState = { name: 'receiving' };
  readonly #continuation: Continuation;
  #receivedBytes = 0;
  #sealedParts: number;
  /** Of the sealed parts that we filled, and their length. */
  #crc64 = 0n;
  #sealedBytes = 0;
  #grant: { readonly promise: Promise<void>; readonly stop: AbortController } | undefined;
  #finishing: Promise<StoredObject> | undefined;
  #cleaning: Promise<void> | undefined;
  #lastWord: LastWord = 'answered';

  constructor(options: UploadOptions) {
    const { plan, pool, expectedBytes, signal, base } = options;
    this.#options = options;
    this.#continuation = new Continuation(base);
    this.#sealedParts = this.#continuation.copies.length;
    this.#log = options.log ?? silentLog;
    this.#observer = options.observer ?? silentObserver;
    this.#timing = { ...uploadTiming, ...options.timing };
    this.#limitBytes = Math.min(options.limitBytes, plan.reachableBytes);
    const wholeBytes = expectedBytes === undefined ? undefined : this.#objectBytes + expectedBytes;
    const limits = { limitBytes: this.#limitBytes, expectedBytes: wholeBytes };
    this.#supply = new PartSupply({ pool, plan, ...limits });
    signal?.addEventListener('abort', this.#onSignal);
    if (signal?.aborted) this.#onSignal();
  }

  /** Written by the caller: without the base. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Length of the object as it would be now. */
  get #objectBytes(): number {
    return this.#continuation.keptBytes + this.#receivedBytes;
  }

  get state(): UploadStateName {
    return this.#state.name;
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
    assert(part && bytes <= part.space().length, 'bytes are written into the space given');
    this.#receivedBytes += bytes;
    if (this.#objectBytes > this.#limitBytes)
      throw this.#fail(tooLarge(this.#options, this.#limitBytes));
    part.advance(bytes);
    if (this.#state.name === 'receiving' && this.#isBeyondOnePart(this.#state)) {
      this.#openMultipart();
    }
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
    if (this.space().length > 0 || this.#begin()) return Promise.resolve();
    return this.#grant?.promise ?? this.#waitForGrant();
  }

  /**
   * The data ended. Resolves when the object is stored and compared; rejects when it is not, and then
   * everything was discarded.
   * @throws TransferError `refused` when `mayCommit` said no, `corrupt` when the object differs,
   * `aborted` after `discard`; a StoreError when the store failed.
   */
  finish({ mayCommit }: FinishOptions): Promise<StoredObject> {
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
   * that has begun is waited for, never cut off; after a success this does nothing. Idempotent, never
   * rejects; longer than 10 s it goes on in the background.
   */
  async discard(reason: string): Promise<void> {
    // The outcome of a commit goes to whoever called `finish`.
    if (this.#state.name === 'committing') await this.#finishing?.catch(() => undefined);
    if (this.#state.name === 'stored') return;
    this.#fail(new TransferError('aborted', `upload discarded: ${reason}`));
    await this.#cleanUp();
  }

  readonly #onSignal = (): void => {
    if (this.#state.name === 'committing') return;
    const { reason } = this.#options.signal ?? {};
    this.#fail(new TransferError('aborted', 'upload given up', { cause: reason }));
  };

  #filling(): FillingPart | undefined {
    const state = this.#state;
    if (state.name === 'receiving') return state.probe ?? state.part ?? state.starter;
    return state.name === 'sending' ? state.part : undefined;
  }

  /** With a starter, when the upload has nothing yet and builds on nothing. */
  #begin(): boolean {
    const state = this.#state;
    if (state.name !== 'receiving' || state.starter || state.part || this.#options.base)
      return false;
    state.starter = this.#supply.tryStarter();
    return state.starter !== undefined;
  }

  #isBeyondOnePart({ probe }: Extract<UploadState, { name: 'receiving' }>): boolean {
    return probe !== undefined || this.#continuation.copies.length > 0;
  }

  /** A full part 1 waits for one byte more, if that costs no wait: the file may be exactly that long. */
  #partIsFull(): void {
    const state = this.#state;
    if (state.name === 'receiving' && state.starter) {
      const part = this.#supply.tryNext(1, 0);
      if (part) this.#adopt(part);
    } else if (state.name === 'receiving') {
      state.probe = this.#supply.tryNext(2, this.#objectBytes);
      if (!state.probe) this.#openMultipart();
    } else if (state.name === 'sending' && state.part) {
      const { sender, part } = state;
      state.part = undefined;
      sender.send(this.#seal(part));
      if (sender.hasRoom) {
        state.part = this.#supply.tryNext(this.#sealedParts + 1, this.#objectBytes);
      }
    }
  }

  #openMultipart(): void {
    const state = this.#state;
    assert(state.name === 'receiving', 'an upload becomes multipart once');
    const { store, key, attributes, partsInFlight = 4 } = this.#options;
    const sender = new PartSender({
      store,
      open: () => store.createMultipart(key, attributes),
      partsInFlight,
      log: this.#log,
      observer: this.#observer,
      onFailure: (error) => this.#fail(error),
    });
    const { part, probe } = state;
    if (this.#continuation.copies.length > 0) {
      this.#enter({ name: 'sending', sender, part });
      sender.copy(this.#continuation.copies);
    } else {
      assert(part?.isFull, 'multipart begins with a full part');
      this.#enter({ name: 'sending', sender, part: probe });
      sender.send(this.#seal(part));
    }
  }

  #seal(part: FillingPart): SealedPart {
    const sealed = part.seal();
    this.#sealedParts = sealed.number;
    this.#sealedBytes += sealed.bytes.length;
    this.#crc64 = combineCrc64(this.#crc64, sealed.crc64, sealed.bytes.length);
    return sealed;
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
    const timeoutMs = this.#timing[this.#receivedBytes === 0 ? 'firstGrantMs' : 'nextGrantMs'];
    try {
      if (this.#state.name === 'sending') await this.#state.sender.room();
      const number = this.#sealedParts + 1;
      const beforeBytes = this.#beforePartBytes();
      const part = await this.#supply.next(number, beforeBytes, { signal, timeoutMs });
      await this.#continuation.readHead(this.#options.store, part, signal);
      if (!this.#adopt(part)) {
        part.release();
        throw new TransferError('aborted', 'the data ended before more memory was granted');
      }
    } catch (error) {
      throw signal.aborted ? (this.#failure()?.error ?? error) : this.#fail(error);
    }
  }

  /** Of the object, in the parts before the next one: a starter's bytes go into part 1. */
  #beforePartBytes(): number {
    const isStarting = this.#state.name === 'receiving' && this.#state.starter !== undefined;
    return isStarting ? 0 : this.#objectBytes - this.#continuation.unreadBytes;
  }

  #adopt(part: FillingPart): boolean {
    const state = this.#state;
    if (state.name === 'receiving' && state.starter) {
      state.part = part.absorb(state.starter);
      state.starter = undefined;
      return true;
    }
    const isWanted = (state.name === 'receiving' || state.name === 'sending') && !state.part;
    if (isWanted) state.part = part;
    return isWanted;
  }

  async #finish(mayCommit: FinishOptions['mayCommit']): Promise<StoredObject> {
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
    this.#grant?.stop.abort();
    // Without a byte of data `advance` never looked.
    if (this.#objectBytes > this.#limitBytes) throw tooLarge(this.#options, this.#limitBytes);
    if (
      this.#state.name === 'receiving' &&
      this.#continuation.copies.length > 0 &&
      !this.#unchanged()
    ) {
      this.#openMultipart(); // a shorter object, of copies alone
    }
    const state = this.#state;
    if (state.name === 'receiving') {
      state.probe?.release();
      const isUnchanged = this.#unchanged() !== undefined;
      const only = state.part ?? state.starter;
      if (isUnchanged) only?.release();
      const body = isUnchanged ? undefined : only && this.#seal(only);
      this.#enter({ name: 'ending', body });
    } else if (state.name === 'sending') {
      const { sender, part } = state;
      this.#enter({ name: 'ending', sender });
      if (part?.filledBytes) sender.send(this.#seal(part));
      else part?.release();
      await sender.drained();
      this.#continuation.checkCopies(sender.copiedCrc64);
    }
    this.#throwIfFailed();
  }

  async #commit(): Promise<StoredObject> {
    this.#throwIfFailed(); // while the evidence was asked
    const state = this.#state;
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
    const crc64 = this.#wholeCrc64(sender);
    if (outcome.leftover && sender?.upload) {
      void abortMultipart(this.#context(), sender.upload, outcome.leftover);
    } else if (sender) {
      this.#observer.multipartEnded('completed');
    }
    return { ...outcome.object, crc64 };
  }

  #unchanged(): VerifiedObject | undefined {
    return this.#receivedBytes === 0 ? this.#continuation.unchanged() : undefined;
  }

  #wholeCrc64(sender: PartSender | undefined): bigint | undefined {
    const data = { crc64: this.#crc64, bytes: this.#sealedBytes };
    return this.#continuation.wholeCrc64(data, sender?.copiedCrc64);
  }

  #sendCommit(body?: SealedPart, sender?: PartSender): Promise<CommitOutcome> {
    const { key, attributes } = this.#options;
    const unchanged = this.#unchanged();
    if (unchanged) return Promise.resolve({ kind: 'stored', object: unchanged });
    const crc64 = this.#wholeCrc64(sender);
    const expected = { key, sizeBytes: this.#objectBytes, crc64 };
    return sender?.upload
      ? commitMultipart(this.#context(), sender.upload, sender.storedParts, expected)
      : commitPut(this.#context(), body?.bytes ?? noSpace, expected, attributes);
  }

  #context() {
    const { store, clock, random } = this.#options;
    const shared = { store, clock, log: this.#log, observer: this.#observer, ...this.#timing };
    return { ...shared, ...(random && { random }) };
  }

  /** @returns the error that decides: the first one. */
  #fail(error: unknown): unknown {
    const state = this.#state;
    const failure = this.#failure();
    if (failure || state.name === 'stored') return failure?.error ?? error;
    const held = holdings(state);
    this.#enter({ name: 'failed', error, ...held });
    held.sender?.stop(error);
    this.#grant?.stop.abort();
    this.#failed.abort(error);
    return error;
  }

  #failure(): { readonly error: unknown } | undefined {
    const state = this.#state;
    return state.name === 'failed' || state.name === 'discarded' ? state : undefined;
  }

  #throwIfFailed(): void {
    const failure = this.#failure();
    if (failure) throw failure.error;
  }

  /** Resolves when everything is given back and aborted, or after `discardWaitMs`. Never rejects. */
  #cleanUp(): Promise<void> {
    this.#cleaning ??= this.#cleanUpWithin(this.#timing.discardWaitMs);
    return this.#cleaning;
  }

  async #cleanUpWithin(waitMs: number): Promise<void> {
    const done = new AbortController();
    const work = this.#releaseAll().finally(() => done.abort());
    const late = sleep(this.#options.clock, waitMs, done.signal).then(
      () => this.#log.warn({ key: this.#options.key }, 'discard goes on in the background'),
      () => undefined, // done in time
    );
    await Promise.race([work, late]);
  }

  async #releaseAll(): Promise<void> {
    const state = this.#state;
    if (state.name !== 'failed') return;
    const { error, memory, sender } = state;
    for (const part of memory) part.release();
    await sender?.settled();
    if (sender?.upload) await abortMultipart(this.#context(), sender.upload, this.#lastWord);
    this.#enter({ name: 'discarded', error });
  }

  #enter(state: UploadState): void {
    const allowed: readonly UploadStateName[] = successors[this.#state.name];
    assert(allowed.includes(state.name), `upload goes from ${this.#state.name} to ${state.name}`);
    this.#state = state;
    if (state.name === 'stored' || state.name === 'failed') {
      this.#options.signal?.removeEventListener('abort', this.#onSignal);
    }
  }
}
