/**
 * `cos_v5.log`: the complete log in a directory, rotated by time. The active file always has that name,
 * because it is what users of the original tool look for and hand to support.
 *
 * It must never stop the gateway. A directory that cannot be written, a disk that fills up or hangs costs
 * log lines (counted), one warning per outage, and nothing else: lines wait in a bounded queue, and the
 * file is tried again from time to time.
 */
import { appendFileSync, closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createStream, type RotatingFileStream } from 'rotating-file-stream';
import type { Clock } from '#gateway/kit/clock.ts';
import { makeDirectory } from '#gateway/kit/make-directory.ts';
import { type LogRotation, rotatedFileName, rotationIntervals } from './log-rotation.ts';

export const logFileName = 'cos_v5.log';

/** Characters that may wait for the disk: about 5,000 lines. */
export const waitingLengthMax: number = 1024 * 1024;
/** Pause after a failure before the file is opened again. */
export const reopenDelayMs = 10_000;
/** How long `close` waits for the disk. */
const closeTimeoutMs = 2_000;

export interface LogFileOptions {
  /** Made when it is missing. */
  readonly directory: string;
  readonly rotate: LogRotation;
  /** Rotated files kept beside the active one; 0 keeps all of them. */
  readonly keep: number;
  readonly clock: Clock;
  /** The first failure of an outage. Called from `open`, `write` or the event loop. */
  readonly onOutage: (error: unknown) => void;
  /** The end of an outage, with the lines that were lost in it. */
  readonly onRecovery: (lostLines: number) => void;
}

interface Outage {
  readonly lostLinesBefore: number;
  /** Monotonic; the file is not opened again before. */
  retryAtMs: number;
}

export class LogFile {
  readonly path: string;
  readonly #options: LogFileOptions;
  #stream: RotatingFileStream | undefined;
  #waiting: string[] = [];
  #waitingLength = 0;
  /** The batch the stream took and has not confirmed. */
  #inFlight: string | undefined;
  #outage: Outage | undefined;
  #lostLines = 0;
  #isScheduled = false;
  #isClosed = false;
  #onIdle: () => void = () => undefined;

  constructor(options: LogFileOptions) {
    this.#options = options;
    this.path = resolve(options.directory, logFileName);
  }

  /** Lines that did not get a place in the queue, since the start. */
  get lostLines(): number {
    return this.#lostLines;
  }

