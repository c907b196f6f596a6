/**
 * One download: the object in ranges, in order, each in memory of the pool, a few read ahead. Every range
 * after the first carries If-Match, so that a file replaced meanwhile is an error and never a mixture.
 *
 * It must never hand over the last bytes of a whole object whose CRC-64 the store knows before the
 * checksum was compared: the consumer then never reports success for damaged bytes.
 *
 * Ranges begin small, because most files are. They grow, and more are read ahead, only when the consumer
 * had to wait for the store, and what was read ahead is dropped when the consumer turns out to be slow: it
 * holds the chunk it is at and no more. While it waits for memory, a download holds none that its consumer
 * has not let go of.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { assert } from '#gateway/kit/assert.ts';
import { MiB } from '#gateway/kit/bytes.ts';
import type { Clock, Timer } from '#gateway/kit/clock.ts';
import { Crc64 } from '#gateway/kit/crc64.ts';
import { type Log, silentLog } from '#gateway/kit/log.ts';
import {
  type ObjectInfo,
  type ObjectStore,
  type ReadResult,
  StoreError,
} from '#gateway/storage/object-store.ts';
import { type PartBuffer, type PartPool, unitBytes } from './budget.ts';
import { TransferError } from './errors.ts';
import { silentObserver, type TransferObserver } from './observer.ts';

export interface DownloadOptions {
  readonly store: ObjectStore;
  readonly key: string;
  /** First byte wanted. Default 0. */
  readonly offsetBytes?: number;
  /**
   * First byte not wanted; default the end of the object, also when that comes earlier. With it an
   * offset beyond the end is no error but an empty download.
   */
  readonly endBytes?: number;
  readonly pool: PartPool;
  readonly clock: Clock;
  /** Ranges read beyond the one being sent, once the client proved fast. Default 2. */
  readonly readAheadParts?: number;
  /** Longest range. Default 8 MiB; never more than a quarter of the pool. */
  readonly partBytes?: number;
  readonly signal?: AbortSignal;
  readonly log?: Log;
  readonly observer?: TransferObserver;
}

/** Some bytes of the object and the memory they are in. */
export interface DownloadChunk {
  readonly bytes: Uint8Array;
  /** To be called when the bytes are sent, or will not be. Idempotent. */
  release(): void;
}

export interface Download {
  readonly info: ObjectInfo;
  /**
   * In order, from the offset to the end wanted. Once only. Leaving early (`return`) is a `close`.
   * @throws TransferError `corrupt` instead of the last chunk when checksum or length are wrong;
   * StoreError, `changed` when the object was replaced meanwhile.
   */
  chunks(): AsyncIterable<DownloadChunk>;
  /**
   * Ends all requests and gives back all memory, also of chunks handed over and not released, because a
   * consumer that stops may never have seen the last one: no write of them may be outstanding.
   * Idempotent, never rejects.
   */
  close(): Promise<void>;
}

const firstRangeBytes = MiB;
const rangeBytesMaxDefault = 8 * MiB;
/** One download takes at most this share of the memory with one range. */
const memoryShare = 4;
/** Who needs longer for a MiB is slow. The kernel's own buffers make anybody look fast at first. */
const patienceMsPerMiB = 1_000;
const firstGrantMs = 30_000;
const nextGrantMs = 600_000;
/** A checksum of 1 MiB takes about half a millisecond; after each, other sessions get their turn. */
const checksumBlockBytes = MiB;

/**
 * Makes the first request, so that what is wrong is known before anything is promised to the client.
 * The whole object when it is not longer than 1 MiB: one GET and nothing else.
 * @throws TransferError `no-memory`; StoreError `missing`, `invalid-range` for an offset beyond the end.
 */
export async function openDownload(options: DownloadOptions): Promise<Download> {
  const { store, key, offsetBytes = 0, endBytes = Infinity, pool, signal } = options;
  const call = signal ? { signal } : {};
  assert(endBytes > offsetBytes, 'a download wants a byte at least');
  const buffer = await pool.acquire(
    { bytes: firstRangeBytes },
    { ...call, timeoutMs: firstGrantMs },
  );
  try {
    const target = buffer.bytes.subarray(0, Math.min(firstRangeBytes, endBytes - offsetBytes));
    const first = await store.read(key, offsetBytes, target, call);
    return new RangedDownload(options, first.info, { buffer, lengthBytes: target.length, first });
  } catch (error) {
    buffer.release();
    if (!(error instanceof StoreError) || error.kind !== 'invalid-range') throw error;
    return new RangedDownload(options, await atTheEnd(options, error));
  }
}

/** COS answers 416 to any range of an empty object, and to the range that begins at its end. */
async function atTheEnd(options: DownloadOptions, rangeError: StoreError): Promise<ObjectInfo> {
  const { store, key, offsetBytes = 0, endBytes, signal } = options;
  const info = await store.head(key, signal ? { signal } : {});
  if (info.sizeBytes !== offsetBytes && endBytes === undefined) throw rangeError;
  return info;
}

