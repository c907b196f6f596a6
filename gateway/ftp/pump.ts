/**
 * Moves bytes from a data connection into the space an upload offers. It stops reading whenever the
 * upload has no memory granted or a bandwidth limit is reached, and its stall timer rests meanwhile.
 *
 * It decides only whether the data *ended*; whether that end is believed is for receive.ts. It must never
 * let a read land in memory that the upload gave up: reading is stopped before anything else happens.
 */

import type { Clock } from '#gateway/kit/clock.ts';
import { freeBytes } from '#gateway/kit/free-bytes.ts';
import { freePace, type Pace } from '#gateway/transfer/pace.ts';
import { TransferCut } from './cut.ts';
import type { DataConnection, DataReading } from './data-connection.ts';
import { StallTimer } from './stall-timer.ts';

/** Where the next bytes go. */
export interface UploadSpace {
  /** Empty while no memory is granted: stop reading and await `ready`. */
  space(): Uint8Array;
  /** That many bytes were written at the start of `space()`. @throws when a limit is exceeded. */
  advance(bytes: number): void;
  /** Resolves when `space()` is not empty; rejects when the upload failed. */
  ready(): Promise<void>;
  /** Aborts as soon as the upload can no longer succeed; its reason is the error. */
  readonly failed: AbortSignal;
}

export interface PumpOptions {
  readonly connection: DataConnection;
  readonly reading: DataReading;
  readonly cut: AbortSignal;
  readonly clock: Clock;
  readonly stallTimeoutMs: number;
  /** Default: as fast as it comes. */
  readonly pace?: Pick<Pace, 'stepBytes' | 'spend' | 'wait'>;
  readonly onBytes?: (bytes: number) => void;
}

/** One read lands in at most this much of a part, so that no other session waits for its checksum. */
const readBytesMax = 1024 * 1024;
/** For the read that is already prepared while the upload waits for memory. */
const spareBytes = 64 * 1024;

const nothing: Uint8Array = new Uint8Array(0);

export class Pump {
  readonly #upload: UploadSpace;
  readonly #options: PumpOptions;
  readonly #stall: StallTimer;
  readonly #pace: Pick<Pace, 'stepBytes' | 'spend' | 'wait'>;
  readonly #end = Promise.withResolvers<void>();
  /** Bytes read for which there is no space yet: at most one chunk. */
  #leftover = nothing;
  #spare: Uint8Array | undefined;
  /** Where the next direct read will land. */
  #chosen: Uint8Array | undefined;
  /** For memory. */
  #isWaiting = false;
  /** Until the bandwidth limits let more pass. */
  #isPaced = false;
  #hasEnded = false;
  #isSettled = false;

