/** The embedded COS seen through Tencent's own SDK, which must not be able to tell it from COS. */
import assert from 'node:assert/strict';
import { hash, randomBytes } from 'node:crypto';
import test from 'node:test';
import COS from 'cos-nodejs-sdk-v5';
import type { FaultRule } from '#gateway/cosd/fault-script.ts';
import { crc64 } from '#gateway/kit/crc64.ts';
import { startTestCosd, type TestCosd, testBucket, testRegion } from '#test/support/cosd.ts';

const place = { Bucket: testBucket, Region: testRegion };
const MiB = 1024 * 1024;

function sdkFor(cosd: TestCosd): COS {
  return new COS({
    SecretId: cosd.secretId,
    SecretKey: cosd.secretKey,
    Protocol: 'http:',
    Ip: cosd.endpoint,
  } as COS.COSOptions);
}

test('puts, heads, reads and deletes an object', async () => {
  await using cosd = await startTestCosd();
  const sdk = sdkFor(cosd);
  const Body = randomBytes(100_000);
  const Key = "dir/ä b!'()*+&=#%.bin";
  const put = await sdk.putObject({ ...place, Key, Body, Headers: { 'x-cos-meta-a': 'b' } });
  assert.equal(put.ETag, `"${hash('md5', Body)}"`);
  assert.equal(put.headers?.['x-cos-hash-crc64ecma'], crc64(Body).toString());

  const head = await sdk.headObject({ ...place, Key });
  assert.equal(head.headers?.['content-length'], '100000');
  assert.equal(head.headers?.['x-cos-meta-a'], 'b');

  const got = await sdk.getObject({ ...place, Key });
  assert.ok(Body.equals(got.Body as Buffer));
  await sdk.deleteObject({ ...place, Key });
  await assert.rejects(sdk.headObject({ ...place, Key }), { statusCode: 404 });
});

test('uploads in parts, lists them, completes, and the whole has its CRC-64', async () => {
  await using cosd = await startTestCosd();
  const sdk = sdkFor(cosd);
  const Key = 'big.bin';
  const parts = [randomBytes(MiB), randomBytes(MiB + 1), randomBytes(5)];
  const { UploadId } = await sdk.multipartInit({ ...place, Key });
  const sent = parts.map((Body, at) =>
    sdk.multipartUpload({ ...place, Key, UploadId, PartNumber: at + 1, Body }),
  );
  const etags = (await Promise.all(sent)).map(({ ETag }) => ETag);
  const listed = await sdk.multipartListPart({ ...place, Key, UploadId });
  assert.deepEqual(
    listed.Part.map(({ ETag }) => ETag),
    etags,
  );
  const uploads = await sdk.multipartList({ ...place, Prefix: 'big', Delimiter: '' });
  assert.equal(uploads.Upload.length, 1);

  const Parts = etags.map((ETag, at) => ({ PartNumber: at + 1, ETag }));
  const done = await sdk.multipartComplete({ ...place, Key, UploadId, Parts });
  assert.match(done.ETag, /^"[\da-f]{32}-3"$/);
  const whole = Buffer.concat(parts);
  assert.equal(done.headers?.['x-cos-hash-crc64ecma'], crc64(whole).toString());
  assert.ok(whole.equals(await cosd.inspect.bytes(testBucket, Key)));
  assert.deepEqual(cosd.inspect.openUploads(testBucket), []);
});

test('lists with prefix, delimiter, markers and encoded names', async () => {
  await using cosd = await startTestCosd();
  const sdk = sdkFor(cosd);
  for (const key of ['a/1', 'a/2', 'a b', 'c', 'd/e/f'])
    await cosd.inspect.put(testBucket, key, 'x');
  const first = await sdk.getBucket({ ...place, Delimiter: '/', MaxKeys: 2, EncodingType: 'url' });
  assert.deepEqual(
    first.Contents.map(({ Key }) => Key),
    ['a%20b'],
  );
  assert.deepEqual(first.CommonPrefixes, [{ Prefix: 'a/' }]);
  assert.equal(first.IsTruncated, 'true');
  const Marker = decodeURIComponent(first.NextMarker ?? '');
  const second = await sdk.getBucket({ ...place, Delimiter: '/', Marker });
  assert.deepEqual(
    second.Contents.map(({ Key }) => Key),
    ['c'],
  );
  assert.deepEqual(second.CommonPrefixes, [{ Prefix: 'd/' }]);
  assert.equal(second.IsTruncated, 'false');
});

