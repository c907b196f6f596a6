import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { type Crc64Engine, createCrc64Engine } from '#gateway/kit/crc64.ts';
import { foldedBytes } from '#gateway/kit/crc64-fold.ts';
import { seededRandom } from '#test/support/random.ts';

const pageBytes = 65_536;

interface Bench {
  readonly folding: Crc64Engine;
  readonly tables: Crc64Engine;
  /** The memory of both behind their pages, filled with noise. */
  readonly space: Uint8Array;
}

/** Two engines over the same bytes: one folds whatever is long enough, one nothing. */
function createBench(spacePages: number): Bench {
  const limits = { initial: 1 + spacePages, maximum: 1 + spacePages };
  const memory = new WebAssembly.Memory(limits);
  const folding = createCrc64Engine(memory, { foldFromBytes: foldedBytes });
  const tables = createCrc64Engine(new WebAssembly.Memory(limits), { foldFromBytes: Infinity });
  const space = new Uint8Array(memory.buffer, pageBytes);
  space.set(seededRandom(7).bytes(space.length));
  return { folding, tables, space };
}

const anyState = 0x8123_4567_89ab_cdefn;
/** What the fold makes between two moves of its last words. */
const stretchBytes = 722 * 16;

describe('folding', () => {
  test('adds a multiple of the polynomial of CRC-64/XZ', () => {
    const polynomial = (1n << 64n) | 0x42f0e1eba9ea3693n;
    let rest = 0n;
    for (const exponent of [302, 298, 283, 279, 246, 245, 185, 169, 167, 138, 60, 0]) {
      rest ^= 1n << BigInt(exponent * 128);
    }
    for (let degree = 302 * 128; degree >= 64; degree--) {
      if ((rest >> BigInt(degree)) & 1n) rest ^= polynomial << BigInt(degree - 64);
    }
    assert.equal(rest, 0n);
  });

  test('is what this machine does', () => {
    const { folding, tables } = createBench(1);
    assert.deepEqual([folding.means, tables.means], ['folding', 'tables']);
  });

  test('agrees with the tables about every length up to 5,000 bytes, behind any state', () => {
    const { folding, tables, space } = createBench(1);
    for (let length = 0; length <= 5000; length++) {
      const bytes = space.subarray(length % 17, (length % 17) + length);
      for (const state of [0n, anyState]) {
        const found = BigInt.asUintN(64, folding.update(state, bytes));
        assert.equal(found, BigInt.asUintN(64, tables.update(state, bytes)), `${length} bytes`);
      }
    }
  });

  test('agrees with the tables around each bound of a stretch', () => {
    const { folding, tables, space } = createBench(2);
    for (let stretches = 0; stretches <= 4; stretches++) {
      for (let more = -17; more <= 17; more++) {
        const length = foldedBytes + stretches * stretchBytes + more;
        const bytes = space.subarray(3, 3 + length);
        assert.equal(
          folding.update(anyState, bytes),
          tables.update(anyState, bytes),
          `${length} bytes`,
        );
      }
    }
  });

  test('goes on from any byte', () => {
    const { folding, tables, space } = createBench(16);
    const random = seededRandom(8);
    const whole = tables.update(anyState, space);
    for (let run = 0; run < 50; run++) {
      let state = anyState;
      for (let at = 0; at < space.length; ) {
        const length = random.between(0, run % 2 ? 300_000 : 12_000);
        state = folding.update(state, space.subarray(at, at + length));
        at += length;
      }
      assert.equal(state, whole, `run ${run}`);
    }
  });

  test('sees every single bit that changes', () => {
    const { folding, space } = createBench(1);
    const random = seededRandom(9);
    const bytes = space.subarray(0, 40_000);
    const right = folding.update(0n, bytes);
    for (let run = 0; run < 500; run++) {
      const at = random.between(0, bytes.length - 1);
      bytes[at] = (bytes[at] ?? 0) ^ 0x10;
      assert.notEqual(folding.update(0n, bytes), right, `byte ${at}`);
      bytes[at] = (bytes[at] ?? 0) ^ 0x10;
    }
    assert.equal(folding.update(0n, bytes), right);
  });

  test('writes nothing outside the page of its engine', () => {
    const { folding, space } = createBench(3);
    const before = Uint8Array.from(space);
    folding.update(anyState, space);
    assert.deepEqual(space, before);
  });

  const needsX64 = process.arch === 'x64' ? false : 'the flag is of x64';
  test('is left out on a machine without SIMD', { skip: needsX64 }, () => {
    const script = `
      import { crc64, crc64Engine } from '#gateway/kit/crc64.ts';
      const bytes = Buffer.from('123456789'.repeat(5000));
      console.log(crc64Engine.means, crc64(bytes));`;
    const run = (...flags: string[]) =>
      execFileSync(process.execPath, [...flags, '--input-type=module', '-e', script], {
        encoding: 'utf8',
        cwd: new URL('../..', import.meta.url),
      });
    const [, folded] = /^folding (\d+)n\n$/.exec(run()) ?? assert.fail();
    // Without SSE 4.1 V8 refuses modules with SIMD.
    assert.equal(run('--no-enable-sse4-1'), `tables ${folded}n\n`);
  });
});
