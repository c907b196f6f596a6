import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Crc64, crc64, createCrc64Engine } from '#gateway/kit/crc64.ts';
import { seededRandom } from '#test/support/random.ts';

const pageBytes = 65_536;

/** Straight from the definition: one bit at a time, polynomial 0x42F0E1EBA9EA3693 reflected. */
function referenceCrc64(bytes: Uint8Array): bigint {
  let state = 2n ** 64n - 1n;
  for (const byte of bytes) {
    state ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) {
      state = state & 1n ? (state >> 1n) ^ 0xc96c5795d7870f42n : state >> 1n;
    }
  }
  return state ^ (2n ** 64n - 1n);
}

describe('crc64', () => {
  test('gives the check value of CRC-64/XZ', () => {
    assert.equal(crc64(Buffer.from('123456789')), 0x995dc9bbdf1939fan);
  });

  test('is zero for no bytes', () => {
    assert.equal(crc64(new Uint8Array(0)), 0n);
    assert.equal(new Crc64().digest(), 0n);
  });

  test('agrees with the bit by bit definition around every block bound', () => {
    const bytes = seededRandom(1).bytes(17_000);
    for (const length of [1, 7, 8, 15, 16, 17, 31, 32, 33, 255, 256, 16_383, 16_384, 16_385]) {
      assert.equal(
        crc64(bytes.subarray(0, length)),
        referenceCrc64(bytes.subarray(0, length)),
        `${length} bytes`,
      );
    }
  });

  test('does not depend on where the bytes start', () => {
    const bytes = seededRandom(2).bytes(20_000 + 16);
    for (let offset = 0; offset < 16; offset++) {
      const moved = bytes.subarray(offset, offset + 20_000);
      assert.equal(crc64(moved), crc64(Uint8Array.from(moved)), `offset ${offset}`);
    }
  });

  test('is the same for any way of cutting the bytes into pieces', () => {
    const random = seededRandom(3);
    const bytes = random.bytes(1_000_000);
    const whole = crc64(bytes);
    for (let run = 0; run < 50; run++) {
      const crc = new Crc64();
      for (let offset = 0; offset < bytes.length; ) {
        const length = random.between(0, run % 2 ? 100_000 : 3_000);
        crc.update(bytes.subarray(offset, offset + length));
        offset += length;
      }
      assert.equal(crc.digest(), whole, `run ${run}`);
    }
  });

  test('reads longer buffers than its window through several copies', () => {
    const bytes = seededRandom(4).bytes(230_000);
    const reference = referenceCrc64(bytes);
    const engine = createCrc64Engine(new WebAssembly.Memory({ initial: 1, maximum: 1 }));
    const crc = new Crc64(engine);
    crc.update(bytes);
    assert.equal(crc.digest(), reference);
    assert.equal(crc64(bytes), reference);
  });

  test('works in place on the memory of its engine, with any length and alignment', () => {
    const random = seededRandom(5);
    const memory = new WebAssembly.Memory({ initial: 3, maximum: 3 });
    const engine = createCrc64Engine(memory);
    const space = new Uint8Array(memory.buffer, pageBytes);
    const original = random.bytes(space.length);
    space.set(original);
    for (let run = 0; run < 100; run++) {
      const from = random.between(0, space.length);
      const to = random.between(from, space.length);
      const crc = new Crc64(engine);
      crc.update(space.subarray(from, to));
      assert.equal(crc.digest(), crc64(original.subarray(from, to)), `${from} to ${to}`);
    }
    assert.deepEqual(space, original, 'writes nothing outside its own page');
  });

  test('leaves the digest open for more bytes', () => {
    const crc = new Crc64();
    crc.update(Buffer.from('12345'));
    assert.equal(crc.digest(), crc64(Buffer.from('12345')));
    crc.update(Buffer.from('6789'));
    assert.equal(crc.digest(), 0x995dc9bbdf1939fan);
  });
});
