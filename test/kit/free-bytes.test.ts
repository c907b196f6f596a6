import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freeBytes } from '#gateway/kit/free-bytes.ts';

test('frees an array that owns its buffer, once', () => {
  const bytes = Buffer.allocUnsafeSlow(100_000);
  freeBytes(bytes);
  freeBytes(bytes);
  assert.equal(bytes.length, 0);
});

test('leaves what is shared with others', () => {
  const pooled = Buffer.from('a few bytes of the pool');
  const part = new Uint8Array(new ArrayBuffer(10), 1);
  const shared = new Uint8Array(new SharedArrayBuffer(10));
  for (const bytes of [pooled, part, shared]) {
    const { length } = bytes;
    freeBytes(bytes);
    assert.equal(bytes.length, length);
  }
});
