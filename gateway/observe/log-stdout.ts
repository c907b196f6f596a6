/**
 * Log lines to stdout without ever waiting for whoever reads it: a stopped terminal or a slow collector
 * must not hold up transfers. What does not fit the queue is lost and counted.
 *
 * Not pino's own destination (sonic-boom 4.2.1): its synchronous flush tries for ever when the reader is
 * gone or the disk behind a redirection is full, and the process would never end.
 */

import { write, writeSync } from 'node:fs';
import type { Clock } from '#gateway/kit/clock.ts';
import { systemCode } from '#gateway/kit/errors.ts';

/** Characters that may wait for the reader: about 5,000 lines. */
const waitingLengthMax = 1024 * 1024;
/** Pause before a full pipe is tried again. */
const fullPipeDelayMs = 50;
/** Tries a synchronous flush grants a reader that does not read: 1 s. */
const flushTriesMax = 20;
/** How long `close` waits for the reader. */
const closeTimeoutMs = 2_000;

export class StandardOutput {
  readonly #descriptor: number;
  readonly #clock: Clock;
  #waiting: string[] = [];
  #waitingLength = 0;
  /** Bytes handed to the kernel or about to be; written before anything that waits. */
  #inFlight: Uint8Array | undefined;
  #isScheduled = false;
  /** The kernel refused `#inFlight`; it is tried again by a timer. */
  #isPaused = false;
  #isReaderGone = false;
  #lostLines = 0;
  #onIdle: () => void = () => undefined;

  /** @param descriptor 1, except in tests. */
  constructor(descriptor: number, clock: Clock) {
    this.#descriptor = descriptor;
    this.#clock = clock;
  }

  get lostLines(): number {
    return this.#lostLines;
  }

  /** Takes one line with its newline; returns at once. */
  write(line: string): void {
    if (this.#isReaderGone || this.#waitingLength + line.length > waitingLengthMax) {
      this.#lostLines += 1;
      return;
    }
    this.#waiting.push(line);
    this.#waitingLength += line.length;
    this.#schedule();
  }

  /** Writes what waits, before the process ends; gives up on a reader that does not read. */
  flushSync(): void {
    const refused = this.#isPaused ? this.#inFlight : undefined;
    if (this.#isPaused) this.#inFlight = undefined;
    let rest = Buffer.concat([refused ?? new Uint8Array(0), Buffer.from(this.#takeWaiting())]);
    for (let triesLeft = flushTriesMax; rest.length > 0 && triesLeft > 0; ) {
      try {
        rest = rest.subarray(writeSync(this.#descriptor, rest));
      } catch (error) {
        if (!isFullPipe(error)) return this.#giveUp(error);
        triesLeft -= 1;
        blockThread(fullPipeDelayMs);
      }
    }
  }

  /** Resolves when all lines were taken by the kernel, at the latest after 2 s. */
  async close(): Promise<void> {
    if (this.#inFlight === undefined && this.#waiting.length === 0) return;
    await new Promise<void>((resolve) => {
      const timer = this.#clock.setTimer(closeTimeoutMs, resolve);
      this.#onIdle = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /** One batch per turn of the event loop: a burst of lines is one write. */
  #schedule(): void {
    if (this.#isScheduled || this.#inFlight) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#continue();
    });
  }

  #continue(): void {
    this.#isPaused = false;
    this.#inFlight ??= this.#nextBatch();
    if (!this.#inFlight) return this.#onIdle();
    write(this.#descriptor, this.#inFlight, (error, bytes) => {
      if (error && isFullPipe(error)) {
        this.#isPaused = true;
        this.#clock.setTimer(fullPipeDelayMs, () => this.#continue());
        return;
      }
      if (error) this.#giveUp(error);
      else this.#inFlight = this.#inFlight?.subarray(bytes);
      if (this.#inFlight?.length === 0) this.#inFlight = undefined;
      this.#continue();
    });
  }

  #nextBatch(): Uint8Array | undefined {
    return this.#waiting.length > 0 ? Buffer.from(this.#takeWaiting()) : undefined;
  }

  /** A reader that went away never comes back; a full disk behind a redirection may get room. */
  #giveUp(error: unknown): void {
    this.#inFlight = undefined;
    this.#lostLines += 1;
    this.#isReaderGone = goneReaderCodes.has(systemCode(error) ?? '');
  }

  #takeWaiting(): string {
    const text = this.#waiting.join('');
    this.#waiting = [];
    this.#waitingLength = 0;
    return text;
  }
}

function isFullPipe(error: unknown): boolean {
  return fullPipeCodes.has(systemCode(error) ?? '');
}

/** The kernel takes nothing now. */
const fullPipeCodes: ReadonlySet<string> = new Set(['EAGAIN', 'EBUSY']);

function blockThread(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}
const goneReaderCodes: ReadonlySet<string> = new Set(['EPIPE', 'EBADF']);
