import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMtime, storedMtime } from '#gateway/storage/mtime.ts';

const read = (mtime: string) => storedMtime({ metadata: { mtime } })?.toISOString();

test('seconds since the epoch are a time, with a fraction too', () => {
  assert.equal(read('0'), '1970-01-01T00:00:00.000Z');
  assert.equal(read('1700000000'), '2023-11-14T22:13:20.000Z');
  assert.equal(read('1700000000.123'), '2023-11-14T22:13:20.123Z');
  assert.equal(read('1700000000.123456789'), '2023-11-14T22:13:20.123Z');
  assert.equal(read('253402300799'), '9999-12-31T23:59:59.000Z');
});

test('anything else is no time', () => {
  for (const text of ['', '-1', 'yesterday', '1e9', '253402300800', '2023-11-14', '1.'])
    assert.equal(read(text), undefined, text);
  assert.equal(storedMtime({}), undefined);
  assert.equal(storedMtime({ metadata: { other: '1' } }), undefined);
});

test('a time is written as it is read', () => {
  assert.equal(formatMtime(new Date('2023-11-14T22:13:20Z')), '1700000000');
  assert.equal(formatMtime(new Date('2023-11-14T22:13:20.007Z')), '1700000000.007');
  assert.equal(formatMtime(new Date(0)), '0');
});
