import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { crc64 } from '#gateway/kit/crc64.ts';
import { combineCrc64 } from '#gateway/kit/crc64-combine.ts';
import { seededRandom } from '#test/support/random.ts';

describe('combineCrc64', () => {
  test('equals the checksum of the whole at random splits', () => {
    const random = seededRandom(11);
    for (let run = 0; run < 300; run++) {
      const bytes = random.bytes(random.between(0, 40_000));
      const split = random.between(0, bytes.length);
      const second = bytes.subarray(split);
      assert.equal(
        combineCrc64(crc64(bytes.subarray(0, split)), crc64(second), second.length),
        crc64(bytes),
        `run ${run}: ${split} of ${bytes.length}`,
      );
    }
  });

  test('leaves a checksum alone when nothing follows or nothing came before', () => {
    const crc = crc64(Buffer.from('123456789'));
    assert.equal(combineCrc64(crc, 0n, 0), crc);
    assert.equal(combineCrc64(0n, crc, 9), crc);
  });

  test('folds many parts of unequal sizes from left to right', () => {
    const random = seededRandom(12);
    const parts = Array.from({ length: 40 }, () => random.bytes(random.between(1, 5_000)));
    const folded = parts.reduce((crc, part) => combineCrc64(crc, crc64(part), part.length), 0n);
    assert.equal(folded, crc64(Buffer.concat(parts)));
  });

  test('is exact for lengths beyond 32 bits', () => {
    // zeros after zeros: doubling a run of 1 MiB up to 16 TiB, against the same length in unequal steps
    const mebibyte = crc64(new Uint8Array(2 ** 20));
    let doubled = mebibyte;
    for (let bytes = 2 ** 20; bytes < 2 ** 44; bytes *= 2) {
      doubled = combineCrc64(doubled, doubled, bytes);
    }
    let tail = mebibyte;
    for (let bytes = 2 ** 20; bytes < 2 ** 43; bytes *= 2) tail = combineCrc64(tail, tail, bytes);
    const oneLess = combineCrc64(tail, crc64(new Uint8Array(1)), 1);
    let rest = crc64(new Uint8Array(2 ** 20 - 1));
    let run = mebibyte;
    for (let bytes = 2 ** 20; bytes < 2 ** 43; bytes *= 2) {
      rest = combineCrc64(rest, run, bytes);
      run = combineCrc64(run, run, bytes);
    }
    assert.equal(combineCrc64(oneLess, rest, 2 ** 43 - 1), doubled);
  });
});
