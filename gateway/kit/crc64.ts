/**
 * CRC-64/XZ, the checksum COS keeps of every object (`x-cos-hash-crc64ecma`, COS page 40334), in
 * WebAssembly (crc64.wat). A checksum is an unsigned 64-bit bigint; of no bytes it is 0n.
 *
 * An engine works in place on the memory it was made for and copies bytes from anywhere else through a
 * window. It is synchronous, about 0.5 ms for 1 MiB: callers with more hand it over in blocks, so that
 * no other session waits for a checksum.
 */
import { assert } from './assert.ts';
import { crc64WasmBase64 } from './crc64-wasm.ts';

export interface Crc64Engine {
  /** Takes `bytes` into a raw state (no all-ones in front or behind; 64 bits, sign of no meaning). */
  update(state: bigint, bytes: Uint8Array): bigint;
  /** The raw state after `zeroBytes` zero bytes. */
  shift(state: bigint, zeroBytes: number): bigint;
}

const pageBytes = 64 * 1024;
/** 16 tables of 256 words and 64 powers; crc64.wat has the layout. */
const tablesBytes = (16 * 256 + 64) * 8;

interface Crc64Exports {
  prepare(): void;
  update(state: bigint, at: number, bytes: number): bigint;
  shift(state: bigint, bytes: bigint): bigint;
}

let compiled: WebAssembly.Module | undefined;

/**
 * @param memory Its first page belongs to the engine: 33 KiB of tables, the rest is the window. Tables
 * at a fixed address save an addition per look-up.
 * @param reservedBytes How much from the start of the memory is the engine's. Default one page; more
 * makes the window longer.
 */
export function createCrc64Engine(
  memory: WebAssembly.Memory,
  reservedBytes: number = pageBytes,
): Crc64Engine {
  assert(reservedBytes >= pageBytes, 'a CRC engine has a page for its tables and window');
  compiled ??= new WebAssembly.Module(Buffer.from(crc64WasmBase64, 'base64'));
  const instance = new WebAssembly.Instance(compiled, { env: { memory } });
  const wasm = instance.exports as unknown as Crc64Exports;
  wasm.prepare();

  const { buffer } = memory;
  const window = new Uint8Array(buffer, tablesBytes, reservedBytes - tablesBytes);

  function updateByCopy(state: bigint, bytes: Uint8Array): bigint {
    for (let offset = 0; offset < bytes.length; offset += window.length) {
      const piece = bytes.subarray(offset, offset + window.length);
      window.set(piece);
      state = wasm.update(state, tablesBytes, piece.length);
    }
    return state;
  }

  return {
    update: (state, bytes) =>
      bytes.buffer === buffer
        ? wasm.update(state, bytes.byteOffset, bytes.length)
        : updateByCopy(state, bytes),
    shift: (state, zeroBytes) => wasm.shift(state, BigInt(zeroBytes)),
  };
}

/** For bytes outside any part pool. */
export const crc64Engine: Crc64Engine = createCrc64Engine(
  new WebAssembly.Memory({ initial: 2, maximum: 2 }),
  2 * pageBytes,
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
