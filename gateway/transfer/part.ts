/**
 * One part while it is filled, and as it goes to the store. The checksum follows the bytes block by block
 * while they are still in the processor's cache, so that no long checksum ever stops the event loop.
 */
import { assert } from '#gateway/kit/assert.ts';
import { Crc64, type Crc64Engine } from '#gateway/kit/crc64.ts';
import type { PartBuffer } from './budget.ts';

/** Small enough for the cache, large enough that the call costs nothing: about 0.1 ms. */
const blockBytes = 256 * 1024;

/** Complete and read-only: what it holds must not change until it is released. */
export interface SealedPart {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly crc64: bigint;
  /** Idempotent. */
  release(): void;
}

export class FillingPart {
  readonly number: number;
  readonly #buffer: PartBuffer;
  readonly #crc: Crc64;
  #filledBytes = 0;
  #hashedBytes = 0;

  constructor(number: number, buffer: PartBuffer, engine: Crc64Engine) {
    this.number = number;
    this.#buffer = buffer;
    this.#crc = new Crc64(engine);
  }

  get filledBytes(): number {
    return this.#filledBytes;
  }

  get isFull(): boolean {
    return this.#filledBytes === this.#buffer.bytes.length;
  }

  /** Where the next bytes go. */
  space(): Uint8Array {
    return this.#buffer.bytes.subarray(this.#filledBytes);
  }

  /** That many bytes were written at the start of `space()`. */
  advance(bytes: number): void {
    this.#filledBytes += bytes;
    assert(this.#filledBytes <= this.#buffer.bytes.length, 'a part holds what it has room for');
    if (this.#filledBytes - this.#hashedBytes >= blockBytes) this.#hash();
  }

  /** Begins with what `starter` holds, and lets go of that. @returns itself. */
  absorb(starter: FillingPart): this {
    const bytes = starter.#buffer.bytes.subarray(0, starter.#filledBytes);
    this.#buffer.bytes.set(bytes);
    this.advance(bytes.length);
    starter.release();
    return this;
  }

  seal(): SealedPart {
    this.#hash();
    return {
      number: this.number,
      bytes: this.#buffer.bytes.subarray(0, this.#filledBytes),
      crc64: this.#crc.digest(),
      release: () => this.#buffer.release(),
    };
  }

  release(): void {
    this.#buffer.release();
  }

  #hash(): void {
    this.#crc.update(this.#buffer.bytes.subarray(this.#hashedBytes, this.#filledBytes));
    this.#hashedBytes = this.#filledBytes;
  }
}
