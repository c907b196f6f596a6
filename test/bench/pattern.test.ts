import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isPattern, pattern, patternCrc64, patternSlice, periodBytes } from '#bench/pattern.ts';
import { crc64 } from '#gateway/kit/crc64.ts';

describe('the pattern of the benchmark', () => {
  for (const bytes of [
    0,
    1,
    1024,
    periodBytes - 1,
    periodBytes,
    periodBytes + 1,
    3 * periodBytes,
  ]) {
    test(`has the checksum that ${bytes} bytes of it have`, () => {
      const whole = Buffer.alloc(bytes, pattern);
      assert.equal(patternCrc64(bytes), crc64(whole));
    });
  }

  test('knows itself from any offset, across the end of its period', () => {
    const twoPeriods = Buffer.concat([pattern, pattern]);
    for (const offset of [0, 1, periodBytes - 1, periodBytes, 5 * periodBytes + 7]) {
      const begin = offset % periodBytes;
      assert.ok(isPattern(twoPeriods.subarray(begin, begin + periodBytes), offset));
      assert.deepEqual(patternSlice(offset, 100), twoPeriods.subarray(begin, begin + 100));
    }
    assert.ok(isPattern(Buffer.concat([pattern, pattern, pattern]), 0));
  });

  test('sees one wrong byte', () => {
    const bytes = Buffer.concat([pattern, pattern]);
    const last = bytes.length - 1;
    bytes[last] = (bytes[last] ?? 0) ^ 1;
    assert.equal(isPattern(bytes, 0), false);
  });
});
