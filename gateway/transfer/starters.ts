/**
 * Where uploads begin: 16 KiB each, beside the memory for parts. A client that sends little, or slowly,
 * holds no more than that; a part of its own comes with the byte that does not fit. So many slow clients
 * do not take the memory of the others, and a client is told 150 at once as long as starters last. When
 * they are all taken, an upload begins with a part.
 */
import { assert } from '#gateway/kit/assert.ts';
import { MiB } from '#gateway/kit/bytes.ts';
import type { PartBuffer } from './budget.ts';

export const starterBytes: number = 16 * 1024;

/** 64 starters for up to 127 MiB of parts, one more MiB of them for each 64 MiB, 1,024 at most. */
export function startersBytes(partsBytes: number): number {
  return Math.min(16, Math.max(1, Math.floor(partsBytes / (64 * MiB)))) * MiB;
}

export class Starters {
  readonly #memory: Uint8Array;
  readonly #free: number[];
  readonly #total: number;

  /** @param memory only for starters, a multiple of 16 KiB. */
  constructor(memory: Uint8Array) {
    this.#memory = memory;
    this.#total = memory.length / starterBytes;
    // Low addresses first: a page is resident after its first use.
    this.#free = Array.from({ length: this.#total }, (_, index) => this.#total - 1 - index);
  }

  get inUse(): number {
    return this.#total - this.#free.length;
  }

  tryTake(): PartBuffer | undefined {
    const slot = this.#free.pop();
    if (slot === undefined) return undefined;
    const bytes = this.#memory.subarray(slot * starterBytes, (slot + 1) * starterBytes);
    let isHeld = true;
    return {
      get bytes() {
        assert(isHeld, 'part memory is not used after its release');
        return bytes;
      },
      release: () => {
        if (isHeld) this.#free.push(slot);
        isHeld = false;
      },
    };
  }
}