  /** Tries the directory at once, so that the warning comes at the start and not in the night. */
  open(): void {
    try {
      makeDirectory(resolve(this.#options.directory));
      if (endsInsideLine(this.path)) this.#enqueue('\n'); // the last process was killed
      this.#stream = this.#createStream();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Takes one line with its newline; returns at once. */
  write(line: string): void {
    if (this.#isClosed) return;
    if (this.#waitingLength + line.length <= waitingLengthMax) this.#enqueue(line);
    else this.#lose();
    this.#schedule();
  }

  /**
   * Writes what is waiting, synchronously: for the end of the process. A batch not yet confirmed is
   * written too, so a line may stand there twice but is not lost. Skipped while the disk hangs.
   */
  flushSync(): void {
    if (this.#outage && this.#stream) return;
    const text = (this.#inFlight ?? '') + this.#takeWaiting();
    this.#inFlight = undefined;
    if (text === '') return;
    try {
      appendFileSync(this.path, text);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Resolves when all lines are written, at the latest after 4 s. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#untilIdle();
    const stream = this.#stream;
    if (stream) await this.#withDeadline((done) => stream.end(done));
    if (this.#waiting.length > 0) this.flushSync();
    this.#stream = undefined;
  }

  async #untilIdle(): Promise<void> {
    if (!this.#stream || (this.#inFlight === undefined && this.#waiting.length === 0)) return;
    await this.#withDeadline((done) => {
      this.#onIdle = done;
    });
  }

  #withDeadline(begin: (done: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.setTimer(closeTimeoutMs, resolve);
      begin(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #enqueue(line: string): void {
    this.#waiting.push(line);
    this.#waitingLength += line.length;
  }

  #lose(): void {
    if (!this.#outage) this.#beginOutage(new Error('the disk does not keep up'));
    this.#lostLines += 1;
  }

  #takeWaiting(): string {
    const text = this.#waiting.join('');
    this.#waiting = [];
    this.#waitingLength = 0;
    return text;
  }

  /** One batch per turn of the event loop: a burst of lines is one write. */
  #schedule(): void {
    if (this.#isScheduled || this.#inFlight !== undefined) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#writeBatch();
    });
  }

  #writeBatch(): void {
    if (this.#inFlight !== undefined || this.#waiting.length === 0) return;
    if (!this.#stream && !this.#isRetryDue()) return;
    const stream = this.#stream ?? this.#createStream();
    this.#stream = stream;
    const batch = this.#takeWaiting();
    this.#inFlight = batch;
    stream.write(batch, (error) => {
      if (stream !== this.#stream) return; // failed before: the batch is waiting again
      if (error) return this.#fail(error);
      this.#inFlight = undefined;
      this.#endOutage();
      if (this.#waiting.length > 0) this.#schedule();
      else this.#onIdle();
    });
  }

  #isRetryDue(): boolean {
    return !this.#outage || this.#options.clock.monotonicMs() >= this.#outage.retryAtMs;
  }

  /** Its failures arrive as events: opening is asynchronous, because a disk may also hang. */
  #createStream(): RotatingFileStream {
    const { directory, rotate, keep } = this.#options;
    const interval = rotationIntervals[rotate];
    const stream = createStream(
      (time, index) =>
        time ? rotatedFileName(logFileName, rotate, new Date(time), index ?? 1) : logFileName,
      {
        path: resolve(directory),
        ...(interval ? { interval, intervalBoundary: true, initialRotation: true } : {}),
        ...(interval && keep > 0 ? { maxFiles: keep, history: `.${logFileName}.history` } : {}),
      },
    );
    stream.on('error', (error) => {
      if (stream === this.#stream) this.#fail(error);
    });
    stream.on('open', () => refuseShortWrites(stream));
    return stream;
  }

  /** The stream is of no use any more; its batch goes back to the front of the queue. */
  #fail(error: unknown): void {
    this.#stream?.destroy();
    this.#stream = undefined;
    if (this.#inFlight !== undefined) {
      this.#putBack(this.#inFlight);
    }
    this.#beginOutage(error);
    this.#onIdle();
  }

  /** Half of it may stand in the file without its newline. */
  #putBack(batch: string): void {
    const text = batch.startsWith('\n') ? batch : `\n${batch}`;
    this.#inFlight = undefined;
    this.#waiting.unshift(text);
    this.#waitingLength += text.length;
  }

  #beginOutage(error: unknown): void {
    const retryAtMs = this.#options.clock.monotonicMs() + reopenDelayMs;
    if (this.#outage) {
      this.#outage.retryAtMs = retryAtMs;
      return;
    }
    this.#outage = { lostLinesBefore: this.#lostLines, retryAtMs };
    this.#options.onOutage(error);
  }

  #endOutage(): void {
    const outage = this.#outage;
    if (!outage) return;
    this.#outage = undefined;
    this.#options.onRecovery(this.#lostLines - outage.lostLinesBefore);
  }
}

/**
 * A disk that fills up takes the beginning of a batch. The stream, which writes each chunk once and does not
 * look how much was taken (rotating-file-stream 3.2.10, `rewrite`), would lose the rest without a word.
 */
function refuseShortWrites(stream: RotatingFileStream): void {
  const { file } = stream as unknown as { readonly file?: FileHandle };
  if (file) Object.assign(file, { write: (chunk: Uint8Array) => file.writeFile(chunk) });
}

/** @throws what the system says when the file cannot be written. */
function endsInsideLine(path: string): boolean {
  const file = openSync(path, 'a+');
  try {
    const { size } = fstatSync(file);
    const last = new Uint8Array(1);
    return size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a;
  } finally {
    closeSync(file);
  }
}
