/**
 * Random numbers that a seed replays: for tests that try many cases and must be able to name the one
 * that failed.
 */

export interface SeededRandom {
  readonly seed: number;
  /** In [0, 1), like Math.random. */
  next(): number;
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number;
  bytes(count: number): Uint8Array<ArrayBuffer>;
}

/** Mulberry32: 32 bits of state are plenty for choosing test cases. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const word = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return {
    seed,
    next: () => word() / 2 ** 32,
    between: (least, most) => least + Math.floor((word() / 2 ** 32) * (most - least + 1)),
    bytes(count) {
      const bytes = new Uint8Array(count);
      const words = new Uint32Array(bytes.buffer, 0, count >>> 2);
      for (let index = 0; index < words.length; index++) words[index] = word();
      for (let index = words.length * 4; index < count; index++) bytes[index] = word();
      return bytes;
    },
  };
}
