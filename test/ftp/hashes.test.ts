import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  findHashName,
  formatHashFeature,
  parseHashedRange,
  storedHash,
  storedHashNames,
} from '#gateway/ftp/hashes.ts';

const info = { key: 'k', sizeBytes: 1, etag: '"x"', modifiedAt: new Date(0) };

test('a CRC-64 is sixteen digits, leading zeros too', () => {
  assert.equal(storedHash({ ...info, crc64: 0x995dc9bbdf1939fan }, 'CRC-64'), '995dc9bbdf1939fa');
  assert.equal(storedHash({ ...info, crc64: 0n }, 'CRC-64'), '0000000000000000');
  assert.equal(storedHash(info, 'CRC-64'), undefined);
});

test('what is kept for a file is named', () => {
  assert.deepEqual(storedHashNames(info), []);
  assert.deepEqual(storedHashNames({ ...info, crc64: 1n }), ['CRC-64']);
  assert.deepEqual(storedHashNames({ ...info, crc64: 1n, md5: 'a' }), ['CRC-64', 'MD5']);
});

test('names are found in any case, and FEAT marks the chosen one', () => {
  assert.equal(findHashName('crc-64'), 'CRC-64');
  assert.equal(findHashName('SHA-1'), undefined);
  assert.equal(formatHashFeature('MD5'), 'HASH CRC-64;MD5*');
});

const ranges: [argument: string, expected: ReturnType<typeof parseHashedRange>][] = [
  ['a', undefined],
  ['a b', undefined],
  ['5', undefined],
  ['a 5', { path: 'a', startBytes: 5 }],
  ['a b  5 10 ', { path: 'a b', startBytes: 5, endBytes: 10 }],
  ['"a b"', { path: 'a b' }],
  ['"a ""b"""', { path: 'a "b"' }],
  ['"a" 0 10', { path: 'a', startBytes: 0, endBytes: 10 }],
  ['""', undefined],
  ['a 1 2 3', { path: 'a 1', startBytes: 2, endBytes: 3 }],
  ['a 1234567890123456', undefined],
];

for (const [argument, expected] of ranges) {
  test(`${JSON.stringify(argument)} as a stretch of a file`, () => {
    assert.deepEqual(parseHashedRange(argument), expected);
  });
}
