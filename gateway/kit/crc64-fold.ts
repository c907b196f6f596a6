/**
 * Folding: makes a long stretch of bytes short without changing its CRC-64, at a quarter of the CPU that
 * look-ups cost (crc64-fold.wat). Needs 128-bit SIMD in WebAssembly. Where a machine or a Node without it
 * says no, there is no fold, and everything is looked up.
 */
import { crc64FoldWasmBase64 } from './crc64-wasm.ts';

/** What folding leaves, and the least it takes. */
export const foldedBytes: number = 302 * 16;
/** Where the folded bytes lie; crc64-fold.wat has the layout. */
export const foldOffset = 33_280;
/** What the fold uses from there on. */
export const foldSpaceBytes: number = 16 * 1024;

/**
 * Takes `bytes` bytes at `at` of its memory, a multiple of 16 and at least `foldedBytes`, behind a raw state.
 * Leaves `foldedBytes` at `foldOffset` whose raw state, from 0 on, is that of all.
 */
export type Fold = (state: bigint, at: number, bytes: number) => void;

let compiled: WebAssembly.Module | 'refused' | undefined;

/** Undefined where the module does not compile. */
export function createFold(memory: WebAssembly.Memory): Fold | undefined {
  compiled ??= compile();
  if (compiled === 'refused') return undefined;
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  return (exports as unknown as { fold: Fold }).fold;
}

function compile(): WebAssembly.Module | 'refused' {
  const module = Buffer.from(crc64FoldWasmBase64, 'base64');
  return WebAssembly.validate(module) ? new WebAssembly.Module(module) : 'refused';
}
