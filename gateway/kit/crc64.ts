/**
 * CRC-64/XZ, the checksum COS keeps of every object (`x-cos-hash-crc64ecma`, COS page 40334), in
 * WebAssembly: looked up byte by byte (crc64.wat), and long stretches folded first (crc64-fold.wat). A
 * checksum is an unsigned 64-bit bigint; of no bytes it is 0n.
 *
 * An engine works in place on the memory it was made for and copies bytes from anywhere else through a
 * window. It is synchronous, about 0.2 ms for 1 MiB, 0.5 ms without folding: callers with more hand it
 * over in blocks, so that no other session waits for a checksum.
 */
import { assert } from './assert.ts';
import { createFold, type Fold, foldedBytes, foldOffset, foldSpaceBytes } from './crc64-fold.ts';
import { crc64WasmBase64 } from './crc64-wasm.ts';

export interface Crc64Engine {
  /** Whether long stretches are folded. */
  readonly means: 'folding' | 'tables';
  /** Takes `bytes` into a raw state (no all-ones in front or behind; 64 bits, sign of no meaning). */
  update(state: bigint, bytes: Uint8Array): bigint;
  /** The raw state after `zeroBytes` zero bytes. */
  shift(state: bigint, zeroBytes: number): bigint;
}

export interface Crc64EngineOptions {
  /** How much from the start of the memory is the engine's. Default one page; more makes the window longer. */
  readonly reservedBytes?: number;
  /** Folds from this length on, at least 4,832 bytes. Default 16 KiB, where it begins to pay; Infinity: never. */
  readonly foldFromBytes?: number;
}

const pageBytes = 64 * 1024;
/** Behind the tables and the fold's words. */
const windowOffset = foldOffset + foldSpaceBytes;
const foldFromBytesDefault = 16 * 1024;

interface Crc64Exports {
  prepare(): void;
  update(state: bigint, at: number, bytes: number): bigint;
  shift(state: bigint, bytes: bigint): bigint;
}

let compiled: WebAssembly.Module | undefined;

/**
 * @param memory Its first page belongs to the engine: 33 KiB of tables, 16 KiB for folding, the rest is
 * the window. Tables at a fixed address save an addition per look-up.
 */
export function createCrc64Engine(
  memory: WebAssembly.Memory,
  options: Crc64EngineOptions = {},
): Crc64Engine {
  const { reservedBytes = pageBytes, foldFromBytes = foldFromBytesDefault } = options;
  assert(reservedBytes >= pageBytes, 'a CRC engine has a page for its tables and window');
  assert(foldFromBytes >= foldedBytes, 'what is folded is longer than what folding leaves');
  compiled ??= new WebAssembly.Module(Buffer.from(crc64WasmBase64, 'base64'));
  const instance = new WebAssembly.Instance(compiled, { env: { memory } });
  const wasm = instance.exports as unknown as Crc64Exports;
  wasm.prepare();

  const { buffer } = memory;
  const window = new Uint8Array(buffer, windowOffset, reservedBytes - windowOffset);
  const fold = foldFromBytes === Infinity ? undefined : provenFold(memory, wasm, window);

  function updateAt(state: bigint, at: number, bytes: number): bigint {
    if (!fold || bytes < foldFromBytes) return wasm.update(state, at, bytes);
    const tailBytes = bytes % 16;
    fold(state, at, bytes - tailBytes);
    const folded = wasm.update(0n, foldOffset, foldedBytes);
    return wasm.update(folded, at + bytes - tailBytes, tailBytes);
  }

  function updateByCopy(state: bigint, bytes: Uint8Array): bigint {
    for (let offset = 0; offset < bytes.length; offset += window.length) {
      const piece = bytes.subarray(offset, offset + window.length);
      window.set(piece);
      state = updateAt(state, windowOffset, piece.length);
    }
    return state;
  }

  return {
    means: fold ? 'folding' : 'tables',
    update: (state, bytes) =>
      bytes.buffer === buffer
        ? updateAt(state, bytes.byteOffset, bytes.length)
        : updateByCopy(state, bytes),
    shift: (state, zeroBytes) => wasm.shift(state, BigInt(zeroBytes)),
  };
}

const trialBytes = 15 * 1024;
const trialState = 0x0123456789abcdefn;

/** The fold, if there is one and it agrees with the tables about bytes of which no two stretches are alike. */
function provenFold(
  memory: WebAssembly.Memory,
  wasm: Crc64Exports,
  window: Uint8Array,
): Fold | undefined {
  const fold = createFold(memory);
  if (!fold) return undefined;
  const trial = window.subarray(0, trialBytes);
  for (let at = 0; at < trialBytes; at++) trial[at] = (at * at * 31) >>> 5;
  fold(trialState, windowOffset, trialBytes);
  const folded = wasm.update(0n, foldOffset, foldedBytes);
  return folded === wasm.update(trialState, windowOffset, trialBytes) ? fold : undefined;
}

/** For bytes outside any part pool. */
export const crc64Engine: Crc64Engine = createCrc64Engine(
  new WebAssembly.Memory({ initial: 4, maximum: 4 }),
  { reservedBytes: 4 * pageBytes },
);

const allOnes = 2n ** 64n - 1n;

/** The checksum of bytes that come in pieces, in order. */
export class Crc64 {
  readonly #engine: Crc64Engine;
  #state = allOnes;

  /** @param engine One whose memory holds the bytes saves the copy. */
  constructor(engine: Crc64Engine = crc64Engine) {
    this.#engine = engine;
  }

  update(bytes: Uint8Array): void {
    this.#state = this.#engine.update(this.#state, bytes);
  }

  /** Of everything so far; more may follow. */
  digest(): bigint {
    return BigInt.asUintN(64, this.#state ^ allOnes);
  }
}

export function crc64(bytes: Uint8Array): bigint {
  const crc = new Crc64();
  crc.update(bytes);
  return crc.digest();
}
