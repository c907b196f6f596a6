/**
 * A map from key to value that is also sorted in UTF-8 order: lookups by hash, lists by position. Blocks
 * of bounded length keep an insertion in the middle of 500,000 keys at a few microseconds.
 */
import { assert } from '#gateway/kit/assert.ts';
import { compareKeys, sortKeys } from './key-order.ts';

const blockKeysMax = 1024;

/** A place in the order. Void after any change of the index. */
export interface KeyPosition {
  readonly block: number;
  readonly offset: number;
}

/** What readers may do with an index. */
export type ReadonlyKeyIndex<Value> = Pick<
  KeyIndex<Value>,
  'size' | 'get' | 'seek' | 'keyAt' | 'after' | 'entries'
>;

export class KeyIndex<Value> {
  readonly #values = new Map<string, Value>();
  /** Never an empty block; keys ascend within and across blocks. */
  #blocks: string[][] = [];

  get size(): number {
    return this.#values.size;
  }

  get(key: string): Value | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: Value): void {
    if (!this.#values.has(key)) this.#insert(key);
    this.#values.set(key, value);
  }

  delete(key: string): boolean {
    if (!this.#values.delete(key)) return false;
    const { block, offset } = this.seek((candidate) => compareKeys(candidate, key) < 0);
    const keys = this.#blocks[block];
    assert(keys?.[offset] === key, 'a key in the map is in the order');
    keys.splice(offset, 1);
    if (keys.length === 0) this.#blocks.splice(block, 1);
    return true;
  }

  /** Many at once: one sort instead of an insertion each. */
  setAll(entries: Iterable<readonly [string, Value]>): void {
    for (const [key, value] of entries) this.#values.set(key, value);
    const keys = sortKeys(this.#values.keys());
    this.#blocks = [];
    for (let start = 0; start < keys.length; start += blockKeysMax) {
      this.#blocks.push(keys.slice(start, start + blockKeysMax));
    }
  }

  /**
   * The first key for which `isBefore` is false.
   * @param isBefore True for the keys up to some place in the order and false from there on.
   */
  seek(isBefore: (key: string) => boolean): KeyPosition {
    const block = firstIndex(this.#blocks.length, (at) => isBefore(this.#lastOf(at)));
    const keys = this.#blocks[block] ?? [];
    return { block, offset: firstIndex(keys.length, (at) => isBefore(keys[at] ?? '')) };
  }

  keyAt(position: KeyPosition): string | undefined {
    return this.#blocks[position.block]?.[position.offset];
  }

  after(position: KeyPosition): KeyPosition {
    const { block, offset } = position;
    const isLast = offset + 1 >= (this.#blocks[block]?.length ?? 0);
    return isLast ? { block: block + 1, offset: 0 } : { block, offset: offset + 1 };
  }

  /** All of it in order. Void after any change of the index. */
  *entries(): Generator<[string, Value]> {
    for (const keys of this.#blocks) {
      for (const key of keys) {
        const value = this.#values.get(key);
        if (value !== undefined) yield [key, value];
      }
    }
  }

  #lastOf(block: number): string {
    return this.#blocks[block]?.at(-1) ?? '';
  }

  #insert(key: string): void {
    const found = this.seek((candidate) => compareKeys(candidate, key) < 0);
    // Behind everything: into the last block, so that ascending keys fill it.
    const block = Math.min(found.block, Math.max(0, this.#blocks.length - 1));
    const keys = this.#blocks[block];
    if (!keys) {
      this.#blocks.push([key]);
      return;
    }
    keys.splice(block === found.block ? found.offset : keys.length, 0, key);
    if (keys.length > blockKeysMax) {
      this.#blocks.splice(block + 1, 0, keys.splice(blockKeysMax / 2));
    }
  }
}

/** The first of 0..count for which `isBefore` is false; count when there is none. */
function firstIndex(count: number, isBefore: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
