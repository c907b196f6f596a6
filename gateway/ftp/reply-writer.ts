/**
 * Replies to the socket, with a bound on what a client leaves unread and a deadline for reading at all.
 * It must never buffer without end for a client that sends commands and reads nothing.
 */
import type { Socket } from 'node:net';
import type { Clock, Timer } from '#gateway/kit/clock.ts';

export interface ReplyWriterOptions {
  readonly clock: Clock;
  /** Unsent bytes above which nothing more should be produced. */
  readonly unsentBytesMax: number;
  /** How long the client may read nothing while bytes wait for it. */
  readonly timeoutMs: number;
  /** The deadline passed. */
  readonly onNotReading: () => void;
  /** The client took some bytes, and so few are left that commands may go on. */
  readonly onCaughtUp: () => void;
}

export class ReplyWriter {
  readonly #options: ReplyWriterOptions;
  #unsentBytes = 0;
  #timer: Timer | undefined;
  #onCaughtUp: (() => void) | undefined;
  #isStopped = false;

  constructor(options: ReplyWriterOptions) {
    this.#options = options;
  }

  get isBehind(): boolean {
    return this.#unsentBytes > this.#options.unsentBytesMax;
  }

  /** Resolves when the kernel has the bytes, or the socket is over. */
  write(socket: Socket, bytes: Uint8Array): Promise<void> {
    if (this.#isStopped || !socket.writable) return Promise.resolve();
    this.#unsentBytes += bytes.length;
    return new Promise((resolve) => {
      socket.write(bytes, () => {
        this.#unsentBytes -= bytes.length;
        this.#noteProgress();
        resolve();
      });
      // Mostly the kernel had room and nothing is left to watch.
      if (this.#unsentBytes > 0) this.#watch();
    });
  }

  /** Resolves when few enough bytes are unsent, or the writer was stopped. */
  async untilCaughtUp(): Promise<void> {
    while (this.isBehind && !this.#isStopped) {
      await new Promise<void>((resolve) => {
        this.#onCaughtUp = resolve;
      });
    }
  }

  /** Writes nothing more and waits for nobody. What was written is still delivered. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#onCaughtUp?.();
  }

  #watch(): void {
    if (this.#isStopped) return;
    const { clock, timeoutMs, onNotReading } = this.#options;
    this.#timer ??= clock.setTimer(timeoutMs, onNotReading);
  }

  #noteProgress(): void {
    if (!this.#timer) return;
    this.#timer.cancel();
    this.#timer = undefined;
    if (this.#unsentBytes > 0) this.#watch();
    if (this.isBehind || this.#isStopped) return;
    this.#onCaughtUp?.();
    this.#options.onCaughtUp();
  }
}