test('copies objects and ranges as parts', async () => {
  await using cosd = await startTestCosd();
  const sdk = sdkFor(cosd);
  const bytes = randomBytes(2 * MiB);
  const source = await cosd.inspect.put(testBucket, 'from/ü', bytes);
  const CopySource = `${testBucket}.cos.${testRegion}.myqcloud.com/from/${encodeURIComponent('ü')}`;
  const copied = await sdk.putObjectCopy({ ...place, Key: 'to', CopySource });
  assert.equal(copied.ETag, source.etag);
  assert.equal(cosd.inspect.find(testBucket, 'to')?.crc64, crc64(bytes));

  const { UploadId } = await sdk.multipartInit({ ...place, Key: 'joined' });
  const CopySourceRange = `bytes=0-${MiB - 1}`;
  const part = { ...place, Key: 'joined', UploadId };
  const one = await sdk.uploadPartCopy({ ...part, PartNumber: 1, CopySource, CopySourceRange });
  assert.equal(one.headers?.['x-cos-hash-crc64ecma'], crc64(bytes.subarray(0, MiB)).toString());
  const two = await sdk.multipartUpload({ ...part, PartNumber: 2, Body: 'tail' });
  const Parts = [one, two].map(({ ETag }, at) => ({ PartNumber: at + 1, ETag }));
  await sdk.multipartComplete({ ...part, Parts });
  const expected = Buffer.concat([bytes.subarray(0, MiB), Buffer.from('tail')]);
  assert.ok(expected.equals(await cosd.inspect.bytes(testBucket, 'joined')));
});

test('deletes many at once', async () => {
  await using cosd = await startTestCosd();
  for (const key of ['a', 'b&<>', 'c']) await cosd.inspect.put(testBucket, key, 'x');
  const Objects = [{ Key: 'a' }, { Key: 'b&<>' }, { Key: 'missing' }];
  const done = await sdkFor(cosd).deleteMultipleObject({ ...place, Objects });
  assert.deepEqual(
    done.Deleted.map(({ Key }) => Key),
    ['a', 'b&<>', 'missing'],
  );
  assert.deepEqual(cosd.inspect.keys(testBucket), ['c']);
});

test('heals a clock that is an hour off, in both directions', async (t) => {
  t.mock.method(console, 'error', () => undefined);
  for (const offsetMs of [3_600_000, -3_600_000]) {
    await using cosd = await startTestCosd();
    const sdk = new COS({
      SecretId: cosd.secretId,
      SecretKey: cosd.secretKey,
      Protocol: 'http:',
      Ip: cosd.endpoint,
      CorrectClockSkew: true,
      SystemClockOffset: offsetMs,
    } as COS.COSOptions);
    await sdk.headBucket(place).catch(() => undefined);
    await sdk.putObject({ ...place, Key: 'k', Body: 'x' });
    assert.equal(cosd.requests().PutObject, 2);
  }
});

test('abort is answered 204 once and then NoSuchUpload', async () => {
  await using cosd = await startTestCosd();
  const sdk = sdkFor(cosd);
  const { UploadId } = await sdk.multipartInit({ ...place, Key: 'k' });
  await sdk.multipartAbort({ ...place, Key: 'k', UploadId });
  await assert.rejects(sdk.multipartAbort({ ...place, Key: 'k', UploadId }), {
    code: 'NoSuchUpload',
  });
});

test('the SDK reads a Complete that drips, and the Error behind the white space', async () => {
  for (const isFailing of [false, true]) {
    const operation = 'CompleteMultipartUpload';
    const error: FaultRule = { operation, act: { do: 'error-in-200', code: 'InternalError' } };
    const drip: FaultRule = { operation, act: { do: 'drip', dripMs: 10 } };
    await using cosd = await startTestCosd({ faults: isFailing ? [drip, error] : [drip] });
    const sdk = sdkFor(cosd);
    const { UploadId } = await sdk.multipartInit({ ...place, Key: 'k' });
    const part = { ...place, Key: 'k', UploadId };
    const { ETag } = await sdk.multipartUpload({ ...part, PartNumber: 1, Body: 'x' });
    const done = sdk.multipartComplete({ ...part, Parts: [{ PartNumber: 1, ETag }] });
    if (isFailing) await assert.rejects(done, { code: 'InternalError', statusCode: 200 });
    else assert.match((await done).ETag, /-1"$/);
  }
});
