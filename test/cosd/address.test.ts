/** Buckets by virtual host, and requests that are none of ours. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { isBucketName, parseHost } from '#gateway/cosd/address.ts';
import { fieldOf, startTestCosd, testBucket } from '#test/support/cosd.ts';

test('every name COS answers under leads to the bucket', () => {
  const bucket = testBucket;
  const region = 'ap-guangzhou';
  assert.deepEqual(parseHost(`${bucket}.cos.ap-guangzhou.myqcloud.com`), { bucket, region });
  assert.deepEqual(parseHost(`${bucket}.cos.ap-guangzhou.tencentcos.cn`), { bucket, region });
  assert.deepEqual(parseHost(`${bucket}.cos-internal.ap-guangzhou.tencentcos.cn`), {
    bucket,
    region,
  });
  assert.deepEqual(parseHost(`${bucket}.cos.accelerate.myqcloud.com`), { bucket });
  assert.deepEqual(parseHost(`${bucket}.store.example.com:9000`), { bucket });
  assert.deepEqual(parseHost(`${bucket}.LOCALHOST:1`), { bucket });
});

test('bucket names need their account number', () => {
  for (const name of ['a-1', 'a-b-1250000000', '0-0', `${'a'.repeat(50)}-1`])
    assert.ok(isBucketName(name), name);
  for (const name of [
    'a',
    'a-',
    '-1',
    'A-1',
    'a_b-1',
    'a-1b',
    '-a-1',
    `${'a'.repeat(51)}-1`,
    '127',
  ]) {
    assert.ok(!isBucketName(name), name);
  }
});

test('only the buckets and regions this COS was given exist', async () => {
  await using cosd = await startTestCosd({ buckets: [testBucket], regions: ['ap-guangzhou'] });
  const head = (host: string) => cosd.fetch({ method: 'HEAD', host });
  const get = async (host: string) => fieldOf(await cosd.fetch({ method: 'GET', host }), 'Code');
  assert.equal((await head(`${testBucket}.cos.ap-guangzhou.myqcloud.com`)).status, 200);
  assert.equal((await head(`${testBucket}.cos.ap-beijing.myqcloud.com`)).status, 404);
  assert.equal(await get('other-1250000000.cos.ap-guangzhou.myqcloud.com'), 'NoSuchBucket');
  assert.equal(await get('127.0.0.1:9000'), 'InvalidBucketName');
  assert.equal(await get('nobucket.example.com'), 'InvalidBucketName');
});

test('by default every well-formed bucket is there, each with its own objects', async () => {
  await using cosd = await startTestCosd();
  const host = 'other-1250000000.cos.ap-beijing.myqcloud.com';
  await cosd.fetch({ method: 'PUT', key: 'k', body: 'other', host });
  await cosd.fetch({ method: 'PUT', key: 'k', body: 'inbox' });
  assert.equal((await cosd.fetch({ method: 'GET', key: 'k', host })).text, 'other');
  assert.equal((await cosd.fetch({ method: 'GET', key: 'k' })).text, 'inbox');
});

test('methods and sub-resources it does not have are refused, never taken for others', async () => {
  await using cosd = await startTestCosd();
  const code = async (method: string, key: string, query = {}) =>
    fieldOf(await cosd.fetch({ method, key, query }), 'Code');
  assert.equal(await code('PATCH', 'k'), 'MethodNotAllowed');
  assert.equal(await code('POST', 'k'), 'MethodNotAllowed');
  assert.equal(await code('PUT', ''), 'MethodNotAllowed');
  assert.equal(await code('DELETE', ''), 'MethodNotAllowed');
  assert.equal(await code('PUT', 'k', { acl: '' }), 'NotImplemented');
  assert.equal(await code('POST', 'k', { append: '', position: '0' }), 'NotImplemented');
  assert.equal(await code('DELETE', '', { lifecycle: '' }), 'NotImplemented');
  assert.deepEqual(cosd.inspect.keys(testBucket), []);
});
