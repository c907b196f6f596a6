/**
 * All memory that parts of uploads and ranges of downloads may use, in one WebAssembly.Memory, so that
 * the CRC-64 is taken in place. The memory never grows (growing would detach every view), and a page of
 * it costs resident memory only after its first use.
 *
 * Grants are whole parts, in the order of asking; nobody overtakes, so nobody starves. The head of the
 * queue waits for its full size while memory is short, but only for a moment: then, and at once when
 * enough units are free but scattered, it gets the longest free run that it can work with. So a pool
 * full of slow clients makes the others' parts smaller; it does not stop them.
 *
 * It cannot deadlock as long as its users keep one rule: whoever waits here holds no memory that only
 * this grant would let go. A part being sent is let go by the store's answer, a part being filled by its
 * client or that client's stall timer.
 */
import { assert } from '#gateway/kit/assert.ts';
import { formatBytes, MiB } from '#gateway/kit/bytes.ts';
import type { Clock, Timer } from '#gateway/kit/clock.ts';
import { type Crc64Engine, createCrc64Engine } from '#gateway/kit/crc64.ts';
import { TransferError } from './errors.ts';
import { type Extent, Extents } from './extents.ts';
import { Starters, startersBytes } from './starters.ts';

/** Memory is granted in multiples of this: the smallest part COS accepts before the last (page 7750). */
export const unitBytes: number = MiB;

/** How long the head of the queue waits for its full size. About the time a part takes to COS. */
const patienceMs = 250;

const pageBytes = 64 * 1024;
/** WebAssembly addresses 4 GiB; the first page is the checksum's, 16 MiB at most are for starters. */
const unitsMax = 4079;

export interface PartPoolOptions {
  /** `upload_memory`: rounded down to whole MiB, at least 1 MiB, at most 4079 MiB. */
  readonly memoryBytes: number;
  readonly clock: Clock;
  /** `tables`: checksums byte by byte even where they could be folded. Default `auto`. */
  readonly checksums?: 'auto' | 'tables';
  /** For tests: overwrites what is released, so that a late reader sees it. Default false. */
  readonly poisonReleased?: boolean;
}

/** Sizes are rounded up to whole units, and down to the whole pool. */
export interface GrantRequest {
  readonly bytes: number;
  /** Smallest grant that is of use, when memory is short. Default `bytes`. */
  readonly leastBytes?: number;
}

export interface GrantOptions {
  readonly signal?: AbortSignal;
  /** Default: as long as it takes. */
  readonly timeoutMs?: number;
}

/** Some of the pool's memory, for one owner. */
export interface PartBuffer {
  /** Not to be touched after `release`: it is another transfer's then. */
  readonly bytes: Uint8Array;
  /** Idempotent. */
  release(): void;
}

interface Waiter {
  readonly units: number;
  readonly leastUnits: number;
  readonly grant: (extent: Extent) => void;
  isImpatient: boolean;
}

export class PartPool {
  /** What the configured memory came to. */
  readonly limitBytes: number;
  /** Takes checksums of the pool's own memory without copying. */
  readonly crc: Crc64Engine;
  /** For the first bytes of uploads, beside `limitBytes`. */
  readonly starters: Starters;
  readonly #clock: Clock;
  readonly #memory: WebAssembly.Memory;
  readonly #partsOffset: number;
  readonly #extents: Extents;
  readonly #poisonReleased: boolean;
  readonly #queue: Waiter[] = [];
  #patience: Timer | undefined;
  #usedBytesPeak = 0;

