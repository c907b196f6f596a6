import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  attributeHeaders,
  attributesFromHeaders,
  copyAttributeHeaders,
} from '#gateway/storage/cos/attribute-headers.ts';
import type { ObjectAttributes } from '#gateway/storage/object-attributes.ts';

/** As a reply has them. */
function reply(headers: Record<string, string>): ObjectAttributes {
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return attributesFromHeaders(Object.fromEntries(lower));
}

const everything: ObjectAttributes = {
  contentType: 'text/csv',
  cacheControl: 'no-cache',
  contentDisposition: 'inline',
  contentEncoding: 'gzip',
  expires: 'Wed, 01 Jan 2031 00:00:00 GMT',
  storageClass: 'MAZ_STANDARD',
  serverSideEncryption: { algorithm: 'cos/kms', keyId: '48ba38aa-26c5-11ea-855c-52540085' },
  metadata: { a: '1', 'b-2': 'ü 文' },
};

test('what is sent is what is read', () => {
  assert.deepEqual(reply(attributeHeaders(everything)), everything);
  for (const serverSideEncryption of [
    { algorithm: 'AES256' },
    { algorithm: 'cos/kms' },
  ] as const satisfies readonly ObjectAttributes['serverSideEncryption'][]) {
    const headers = attributeHeaders({ serverSideEncryption });
    const contentType = 'application/octet-stream';
    assert.deepEqual(reply(headers), { contentType, serverSideEncryption });
  }
});

test('a type is always sent, and nothing else unless given', () => {
  assert.deepEqual(attributeHeaders({}), { 'Content-Type': 'application/octet-stream' });
});

test('text outside of ASCII goes out as UTF-8 bytes, and Latin-1 of others is read', () => {
  const { 'x-cos-meta-b-2': sent = '' } = attributeHeaders(everything);
  assert.equal(Buffer.from(sent, 'latin1').toString(), 'ü 文');
  assert.equal(reply({ 'x-cos-meta-old': 'caf\xe9' }).metadata?.['old'], 'café');
});

test('a copy says class and encryption alone, or replaces everything', () => {
  assert.deepEqual(copyAttributeHeaders({}), {});
  const { storageClass = '', serverSideEncryption } = everything;
  const placement = { storageClass, serverSideEncryption } as ObjectAttributes;
  assert.deepEqual(copyAttributeHeaders(placement), {
    'x-cos-storage-class': 'MAZ_STANDARD',
    'x-cos-server-side-encryption': 'cos/kms',
    'x-cos-server-side-encryption-cos-kms-key-id': '48ba38aa-26c5-11ea-855c-52540085',
  });
  for (const own of [
    { contentType: 'a/b' },
    { metadata: {} },
    { cacheControl: 'no-store' },
    { contentDisposition: 'inline' },
    { contentEncoding: 'gzip' },
    { expires: '0' },
  ]) {
    const { 'x-cos-metadata-directive': directive } = copyAttributeHeaders(own);
    assert.equal(directive, 'Replaced', JSON.stringify(own));
  }
});

test('an encryption nobody knows here and empty values are left out', () => {
  assert.deepEqual(reply({ 'x-cos-server-side-encryption': 'rot13', 'cache-control': '' }), {});
});