  /** Takes the connection over for direct reading when asked to; reads nothing yet. */
  constructor(upload: UploadSpace, options: PumpOptions) {
    this.#upload = upload;
    this.#options = options;
    this.#pace = options.pace ?? freePace;
    this.#stall = new StallTimer(options.clock, options.stallTimeoutMs, () =>
      this.#fail(new TransferCut('stalled')),
    );
    const { connection, reading } = options;
    if (reading === 'copied') return;
    const isDirect = connection.readDirectly({ space: this.#chooseSpace, onBytes: this.#onRead });
    if (isDirect) connection.isDrainable = () => this.#chosen === this.#spare;
  }

  /** Resolves at the end of data. Rejects with a TransferCut, or with what the upload failed with. */
  run(): Promise<void> {
    this.#start();
    return this.#end.promise;
  }

  #start(): void {
    const { connection, cut } = this.#options;
    const { socket } = connection;
    if (cut.aborted) return this.#fail(cut.reason);
    if (this.#upload.failed.aborted) return this.#fail(this.#upload.failed.reason);
    if (socket.destroyed || socket.errored) return this.#fail(new TransferCut('data-reset'));
    cut.addEventListener('abort', this.#onCut);
    this.#upload.failed.addEventListener('abort', this.#onFailed);
    if (!this.#chosen) socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onBroken);
    socket.on('close', this.#onBroken);
    // A connection held since before the command can have ended already, with nobody listening.
    if (socket.readableEnded) return this.#onEnd();
    this.#keepPace(); // a transfer before this one may have been cut while it had to wait
    this.#resume();
  }

  #resume(): void {
    if (this.#isWaiting || this.#isPaced || this.#isSettled) return;
    if (this.#hasEnded) return this.#settle(this.#end.resolve);
    this.#stall.start();
    this.#options.connection.socket.resume();
  }

  // Direct reading

  readonly #chooseSpace = (): Uint8Array => {
    const isRunning = !this.#isSettled && !this.#isWaiting;
    const space = isRunning ? this.#upload.space() : nothing;
    this.#spare ??= space.length === 0 ? Buffer.allocUnsafeSlow(spareBytes) : undefined;
    const bytesMax = Math.min(readBytesMax, this.#pace.stepBytes);
    this.#chosen = space.length > 0 ? space.subarray(0, bytesMax) : (this.#spare ?? nothing);
    return this.#chosen;
  };

  readonly #onRead = (bytes: number, space: Uint8Array): boolean => {
    if (this.#isSettled) return true; // what is still on its way is dropped
    this.#note(bytes);
    if (space === this.#spare) this.#take(space.subarray(0, bytes));
    else this.#advance(bytes);
    this.#keepPace();
    return !this.#isWaiting && !this.#isPaced && !this.#isSettled;
  };

  #advance(bytes: number): void {
    try {
      if (this.#isSettled) return;
      this.#upload.advance(bytes);
      if (this.#upload.space().length === 0) this.#wait(nothing);
    } catch (error) {
      this.#fail(error);
    }
  }

  // Reading by copy

  readonly #onData = (chunk: Buffer): void => {
    this.#note(chunk.length);
    this.#take(chunk);
    // Copied: nobody else has it. Left to the collector, 60 MiB of them are one full collection, again and again.
    if (this.#leftover.length === 0) freeBytes(chunk);
    this.#keepPace();
  };

  #note(bytes: number): void {
    this.#stall.progress();
    this.#pace.spend(bytes);
    this.#options.onBytes?.(bytes);
  }

  #take(chunk: Uint8Array): void {
    try {
      for (let offset = 0; offset < chunk.length && !this.#isSettled; ) {
        const space = this.#upload.space();
        if (space.length === 0) return this.#wait(chunk.subarray(offset));
        const bytes = Math.min(space.length, chunk.length - offset);
        space.set(chunk.subarray(offset, offset + bytes));
        this.#upload.advance(bytes);
        offset += bytes;
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  // Waiting for memory

  #wait(leftover: Uint8Array): void {
    this.#leftover = leftover;
    this.#isWaiting = true;
    this.#options.connection.socket.pause();
    this.#stall.rest();
    this.#upload.ready().then(
      () => this.#continue(),
      (error: unknown) => this.#fail(error),
    );
  }

  #continue(): void {
    if (this.#isSettled) return;
    this.#isWaiting = false;
    const leftover = this.#leftover;
    this.#leftover = nothing;
    this.#take(leftover);
    this.#resume();
  }

  // Waiting for a bandwidth limit

  #keepPace(): void {
    const wait = this.#isSettled || this.#isPaced ? undefined : this.#pace.wait();
    if (!wait) return;
    this.#isPaced = true;
    this.#options.connection.socket.pause();
    this.#stall.rest();
    void wait.then(() => {
      this.#isPaced = false;
      this.#keepPace(); // what a limit was changed to meanwhile
      this.#resume();
    });
  }

  // Ending

  /** Can come although reading was stopped: the end of file was already seen. */
  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    if (!this.#isWaiting && !this.#isPaced) this.#settle(this.#end.resolve);
  };

  readonly #onBroken = (): void => {
    if (!this.#hasEnded) this.#fail(new TransferCut('data-reset'));
  };

  readonly #onCut = (): void => this.#fail(this.#options.cut.reason);
  readonly #onFailed = (): void => this.#fail(this.#upload.failed.reason);

  #fail(error: unknown): void {
    this.#settle(() => this.#end.reject(error));
  }

  #settle(finish: () => void): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    const { connection, cut } = this.#options;
    const { socket } = connection;
    if (!this.#hasEnded) socket.pause();
    this.#stall.rest();
    cut.removeEventListener('abort', this.#onCut);
    this.#upload.failed.removeEventListener('abort', this.#onFailed);
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('error', this.#onBroken);
    socket.off('close', this.#onBroken);
    finish();
  }
}
