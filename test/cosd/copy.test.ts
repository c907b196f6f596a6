/** Copies of objects and of ranges as parts. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { crc64 } from '#gateway/kit/crc64.ts';
import {
  fieldOf,
  startTestCosd,
  type TestCosd,
  type TestReply,
  testBucket,
  testHost,
} from '#test/support/cosd.ts';

const MiB = 1024 * 1024;

function copy(
  cosd: TestCosd,
  source: string,
  headers: Record<string, string> = {},
  key = 'to',
): Promise<TestReply> {
  const from = source.split('/').map(encodeURIComponent).join('/');
  const copySource = { 'x-cos-copy-source': `${testHost}/${from}` };
  return cosd.fetch({ method: 'PUT', key, headers: { ...copySource, ...headers } });
}

function code(reply: TestReply): string | undefined {
  return fieldOf(reply, 'Code');
}

async function startWithSource(): Promise<TestCosd & { readonly etag: string }> {
  const cosd = await startTestCosd();
  const { etag } = await cosd.inspect.put(testBucket, 'from ü/k', 'body', {
    modifiedAtMs: Date.UTC(2026, 0, 1),
    attributes: {
      contentType: 'text/x-own',
      storageClass: 'STANDARD_IA',
      headers: { 'x-cos-meta-a': 'b' },
    },
  });
  return Object.assign(cosd, { etag });
}

test('a copy has bytes, checksums and metadata of its source, but not its class', async () => {
  await using cosd = await startWithSource();
  const reply = await copy(cosd, 'from ü/k');
  assert.equal(reply.status, 200);
  assert.ok(
    reply.text.includes(`<ETag>${cosd.etag}</ETag><CRC64>${crc64(Buffer.from('body'))}</CRC64>`),
  );
  assert.match(reply.text, /<LastModified>.+Z<\/LastModified>/);
  assert.equal(reply.headers['x-cos-hash-crc64ecma'], crc64(Buffer.from('body')).toString());
  const head = await cosd.fetch({ method: 'HEAD', key: 'to' });
  assert.equal(head.headers['content-type'], 'text/x-own');
  assert.equal(head.headers['x-cos-meta-a'], 'b');
  assert.equal(head.headers['x-cos-storage-class'], undefined);
});

test('the class is kept when it is sent again, and Replaced replaces the metadata', async () => {
  await using cosd = await startWithSource();
  await copy(cosd, 'from ü/k', { 'x-cos-storage-class': 'STANDARD_IA' });
  assert.equal(cosd.inspect.find(testBucket, 'to')?.attributes.storageClass, 'STANDARD_IA');
  const replaced = { 'x-cos-metadata-directive': 'Replaced', 'x-cos-meta-c': 'd' };
  await copy(cosd, 'from ü/k', replaced, 'to.txt');
  const attributes = cosd.inspect.find(testBucket, 'to.txt')?.attributes;
  assert.deepEqual(attributes, {
    contentType: 'text/plain',
    storageClass: 'STANDARD',
    headers: { 'x-cos-meta-c': 'd' },
  });
  assert.equal(
    code(await copy(cosd, 'from ü/k', { 'x-cos-metadata-directive': 'x' })),
    'InvalidArgument',
  );
});

test('conditions on the source', async () => {
  await using cosd = await startWithSource();
  const cases: readonly (readonly [string, string, number])[] = [
    ['if-match', cosd.etag, 200],
    ['if-match', '"other"', 412],
    ['if-none-match', cosd.etag, 412],
    ['if-none-match', '"other"', 200],
    ['if-modified-since', 'Wed, 31 Dec 2025 00:00:00 GMT', 200],
    ['if-modified-since', 'Fri, 02 Jan 2026 00:00:00 GMT', 412],
    ['if-unmodified-since', 'Wed, 31 Dec 2025 00:00:00 GMT', 412],
    ['if-unmodified-since', 'Fri, 02 Jan 2026 00:00:00 GMT', 200],
  ];
  for (const [name, value, status] of cases) {
    const reply = await copy(cosd, 'from ü/k', { [`x-cos-copy-source-${name}`]: value });
    assert.equal(reply.status, status, `${name} ${value}`);
  }
});

test('a missing source, bucket or a source that is no address is refused before anything happens', async () => {
  await using cosd = await startTestCosd({ buckets: [testBucket] });
  assert.deepEqual(code(await copy(cosd, 'none')), 'NoSuchKey');
  const from = async (source: string) =>
    code(await cosd.fetch({ method: 'PUT', key: 'to', headers: { 'x-cos-copy-source': source } }));
  assert.equal(await from('other-1.cos.ap-guangzhou.myqcloud.com/k'), 'NoSuchBucket');
  assert.equal(await from('nonsense'), 'InvalidArgument');
  assert.equal(await from(`${testHost}/`), 'InvalidArgument');
  assert.deepEqual(cosd.inspect.keys(testBucket), []);
});

test('a copy onto itself needs something to change', async () => {
  await using cosd = await startWithSource();
  const key = 'from ü/k';
  assert.equal(code(await copy(cosd, key, {}, key)), 'InvalidRequest');
  assert.equal((await copy(cosd, key, { 'x-cos-storage-class': 'STANDARD' }, key)).status, 200);
  assert.equal(
    (await copy(cosd, key, { 'x-cos-metadata-directive': 'Replaced' }, key)).status,
    200,
  );
  assert.equal((await cosd.inspect.bytes(testBucket, key)).toString(), 'body');
});

test('archived sources cannot be copied, and a forbidden overwrite is refused', async () => {
  await using cosd = await startTestCosd();
  await cosd.inspect.put(testBucket, 'a', 'x', { attributes: { storageClass: 'ARCHIVE' } });
  assert.equal(code(await copy(cosd, 'a')), 'InvalidObjectState');
  await cosd.inspect.put(testBucket, 'b', 'x');
  await cosd.inspect.put(testBucket, 'to', 'old');
  const forbidden = await copy(cosd, 'b', { 'x-cos-forbid-overwrite': 'true' });
  assert.deepEqual([forbidden.status, code(forbidden)], [409, 'FileAlreadyExists']);
});

test('a source without CRC-64 gives a copy without', async () => {
  await using cosd = await startTestCosd();
  await cosd.inspect.put(testBucket, 'old', 'x', { crc64: 'absent' });
  const reply = await copy(cosd, 'old');
  assert.equal(reply.headers['x-cos-hash-crc64ecma'], undefined);
  assert.ok(!reply.text.includes('CRC64'));
});

test('a range becomes a part with its own checksums; outside the source is InvalidRange', async () => {
  await using cosd = await startTestCosd();
  const source = Buffer.from(Array.from({ length: 1000 }, (_, at) => at % 251));
  await cosd.inspect.put(testBucket, 'from', source);
  const begun = await cosd.fetch({ method: 'POST', key: 'to', query: { uploads: '' } });
  const uploadId = fieldOf(begun, 'UploadId') ?? '';
  const part = (range: string | undefined, more: Record<string, string> = {}) =>
    cosd.fetch({
      method: 'PUT',
      key: 'to',
      query: { uploadId, partNumber: '1' },
      headers: {
        'x-cos-copy-source': `${testHost}/from`,
        ...(range === undefined ? {} : { 'x-cos-copy-source-range': range }),
        ...more,
      },
    });
  const good = await part('bytes=10-19');
  assert.equal(good.headers['x-cos-hash-crc64ecma'], crc64(source.subarray(10, 20)).toString());
  assert.match(
    good.text,
    /<CopyPartResult><ETag>"[\da-f]{32}"<\/ETag><CRC64>\d+<\/CRC64><LastModified>/,
  );
  assert.equal(cosd.inspect.openUploads(testBucket)[0]?.parts[0]?.sizeBytes, 10);
  assert.equal((await part('bytes=0-999')).status, 200);
  assert.equal((await part(undefined)).status, 200);
  assert.equal(code(await part('bytes=0-1000')), 'InvalidRange');
  for (const bad of ['bytes=5-', 'bytes=-5', 'bytes=6-5', '0-5'])
    assert.equal(code(await part(bad)), 'InvalidArgument');
  assert.equal(
    code(await part('bytes=0-1', { 'x-cos-copy-source-if-match': '"x"' })),
    'PreconditionFailed',
  );
});

test('a large copy shares nothing with its source afterwards', async () => {
  await using cosd = await startTestCosd();
  await cosd.inspect.put(testBucket, 'from', Buffer.alloc(3 * MiB, 'a'));
  await copy(cosd, 'from');
  await cosd.inspect.put(testBucket, 'from', 'replaced');
  assert.ok(Buffer.alloc(3 * MiB, 'a').equals(await cosd.inspect.bytes(testBucket, 'to')));
});
