/** GET, HEAD and DELETE of objects. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import test from 'node:test';
import { fieldOf, startTestCosd, type TestCosd, testBucket } from '#test/support/cosd.ts';

const modifiedAtMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

async function startWithObject(body: string): Promise<TestCosd & { readonly etag: string }> {
  const cosd = await startTestCosd();
  const { etag } = await cosd.inspect.put(testBucket, 'k', body, { modifiedAtMs });
  return Object.assign(cosd, { etag });
}

test('GET and HEAD tell the same of an object, always with a length', async () => {
  await using cosd = await startWithObject('0123456789');
  const got = await cosd.fetch({ method: 'GET', key: 'k' });
  const head = await cosd.fetch({ method: 'HEAD', key: 'k' });
  assert.equal(got.text, '0123456789');
  assert.equal(got.headers['content-length'], '10');
  assert.equal(got.headers['transfer-encoding'], undefined);
  assert.equal(got.headers['last-modified'], 'Fri, 02 Jan 2026 03:04:05 GMT');
  assert.equal(got.headers['accept-ranges'], 'bytes');
  const same = ['etag', 'last-modified', 'content-length', 'content-type', 'x-cos-hash-crc64ecma'];
  for (const name of same) assert.equal(head.headers[name], got.headers[name], name);
  assert.equal(head.body.length, 0);
});

const ranges: readonly (readonly [range: string, status: number, body: string, header?: string])[] =
  [
    ['bytes=0-0', 206, '0', 'bytes 0-0/10'],
    ['bytes=0-9', 206, '0123456789', 'bytes 0-9/10'],
    ['bytes=0-10', 206, '0123456789', 'bytes 0-9/10'],
    ['bytes=3-5', 206, '345', 'bytes 3-5/10'],
    ['bytes=9-', 206, '9', 'bytes 9-9/10'],
    ['bytes=0-', 206, '0123456789', 'bytes 0-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=-10', 206, '0123456789', 'bytes 0-9/10'],
    ['bytes=-11', 206, '0123456789', 'bytes 0-9/10'],
    ['bytes=10-', 416, ''],
    ['bytes=10-20', 416, ''],
    ['bytes=-0', 416, ''],
    ['bytes=5-3', 200, '0123456789'],
    ['bytes=-', 200, '0123456789'],
    ['bytes=0-1,4-5', 200, '0123456789'],
    ['lines=0-1', 200, '0123456789'],
  ];

test('ranges: 206 with the bytes, 416 outside, the whole for what is no range', async () => {
  await using cosd = await startWithObject('0123456789');
  for (const [range, status, body, header] of ranges) {
    const reply = await cosd.fetch({ method: 'GET', key: 'k', headers: { range } });
    assert.equal(reply.status, status, range);
    if (status === 416) {
      assert.match(reply.text, /<Code>InvalidRange</);
      assert.equal(reply.headers['content-range'], 'bytes */10', range);
      continue;
    }
    assert.equal(reply.text, body, range);
    assert.equal(reply.headers['content-range'], header, range);
    assert.equal(reply.headers['content-length'], String(body.length), range);
  }
});

test('no range of an empty object can be satisfied', async () => {
  await using cosd = await startWithObject('');
  for (const range of ['bytes=0-', 'bytes=0-0', 'bytes=-1', 'bytes=-0']) {
    const reply = await cosd.fetch({ method: 'GET', key: 'k', headers: { range } });
    assert.deepEqual([reply.status, reply.headers['content-range']], [416, 'bytes */0'], range);
  }
  assert.equal((await cosd.fetch({ method: 'GET', key: 'k' })).status, 200);
});

test('conditions, alone and together', async () => {
  await using cosd = await startWithObject('x');
  const { etag } = cosd;
  const before = new Date(modifiedAtMs - 1000).toUTCString();
  const exactly = new Date(modifiedAtMs).toUTCString();
  const cases: readonly (readonly [Record<string, string>, number])[] = [
    [{ 'if-match': etag }, 200],
    [{ 'if-match': etag.replaceAll('"', '') }, 200],
    [{ 'if-match': `"other", ${etag}` }, 200],
    [{ 'if-match': '*' }, 200],
    [{ 'if-match': '"other"' }, 412],
    [{ 'if-none-match': etag }, 304],
    [{ 'if-none-match': '"other"' }, 200],
    [{ 'if-modified-since': before }, 200],
    [{ 'if-modified-since': exactly }, 304],
    [{ 'if-unmodified-since': before }, 412],
    [{ 'if-unmodified-since': exactly }, 200],
    [{ 'if-modified-since': 'no date' }, 200],
    // The ETag outweighs the time.
    [{ 'if-match': etag, 'if-unmodified-since': before }, 200],
    [{ 'if-none-match': '"other"', 'if-modified-since': exactly }, 200],
    [{ 'if-match': '"other"', 'if-none-match': '"other"' }, 412],
  ];
  for (const [headers, status] of cases) {
    for (const method of ['GET', 'HEAD']) {
      const reply = await cosd.fetch({ method, key: 'k', headers });
      assert.equal(reply.status, status, `${method} ${JSON.stringify(headers)}`);
      if (status === 304) assert.equal(reply.body.length, 0);
    }
  }
});