interface Range {
  readonly offsetBytes: number;
  readonly buffer: PartBuffer;
  readonly lengthBytes: number;
  /** Settled, never rejected: a range read ahead may fail long before anybody asks for it. */
  readonly result: Promise<ReadResult | { readonly error: unknown }>;
  isSettled: boolean;
}

interface FirstRange {
  readonly buffer: PartBuffer;
  readonly lengthBytes: number;
  readonly first: ReadResult;
}

/** Every download ends with it: made once, because a stack costs as much as the rest of the end. */
const closedReason = new TransferError('aborted', 'the download was closed');

class RangedDownload implements Download {
  readonly info: ObjectInfo;
  readonly #options: DownloadOptions;
  readonly #observer: TransferObserver;
  readonly #stop = new AbortController();
  /** Of the requests; made with the first one, because a file of one range needs none. */
  #signal: AbortSignal | undefined;
  readonly #rangeBytesMax: number;
  /** Being read or waiting to be sent, in order. */
  readonly #ranges: Range[] = [];
  /** Undefined for a part of an object: the store knows only the whole's checksum. */
  readonly #crc: Crc64 | undefined;
  /** With the consumer. */
  readonly #handedOver = new Set<PartBuffer>();
  readonly #endBytes: number;
  #nextBytes: number;
  #checkedBytes: number;
  #rangeBytes = firstRangeBytes;
  #aheadMax = 1;
  /** Runs while a chunk is with the consumer. */
  #patience: Timer | undefined;
  #isSlow = false;
  /** The consumer waits for a chunk now. */
  #isAwaited = false;
  #isStarted = false;

  constructor(options: DownloadOptions, info: ObjectInfo, first?: FirstRange) {
    const { offsetBytes = 0, endBytes = Infinity, pool } = options;
    const { partBytes = rangeBytesMaxDefault } = options;
    this.#options = options;
    this.#observer = options.observer ?? silentObserver;
    this.info = info;
    const shareBytes = Math.floor(pool.limitBytes / memoryShare / unitBytes) * unitBytes;
    this.#rangeBytesMax = Math.max(unitBytes, Math.min(partBytes, shareBytes));
    this.#endBytes = Math.min(endBytes, info.sizeBytes);
    const isWhole = offsetBytes === 0 && this.#endBytes === info.sizeBytes;
    this.#crc = isWhole ? new Crc64(pool.crc) : undefined;
    this.#checkedBytes = offsetBytes;
    this.#nextBytes = offsetBytes;
    if (first) this.#addFirst(first);
  }

  chunks(): AsyncIterable<DownloadChunk> {
    assert(!this.#isStarted, 'a download is read once');
    this.#isStarted = true;
    // Not a generator: its `return` would wait for a pending `next` and then drop that chunk's memory.
    const iterator: AsyncIterator<DownloadChunk> = {
      next: () => this.#next(),
      return: async () => {
        await this.close();
        return { done: true, value: undefined };
      },
    };
    return { [Symbol.asyncIterator]: () => iterator };
  }

  async close(): Promise<void> {
    this.#stop.abort(closedReason);
    this.#patience?.cancel();
    for (const buffer of this.#handedOver) this.#takeBack(buffer);
    for (const range of this.#ranges.splice(0)) {
      await range.result;
      range.buffer.release();
    }
  }

  async #next(): Promise<IteratorResult<DownloadChunk>> {
    this.#isAwaited = true;
    try {
      const range = await this.#nextRange();
      if (!range) return { done: true, value: undefined };
      const bytes = await this.#checked(range);
      this.#ranges.shift();
      this.#handedOver.add(range.buffer);
      this.#beginPatience(bytes.length);
      return { done: false, value: { bytes, release: () => this.#takeBack(range.buffer) } };
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      this.#isAwaited = false;
    }
  }

  #takeBack(buffer: PartBuffer): void {
    this.#patience?.cancel();
    this.#handedOver.delete(buffer);
    buffer.release();
  }

  #beginPatience(chunkBytes: number): void {
    this.#isSlow = false;
    if (this.#ranges.length === 0 && this.#restBytes === 0) return;
    const delayMs = (patienceMsPerMiB * Math.max(MiB, chunkBytes)) / MiB;
    this.#patience = this.#options.clock.setTimer(delayMs, () => void this.#dropReadAhead());
  }

  /** It is read again when the consumer is there; others have more use for the memory until then. */
  async #dropReadAhead(): Promise<void> {
    this.#isSlow = true;
    this.#rangeBytes = firstRangeBytes;
    this.#aheadMax = 1;
    await Promise.all(this.#ranges.map(({ result }) => result));
    const [first] = this.#ranges;
    if (!this.#isSlow || this.#isAwaited || this.#isClosed || !first) return;
    if (!this.#ranges.every(({ isSettled }) => isSettled)) return;
    this.#nextBytes = first.offsetBytes;
    for (const { buffer } of this.#ranges.splice(0)) buffer.release();
  }

  #addFirst({ buffer, lengthBytes, first }: FirstRange): void {
    const offsetBytes = this.#nextBytes;
    this.#nextBytes += lengthBytes;
    const result = Promise.resolve(first);
    this.#ranges.push({ offsetBytes, buffer, lengthBytes, result, isSettled: true });
  }

  get #restBytes(): number {
    return Math.max(0, this.#endBytes - this.#nextBytes);
  }

  /** The range to send next, with the ones behind it begun; undefined after the last. */
  async #nextRange(): Promise<Range | undefined> {
    const isReadAhead = this.#ranges.length > 0;
    if (!isReadAhead && this.#restBytes > 0) {
      const buffer = await this.#options.pool.acquire(
        { bytes: this.#wishBytes(), leastBytes: unitBytes },
        { signal: this.#requestSignal(), timeoutMs: nextGrantMs },
      );
      if (this.#isClosed) buffer.release();
      this.#throwIfClosed();
      this.#begin(buffer);
    }
    const head = this.#ranges[0];
    if (this.#isSlow) return head;
    if (isReadAhead && head && !head.isSettled) this.#widen();
    this.#readAhead();
    return head;
  }

  /** The client is faster than the store. */
  #widen(): void {
    this.#aheadMax = this.#options.readAheadParts ?? 2;
    this.#rangeBytes = Math.min(this.#rangeBytesMax, this.#rangeBytes * 4);
  }

  /** Only with memory that nobody waits for. */
  #readAhead(): void {
    while (this.#restBytes > 0 && this.#ranges.length <= this.#aheadMax) {
      const buffer = this.#options.pool.tryAcquire({
        bytes: this.#wishBytes(),
        leastBytes: unitBytes,
      });
      if (!buffer) return;
      this.#begin(buffer);
    }
  }

  #wishBytes(): number {
    return Math.min(this.#rangeBytes, this.#restBytes);
  }

  #begin(buffer: PartBuffer): void {
    const lengthBytes = Math.min(buffer.bytes.length, this.#restBytes);
    const range: Range = {
      offsetBytes: this.#nextBytes,
      buffer,
      lengthBytes,
      result: this.#read(this.#nextBytes, buffer.bytes.subarray(0, lengthBytes)).finally(() => {
        range.isSettled = true;
      }),
      isSettled: false,
    };
    this.#nextBytes += lengthBytes;
    this.#ranges.push(range);
  }

