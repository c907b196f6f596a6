/**
 * Command lines between the socket and the handler: framed, counted, in order. No I/O. It must never hold
 * more than its limits and one chunk of the socket; whoever feeds it stops while it is full.
 */
import { verbOfBytes } from './command.ts';
import { type FramedLine, LineFramer } from './line-framer.ts';

export interface CommandQueueLimits {
  /** Longest command line without CR LF. Default 8192 (8 KiB). */
  readonly lineBytesMax: number;
  /** Commands waiting behind the running one; more are left in the kernel. Default 256. */
  readonly waitingCommandsMax: number;
  /** Bytes of the waiting commands. Default 65536 (64 KiB). */
  readonly waitingBytesMax: number;
}

/** Whether a line was dealt with and need not wait. @param before how many lines wait in front of it. */
export type TakeAtOnce = (line: FramedLine, before: number) => boolean;

export class CommandQueue {
  readonly #limits: CommandQueueLimits;
  readonly #framer: LineFramer;
  readonly #waiting: FramedLine[] = [];
  #waitingBytes = 0;

  constructor(limits: CommandQueueLimits) {
    this.#limits = limits;
    this.#framer = new LineFramer(limits.lineBytesMax);
  }

  get isFull(): boolean {
    const { waitingCommandsMax, waitingBytesMax } = this.#limits;
    return this.#waiting.length >= waitingCommandsMax || this.#waitingBytes >= waitingBytesMax;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Neither a waiting line nor bytes that were not looked at; half a line does not count. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#framer.waitingBytes === 0;
  }

  /** Of a line that was too long and whose end has not come; see LineFramer. */
  get skippedBytes(): number {
    return this.#framer.skippedBytes;
  }

  /** Whether a command of that verb waits. */
  isWaiting(verb: string): boolean {
    return this.#waiting.some((line) => line.kind === 'line' && verbOfBytes(line.bytes) === verb);
  }

  push(chunk: Uint8Array): void {
    this.#framer.push(chunk);
  }

  /** Moves one line from the bytes to the queue. False when it is full or no whole line is there. */
  admit(takeAtOnce: TakeAtOnce): boolean {
    const line = this.isFull ? undefined : this.#framer.next();
    if (!line) return false;
    if (takeAtOnce(line, this.#waiting.length)) return true;
    this.#waiting.push(line);
    this.#waitingBytes += bytesOf(line);
    return true;
  }

  /** Offers the waiting lines again. */
  reconsider(takeAtOnce: TakeAtOnce): void {
    for (let index = 0; index < this.#waiting.length; ) {
      const line = this.#waiting[index];
      if (!line || !takeAtOnce(line, index)) {
        index += 1;
        continue;
      }
      this.#waiting.splice(index, 1);
      this.#waitingBytes -= bytesOf(line);
    }
  }

  /** The next line to run. */
  shift(): FramedLine | undefined {
    const line = this.#waiting.shift();
    if (line) this.#waitingBytes -= bytesOf(line);
    return line;
  }

  /** Drops everything, half a line too. Returns the lines dropped, bytes not framed yet counted as one. */
  clear(): number {
    const lines = this.#waiting.length + (this.#framer.waitingBytes > 0 ? 1 : 0);
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    this.#framer.reset();
    return lines;
  }
}

function bytesOf(line: FramedLine): number {
  return line.kind === 'line' ? line.bytes.length : 0;
}