  constructor(options: PartPoolOptions) {
    const units = Math.min(unitsMax, Math.max(1, Math.floor(options.memoryBytes / unitBytes)));
    this.limitBytes = units * unitBytes;
    const beginningsBytes = startersBytes(this.limitBytes);
    this.#partsOffset = pageBytes + beginningsBytes;
    const pages = (this.#partsOffset + this.limitBytes) / pageBytes;
    this.#clock = options.clock;
    this.#memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.starters = new Starters(new Uint8Array(this.#memory.buffer, pageBytes, beginningsBytes));
    this.#extents = new Extents(units);
    this.#poisonReleased = options.poisonReleased ?? false;
    const folding = options.checksums === 'tables' ? { foldFromBytes: Infinity } : {};
    this.crc = createCrc64Engine(this.#memory, folding);
  }

  get usedBytes(): number {
    return (this.#extents.totalUnits - this.#extents.freeUnits) * unitBytes;
  }

  /** The most that was ever in use at once. */
  get usedBytesPeak(): number {
    return this.#usedBytesPeak;
  }

  /** How many requests wait. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** A grant at once, or undefined when it would have to wait or somebody already does. */
  tryAcquire(request: GrantRequest): PartBuffer | undefined {
    if (this.#queue.length > 0) return undefined;
    const extent = this.#take(this.#unitsOf(request));
    return extent && this.#bufferAt(extent);
  }

  /**
   * @throws TransferError `no-memory` when `timeoutMs` passed, `aborted` when the signal did; the place
   * in the queue is given up then.
   */
  acquire(request: GrantRequest, options: GrantOptions = {}): Promise<PartBuffer> {
    if (options.signal?.aborted) return Promise.reject(waitAborted(options.signal));
    const ready = this.tryAcquire(request);
    return ready ? Promise.resolve(ready) : this.#wait(request, options);
  }

  #wait(request: GrantRequest, options: GrantOptions): Promise<PartBuffer> {
    return new Promise((resolve, reject) => {
      const { signal, timeoutMs } = options;
      const forget = () => {
        timer?.cancel();
        signal?.removeEventListener('abort', onAbort);
      };
      const waiter: Waiter = {
        ...this.#unitsOf(request),
        isImpatient: false,
        grant: (extent) => {
          forget();
          resolve(this.#bufferAt(extent));
        },
      };
      const giveUp = (error: TransferError) => {
        forget();
        this.#leave(waiter);
        reject(error);
      };
      const onAbort = () => giveUp(waitAborted(signal));
      const timer =
        timeoutMs === undefined
          ? undefined
          : this.#clock.setTimer(timeoutMs, () => giveUp(this.#noMemory(timeoutMs)));
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#queue.push(waiter);
      this.#serve();
    });
  }

  #leave(waiter: Waiter): void {
    const place = this.#queue.indexOf(waiter);
    assert(place !== -1, 'only a waiter leaves the queue');
    this.#queue.splice(place, 1);
    if (place === 0) this.#serveNewHead();
  }

  #serveNewHead(): void {
    this.#patience?.cancel();
    this.#patience = undefined;
    this.#serve();
  }

  #serve(): void {
    for (let head = this.#queue[0]; head; head = this.#queue[0]) {
      const extent = this.#take(head);
      if (!extent) return this.#watch(head);
      this.#queue.shift();
      this.#patience?.cancel();
      this.#patience = undefined;
      head.grant(extent);
    }
  }

  /** From now on `head` has waited long enough for its full size after `patienceMs`. */
  #watch(head: Waiter): void {
    if (this.#patience || head.isImpatient || head.leastUnits === head.units) return;
    this.#patience = this.#clock.setTimer(patienceMs, () => {
      this.#patience = undefined;
      head.isImpatient = true;
      this.#serve();
    });
  }

  #take(wish: { units: number; leastUnits: number; isImpatient?: boolean }): Extent | undefined {
    const whole = this.#extents.take(wish.units);
    if (whole) return whole;
    const isScattered = this.#extents.freeUnits >= wish.units;
    if (!isScattered && !wish.isImpatient) return undefined;
    return this.#extents.takeLongest(wish.leastUnits, wish.units);
  }

  #unitsOf(request: GrantRequest): { units: number; leastUnits: number } {
    const units = this.#wholeUnits(request.bytes);
    return {
      units,
      leastUnits: Math.min(units, this.#wholeUnits(request.leastBytes ?? request.bytes)),
    };
  }

  #wholeUnits(bytes: number): number {
    return Math.min(this.#extents.totalUnits, Math.max(1, Math.ceil(bytes / unitBytes)));
  }

  #bufferAt(extent: Extent): PartBuffer {
    this.#usedBytesPeak = Math.max(this.#usedBytesPeak, this.usedBytes);
    const bytes = new Uint8Array(
      this.#memory.buffer,
      this.#partsOffset + extent.start * unitBytes,
      extent.units * unitBytes,
    );
    return new Grant(bytes, () => {
      if (this.#poisonReleased) bytes.fill(0xdb);
      this.#extents.give(extent);
      this.#serve();
    });
  }

  #noMemory(timeoutMs: number): TransferError {
    return new TransferError(
      'no-memory',
      `no memory for a part within ${timeoutMs / 1000} s (${formatBytes(this.limitBytes)} in use)`,
      { hint: 'Raise upload_memory, or run more replicas.', retryable: true },
    );
  }
}

class Grant implements PartBuffer {
  readonly #bytes: Uint8Array;
  #giveBack: (() => void) | undefined;

  constructor(bytes: Uint8Array, giveBack: () => void) {
    this.#bytes = bytes;
    this.#giveBack = giveBack;
  }

  get bytes(): Uint8Array {
    assert(this.#giveBack !== undefined, 'part memory is not used after its release');
    return this.#bytes;
  }

  release(): void {
    const giveBack = this.#giveBack;
    this.#giveBack = undefined;
    giveBack?.();
  }
}

function waitAborted(signal: AbortSignal | undefined): TransferError {
  return new TransferError('aborted', 'the wait for part memory was given up', {
    cause: signal?.reason,
  });
}