  async #read(
    offsetBytes: number,
    target: Uint8Array,
  ): Promise<ReadResult | { readonly error: unknown }> {
    const { store, key } = this.#options;
    this.#observer.partsInFlight('download', 1);
    try {
      const signal = this.#requestSignal();
      return await store.read(key, offsetBytes, target, { ifMatch: this.info.etag, signal });
    } catch (error) {
      return { error };
    } finally {
      this.#observer.partsInFlight('download', -1);
    }
  }

  #requestSignal(): AbortSignal {
    const { signal } = this.#options;
    const stop = this.#stop.signal;
    this.#signal ??= signal ? AbortSignal.any([signal, stop]) : stop;
    return this.#signal;
  }

  /** The bytes of the range, counted and, in the last one, compared. */
  async #checked(range: Range): Promise<Uint8Array> {
    const result = await range.result;
    this.#throwIfClosed();
    if ('error' in result) throw result.error;
    const wantedBytes = Math.min(range.lengthBytes, this.#endBytes - this.#checkedBytes);
    if (result.bytesRead !== wantedBytes) {
      throw new TransferError('corrupt', 'the store sent fewer bytes than the object has');
    }
    const bytes = range.buffer.bytes.subarray(0, wantedBytes);
    for (let at = 0; this.#crc && at < bytes.length; at += checksumBlockBytes) {
      if (at > 0) await turn();
      this.#throwIfClosed();
      this.#crc.update(bytes.subarray(at, at + checksumBlockBytes));
    }
    this.#checkedBytes += wantedBytes;
    if (this.#checkedBytes === this.info.sizeBytes) this.#compare();
    return bytes;
  }

  get #isClosed(): boolean {
    return this.#stop.signal.aborted;
  }

  /** After every pause: the memory of the range may be somebody else's by now. */
  #throwIfClosed(): void {
    if (this.#isClosed) throw new TransferError('aborted', 'the download was closed');
  }

  #compare(): void {
    if (!this.#crc) return;
    const { crc64, key } = this.info;
    const log = this.#options.log ?? silentLog;
    if (crc64 === undefined) {
      this.#observer.integrityChecked('download', 'absent');
      log.debug({ key }, 'the store keeps no crc-64; sent unchecked');
      return;
    }
    const isEqual = this.#crc.digest() === crc64;
    this.#observer.integrityChecked('download', isEqual ? 'verified' : 'mismatch');
    if (isEqual) return;
    log.error({ key, etag: this.info.etag }, 'downloaded bytes differ from the stored crc-64');
    throw new TransferError('corrupt', 'the bytes read differ from the checksum of the object');
  }
}