test('a missing key: an error document for GET, none for HEAD, 204 for DELETE', async () => {
  await using cosd = await startTestCosd();
  const got = await cosd.fetch({ method: 'GET', key: 'none & <none>' });
  assert.equal(got.status, 404);
  const fields = ['Code', 'Message', 'Resource', 'RequestId', 'TraceId'];
  const found = fields.filter((field) => got.text.includes(`<${field}>`));
  assert.deepEqual(found, fields);
  assert.match(got.text, /<Code>NoSuchKey<\/Code>/);
  assert.equal(got.headers['content-type'], 'application/xml');
  assert.ok(got.text.includes(`<RequestId>${got.headers['x-cos-request-id']}<`));
  assert.ok(got.text.includes(`<TraceId>${got.headers['x-cos-trace-id']}<`));
  const head = await cosd.fetch({ method: 'HEAD', key: 'none' });
  assert.deepEqual([head.status, head.body.length], [404, 0]);
  assert.equal((await cosd.fetch({ method: 'DELETE', key: 'none' })).status, 204);
});

test('an object from before COS kept CRC-64 has no such header', async () => {
  await using cosd = await startTestCosd();
  await cosd.inspect.put(testBucket, 'old', 'x', { crc64: 'absent' });
  const reply = await cosd.fetch({ method: 'GET', key: 'old' });
  assert.equal(reply.headers['x-cos-hash-crc64ecma'], undefined);
});

test('archived bytes cannot be read, their facts can', async () => {
  await using cosd = await startTestCosd();
  for (const storageClass of ['ARCHIVE', 'DEEP_ARCHIVE']) {
    const headers = { 'x-cos-storage-class': storageClass };
    await cosd.fetch({ method: 'PUT', key: 'k', body: 'x', headers });
    const reply = await cosd.fetch({ method: 'GET', key: 'k' });
    assert.deepEqual([reply.status, fieldOf(reply, 'Code')], [403, 'InvalidObjectState']);
    const head = await cosd.fetch({ method: 'HEAD', key: 'k' });
    assert.equal(head.headers['x-cos-storage-class'], storageClass);
  }
});

test('multi-delete: Content-MD5 is a must, Quiet is quiet, missing keys are deleted ones', async () => {
  await using cosd = await startTestCosd();
  for (const key of ['a', 'b', ' spaced ']) await cosd.inspect.put(testBucket, key, 'x');
  const post = (body: string, headers = { 'content-md5': hash('md5', body, 'base64') }) =>
    cosd.fetch({ method: 'POST', query: { delete: '' }, body, headers });
  const list = (quiet: string, ...keys: readonly string[]) =>
    `<Delete>${quiet}${keys.map((key) => `<Object><Key>${key}</Key></Object>`).join('')}</Delete>`;

  const loud = await post(list('', 'a', 'missing', ' spaced '));
  assert.equal(loud.status, 200);
  assert.equal(loud.text.match(/<Deleted>/g)?.length, 3);
  assert.ok(loud.text.includes('<Key> spaced </Key>'));
  const quiet = await post(list('<Quiet>true</Quiet>', 'b'));
  assert.match(quiet.text, /<DeleteResult\/>$/);
  assert.deepEqual(cosd.inspect.keys(testBucket), []);

  const plain: Record<string, string> = {};
  const unsigned = await cosd.fetch({
    method: 'POST',
    query: { delete: '' },
    body: 'x',
    headers: plain,
  });
  assert.match(unsigned.text, /<Code>MissingContentMD5</);
  const many = Array.from({ length: 1001 }, (_, at) => `k${at}`);
  assert.equal((await post(list('', ...many.slice(1)))).status, 200);
  for (const bad of [
    list('', ...many),
    list(''),
    '<Delete>',
    '<Other/>',
    'text',
    '<!DOCTYPE x><Delete/>',
  ]) {
    assert.match((await post(bad)).text, /<Code>MalformedXML</, bad.slice(0, 30));
  }
});
