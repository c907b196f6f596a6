/**
 * Moves bytes from a data connection into the space an upload offers, by 'data' events and a copy. It
 * stops reading whenever the upload has no memory granted, and its stall timer rests meanwhile.
 *
 * It decides only whether the data *ended*; whether that end is believed is for receive.ts.
 */
import type { Socket } from 'node:net';
import type { Clock } from '#gateway/kit/clock.ts';
import { TransferCut } from './cut.ts';
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
  readonly socket: Socket;
  readonly cut: AbortSignal;
  readonly clock: Clock;
  readonly stallTimeoutMs: number;
  readonly onBytes?: (bytes: number) => void;
}

/** Resolves at the end of data. Rejects with a TransferCut, or with what the upload failed with. */
export function pumpInto(upload: UploadSpace, options: PumpOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    new Pump(upload, options, resolve, reject).start();
  });
}

const nothing: Uint8Array = new Uint8Array(0);

class Pump {
  readonly #upload: UploadSpace;
  readonly #options: PumpOptions;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;
  readonly #stall: StallTimer;
  /** Bytes read from the socket for which there is no space yet: at most one chunk. */
  #leftover = nothing;
  #isWaiting = false;
  #hasEnded = false;
  #isSettled = false;

  constructor(
    upload: UploadSpace,
    options: PumpOptions,
    resolve: () => void,
    reject: (error: unknown) => void,
  ) {
    this.#upload = upload;
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#stall = new StallTimer(options.clock, options.stallTimeoutMs, () =>
      this.#fail(new TransferCut('stalled')),
    );
  }

  start(): void {
    const { socket, cut } = this.#options;
    if (cut.aborted) return this.#fail(cut.reason);
    if (this.#upload.failed.aborted) return this.#fail(this.#upload.failed.reason);
    if (socket.destroyed) return this.#fail(new TransferCut('data-reset'));
    cut.addEventListener('abort', this.#onCut);
    this.#upload.failed.addEventListener('abort', this.#onFailed);
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onBroken);
    socket.on('close', this.#onBroken);
    this.#stall.start();
    socket.resume();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#stall.progress();
    this.#options.onBytes?.(chunk.length);
    this.#take(chunk);
  };

  /** Can come although the last 'data' handler paused: the end of file was already buffered. */
  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    if (!this.#isWaiting) this.#settle(this.#resolve);
  };

  readonly #onBroken = (): void => {
    if (!this.#hasEnded) this.#fail(new TransferCut('data-reset'));
  };

  readonly #onCut = (): void => this.#fail(this.#options.cut.reason);
  readonly #onFailed = (): void => this.#fail(this.#upload.failed.reason);

  #take(chunk: Uint8Array): void {
    try {
      let offset = 0;
      while (offset < chunk.length) {
        const space = this.#upload.space();
        if (space.length === 0) return this.#wait(chunk.subarray(offset));
        const bytes = Math.min(space.length, chunk.length - offset);
        space.set(bytes === chunk.length ? chunk : chunk.subarray(offset, offset + bytes));
        this.#upload.advance(bytes);
        offset += bytes;
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #wait(leftover: Uint8Array): void {
    this.#leftover = leftover;
    this.#isWaiting = true;
    this.#options.socket.pause();
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
    if (this.#isWaiting || this.#isSettled) return;
    if (this.#hasEnded) return this.#settle(this.#resolve);
    this.#stall.start();
    this.#options.socket.resume();
  }

  #fail(error: unknown): void {
    this.#settle(() => this.#reject(error));
  }

  #settle(finish: () => void): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    const { socket, cut } = this.#options;
    this.#stall.rest();
    cut.removeEventListener('abort', this.#onCut);
    this.#upload.failed.removeEventListener('abort', this.#onFailed);
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('error', this.#onBroken);
    socket.off('close', this.#onBroken);
    if (!this.#hasEnded) socket.pause();
    finish();
  }
}
