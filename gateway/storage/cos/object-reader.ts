/**
 * Reading object bytes into the caller's memory: what any reader must do, and the bookkeeping all of
 * them share. A reader performs one GET; `RangeFill` decides what its reply means, where bytes land,
 * and from which byte the next GET goes on after a broken one. No byte of an error reply ever reaches
 * the target.
 */
import { assert } from '#gateway/kit/assert.ts';
import type { ObjectInfo } from '../object-store.ts';
import { storeError } from './failure.ts';
import { type CosHeaders, objectInfoOf, parseContentRange, unusableReply } from './reply.ts';

/** One GET of what `fill` still lacks. */
export interface ObjectReader {
  /**
   * Resolves when the reply's body has ended and all of it is in `fill`; whether that is all that was
   * asked, `fill` knows.
   * @throws StoreError; what arrived before stays in `fill`.
   */
  readRange(fill: RangeFill, options: ReadRangeOptions): Promise<void>;
  /** Ends idle connections. */
  close(): void;
}

export interface ReadRangeOptions {
  /** After it aborts, `fill` must not be touched any more. */
  readonly signal: AbortSignal;
  readonly idleMs: number;
}

export interface RangeReplyHead {
  readonly status: number;
  readonly headers: CosHeaders;
}

/** A stretch of one object on its way into one buffer, over as many GETs as it takes. */
export class RangeFill {
  readonly key: string;
  readonly #offsetBytes: number;
  readonly #target: Uint8Array;
  readonly #ifMatch: string | undefined;
  #info: ObjectInfo | undefined;
  #filledBytes = 0;
  /** Bytes the reply under way still owes; 0 before one was accepted. */
  #owedBytes = 0;

  constructor(key: string, offsetBytes: number, target: Uint8Array, ifMatch?: string) {
    assert(target.length > 0, 'a read has room for a byte');
    this.key = key;
    this.#offsetBytes = offsetBytes;
    this.#target = target;
    this.#ifMatch = ifMatch;
  }

  get filledBytes(): number {
    return this.#filledBytes;
  }

  /** Known once a reply was accepted. */
  get info(): ObjectInfo | undefined {
    return this.#info;
  }

  /** Headers of the next GET. Once a version was seen, only that one will do. */
  get headers(): Record<string, string> {
    const first = this.#offsetBytes + this.#filledBytes;
    const last = this.#offsetBytes + this.#target.length - 1;
    const etag = this.#ifMatch ?? this.#info?.etag;
    return { Range: `bytes=${first}-${last}`, ...(etag !== undefined && { 'If-Match': etag }) };
  }

  /** Whether every byte asked for, or every byte there is, has arrived. */
  get isComplete(): boolean {
    if (!this.#info) return false;
    const endBytes = Math.min(this.#offsetBytes + this.#target.length, this.#info.sizeBytes);
    return this.#offsetBytes + this.#filledBytes === endBytes;
  }

  /**
   * Judges the head of a 2xx reply before its first byte.
   * @throws StoreError when it is not the range that was asked of the version that was seen.
   */
  begin(head: RangeReplyHead): void {
    this.#owedBytes = 0;
    const range = parseContentRange(head.headers['content-range']);
    const firstByte = this.#offsetBytes + this.#filledBytes;
    const roomBytes = this.#target.length - this.#filledBytes;
    if (head.status !== 206 || !range) throw unusableReply('GetObject', head, 'no range');
    const lengthBytes = range.lastByte - range.firstByte + 1;
    if (range.firstByte !== firstByte || lengthBytes > roomBytes) {
      throw unusableReply('GetObject', head, 'another range than was asked');
    }
    const info = objectInfoOf('GetObject', this.key, range.totalBytes, head);
    if (this.#info && this.#info.etag !== info.etag) throw storeError('GetObject', 'changed');
    this.#info = info;
    this.#owedBytes = lengthBytes;
  }

  /** Where the next bytes of the reply go; empty when it owes none. */
  rest(): Uint8Array {
    return this.#target.subarray(this.#filledBytes, this.#filledBytes + this.#owedBytes);
  }

  /** That many bytes were written at the start of `rest()`. */
  advance(bytes: number): void {
    assert(bytes <= this.#owedBytes, 'a reply holds no more than it announced');
    this.#filledBytes += bytes;
    this.#owedBytes -= bytes;
  }

  /** Copies a piece of the reply's body. @throws StoreError when it is more than was announced. */
  write(chunk: Uint8Array): void {
    if (chunk.length > this.#owedBytes) {
      throw storeError('GetObject', 'unavailable', { cause: new Error('reply too long') });
    }
    this.rest().set(chunk);
    this.advance(chunk.length);
  }

  /** @throws StoreError `network` when the body ended before its announced end. */
  end(): void {
    if (this.#owedBytes === 0) return;
    throw storeError('GetObject', 'network', { cause: new Error('reply too short') });
  }
}
