import assert from 'node:assert/strict';
import { test } from 'node:test';
import { objectInfoOf } from '#gateway/storage/cos/reply.ts';

const md5 = 'd41d8cd98f00b204e9800998ecf8427e';

function md5Told(headers: Record<string, string>): string | undefined {
  const reply = { status: 200, headers: { etag: `"${md5}"`, ...headers } };
  return objectInfoOf('HeadObject', 'key', 0, reply).md5;
}

test('the ETag of an object from one request is its MD5', () => {
  assert.equal(md5Told({}), md5);
  assert.equal(md5Told({ etag: `"${md5.toUpperCase()}"` }), md5);
  assert.equal(md5Told({ 'x-cos-object-type': 'normal' }), md5);
});

for (const [what, headers] of [
  ['of several parts', { etag: `"${md5}-2"` }],
  ['that COS encrypted', { 'x-cos-server-side-encryption': 'cos/kms' }],
  [
    'encrypted with the caller’s key',
    { 'x-cos-server-side-encryption-customer-algorithm': 'AES256' },
  ],
  ['that was appended to', { 'x-cos-object-type': 'appendable' }],
  ['without quotes', { etag: md5 }],
] as const) {
  test(`an object ${what} has no MD5`, () => assert.equal(md5Told(headers), undefined));
}
