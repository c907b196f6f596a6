/** Multipart uploads: the rules of parts, at their thresholds. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import test from 'node:test';
import { crc64 } from '#gateway/kit/crc64.ts';
import {
  fieldOf,
  startTestCosd,
  type TestCosd,
  type TestReply,
  testBucket,
} from '#test/support/cosd.ts';

const MiB = 1024 * 1024;

async function initiate(
  cosd: TestCosd,
  key = 'k',
  headers: Record<string, string> = {},
): Promise<string> {
  const begun = await cosd.fetch({ method: 'POST', key, query: { uploads: '' }, headers });
  assert.equal(begun.status, 200);
  return fieldOf(begun, 'UploadId') ?? '';
}

function sendPart(
  cosd: TestCosd,
  uploadId: string,
  number: number | string,
  body: Uint8Array | string,
): Promise<TestReply> {
  const query = { uploadId, partNumber: String(number) };
  return cosd.fetch({ method: 'PUT', key: 'k', query, body });
}

type Listed = readonly (readonly [number: number, etag: string])[];

function partList(parts: Listed): string {
  const elements = parts.map(([number, etag]) => {
    return `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`;
  });
  return `<CompleteMultipartUpload>${elements.join('')}</CompleteMultipartUpload>`;
}

function complete(
  cosd: TestCosd,
  uploadId: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<TestReply> {
  return cosd.fetch({ method: 'POST', key: 'k', query: { uploadId }, body, headers });
}

async function uploadParts(
  cosd: TestCosd,
  uploadId: string,
  ...sizes: readonly number[]
): Promise<Listed> {
  const parts: [number, string][] = [];
  for (const [at, size] of sizes.entries()) {
    const sent = await sendPart(cosd, uploadId, at + 1, Buffer.alloc(size, at + 1));
    assert.equal(sent.status, 200);
    parts.push([at + 1, sent.headers['etag'] ?? '']);
  }
  return parts;
}

function code(reply: TestReply): readonly [number, string | undefined] {
  return [reply.status, fieldOf(reply, 'Code')];
}

test('the whole has the attributes of Initiate, a multipart ETag and the CRC-64 of its bytes', async () => {
  await using cosd = await startTestCosd();
  const headers = {
    'content-type': 'text/x-own',
    'x-cos-meta-a': 'b',
    'x-cos-storage-class': 'STANDARD_IA',
  };
  const uploadId = await initiate(cosd, 'k', headers);
  const parts = await uploadParts(cosd, uploadId, MiB, MiB + 3, 7);
  assert.equal((await cosd.fetch({ method: 'HEAD', key: 'k' })).status, 404);
  const done = await complete(cosd, uploadId, partList(parts));
  assert.equal(done.status, 200);
  const whole = await cosd.inspect.bytes(testBucket, 'k');
  assert.equal(whole.length, 2 * MiB + 10);
  const md5s = parts.map(([, etag]) => Buffer.from(etag.replaceAll('"', ''), 'hex'));
  assert.equal(fieldOf(done, 'ETag'), `"${hash('md5', Buffer.concat(md5s))}-3"`);
  assert.equal(done.headers['x-cos-hash-crc64ecma'], crc64(whole).toString());
  const head = await cosd.fetch({ method: 'HEAD', key: 'k' });
  assert.equal(head.headers['etag'], fieldOf(done, 'ETag'));
  assert.equal(head.headers['content-type'], 'text/x-own');
  assert.equal(head.headers['x-cos-meta-a'], 'b');
  assert.equal(head.headers['x-cos-storage-class'], 'STANDARD_IA');
  assert.deepEqual(code(await complete(cosd, uploadId, partList(parts))), [404, 'NoSuchUpload']);
});

test('part numbers are 1 to 10,000', async () => {
  await using cosd = await startTestCosd();
  const uploadId = await initiate(cosd);
  for (const number of [1, 2, 9999, 10_000]) {
    assert.equal((await sendPart(cosd, uploadId, number, 'x')).status, 200);
  }
  for (const number of [0, 10_001, -1, '', 'one', '1.5']) {
    assert.deepEqual(code(await sendPart(cosd, uploadId, number, 'x')), [400, 'InvalidArgument']);
  }
});

test('every part but the last has at least 1 MiB', async () => {
  await using cosd = await startTestCosd();
  for (const [size, status] of [
    [MiB - 1, 400],
    [MiB, 200],
    [MiB + 1, 200],
  ] as const) {
    const uploadId = await initiate(cosd);
    const parts = await uploadParts(cosd, uploadId, size, 1);
    const done = await complete(cosd, uploadId, partList(parts));
    assert.equal(done.status, status, String(size));
    if (status === 400) assert.equal(fieldOf(done, 'Code'), 'EntityTooSmall');
  }
  const single = await initiate(cosd);
  assert.equal(
    (await complete(cosd, single, partList(await uploadParts(cosd, single, 0)))).status,
    200,
  );
});

test('the list must be ascending, without gap, known, and of the ETags that were answered', async () => {
  await using cosd = await startTestCosd();
  const uploadId = await initiate(cosd);
  const [one, two, three] = await uploadParts(cosd, uploadId, MiB, MiB, 5);
  assert.ok(one && two && three);
  const cases: readonly (readonly [Listed, string])[] = [
    [[two, one, three], 'InvalidPartOrder'],
    [[one, one, two], 'InvalidPartOrder'],
    [[one, three], 'InvalidPart'],
    [[two, three], 'InvalidPart'],
    [[one, two, three, [4, '"x"']], 'InvalidPart'],
    [[one, [2, one[1]], three], 'InvalidPart'],
  ];
  for (const [listed, expected] of cases) {
    assert.deepEqual(code(await complete(cosd, uploadId, partList(listed))), [400, expected]);
  }
  for (const bad of [
    '',
    '<a/>',
    partList([]),
    '<CompleteMultipartUpload><Part/>',
    partList([[1.5, 'x']]),
  ]) {
    assert.deepEqual(code(await complete(cosd, uploadId, bad)), [400, 'MalformedXML'], bad);
  }
  // Not all that were uploaded need to be in it, and quotes around ETags do not matter.
  const bare = [one, two].map(([number, etag]) => [number, etag.replaceAll('"', '')] as const);
  assert.equal((await complete(cosd, uploadId, partList(bare))).status, 200);
  assert.equal((await cosd.inspect.bytes(testBucket, 'k')).length, 2 * MiB);
});

test('a list of 10,000 parts is read, as large as the SDK writes it', async () => {
  await using cosd = await startTestCosd();
  const uploadId = await initiate(cosd);
  const listed = Array.from(
    { length: 10_000 },
    (_, at) => [at + 1, `"${'0'.repeat(32)}"`] as const,
  );
  const spaced = partList(listed).replaceAll('><', '>\n      <');
  assert.deepEqual(code(await complete(cosd, uploadId, spaced)), [400, 'InvalidPart']);
  const excessive = spaced + ' '.repeat(2 * MiB);
  assert.deepEqual(code(await complete(cosd, uploadId, excessive)), [400, 'EntityTooLarge']);
});

test('a part sent again replaces the one before, and parts may come in any order', async () => {
  await using cosd = await startTestCosd();
  const uploadId = await initiate(cosd);
  const last = await sendPart(cosd, uploadId, 2, 'tail');
  await sendPart(cosd, uploadId, 1, Buffer.alloc(MiB, 'old'));
  const first = await sendPart(cosd, uploadId, 1, Buffer.alloc(MiB, 'new'));
  const listed: Listed = [
    [1, first.headers['etag'] ?? ''],
    [2, last.headers['etag'] ?? ''],
  ];
  assert.equal((await complete(cosd, uploadId, partList(listed))).status, 200);
  const expected = Buffer.concat([Buffer.alloc(MiB, 'new'), Buffer.from('tail')]);
  assert.ok(expected.equals(await cosd.inspect.bytes(testBucket, 'k')));
});

test('an unknown, foreign or finished upload is NoSuchUpload everywhere', async () => {
  await using cosd = await startTestCosd();
  const uploadId = await initiate(cosd);
  const other = await initiate(cosd, 'other');
  const abort = (id: string) => cosd.fetch({ method: 'DELETE', key: 'k', query: { uploadId: id } });
  assert.equal((await abort(uploadId)).status, 204);
  for (const id of [uploadId, other, 'never', '']) {
    assert.deepEqual(code(await sendPart(cosd, id, 1, 'x')), [404, 'NoSuchUpload']);
    assert.deepEqual(code(await complete(cosd, id, partList([[1, '"x"']]))), [404, 'NoSuchUpload']);
    assert.deepEqual(code(await abort(id)), [404, 'NoSuchUpload']);
    const listed = await cosd.fetch({ method: 'GET', key: 'k', query: { uploadId: id } });
    assert.deepEqual(code(listed), [404, 'NoSuchUpload']);
  }
});

test('a part that does not match its Content-MD5 is refused and not kept', async () => {
  await using cosd = await startTestCosd();
  const uploadId = await initiate(cosd);
  const query = { uploadId, partNumber: '1' };
  const headers = { 'content-md5': hash('md5', 'other', 'base64') };
  const refused = await cosd.fetch({ method: 'PUT', key: 'k', query, body: 'x', headers });
  assert.deepEqual(code(refused), [400, 'BadDigest']);
  assert.deepEqual(cosd.inspect.openUploads(testBucket)[0]?.parts, []);
});

test('two Completes at once: one makes the object, the other finds no upload', async () => {
  await using cosd = await startTestCosd();
  const uploadId = await initiate(cosd);
  const body = partList(await uploadParts(cosd, uploadId, 10));
  const both = await Promise.all([complete(cosd, uploadId, body), complete(cosd, uploadId, body)]);
  assert.deepEqual(
    both.map(({ status }) => status).toSorted((a, b) => a - b),
    [200, 404],
  );
});

test('Complete keeps to its Content-MD5 and to forbidden overwrites', async () => {
  await using cosd = await startTestCosd();
  const uploadId = await initiate(cosd);
  const body = partList(await uploadParts(cosd, uploadId, 10));
  const wrong = { 'content-md5': hash('md5', 'other', 'base64') };
  assert.deepEqual(code(await complete(cosd, uploadId, body, wrong)), [400, 'BadDigest']);
  await cosd.inspect.put(testBucket, 'k', 'old');
  const forbidden = await complete(cosd, uploadId, body, { 'x-cos-forbid-overwrite': 'true' });
  assert.deepEqual(code(forbidden), [409, 'FileAlreadyExists']);
  assert.equal((await complete(cosd, uploadId, body)).status, 200);
});

test('parts are listed in pages by number', async () => {
  await using cosd = await startTestCosd();
  const uploadId = await initiate(cosd);
  for (const number of [3, 1, 2]) await sendPart(cosd, uploadId, number, 'x'.repeat(number));
  const list = (query: Record<string, string>) =>
    cosd.fetch({ method: 'GET', key: 'k', query: { uploadId, ...query } });
  const numbers = ({ text }: TestReply) =>
    [...text.matchAll(/<PartNumber>(\d+)<.*?<Size>(\d+)</g)].map((match) => [match[1], match[2]]);
  const first = await list({ 'max-parts': '2' });
  assert.deepEqual(numbers(first), [
    ['1', '1'],
    ['2', '2'],
  ]);
  assert.deepEqual(
    [fieldOf(first, 'IsTruncated'), fieldOf(first, 'NextPartNumberMarker')],
    ['true', '2'],
  );
  const rest = await list({ 'part-number-marker': '2' });
  assert.deepEqual(numbers(rest), [['3', '3']]);
  assert.equal(fieldOf(rest, 'IsTruncated'), 'false');
});

test('uploads are listed by key, then id, in pages', async () => {
  await using cosd = await startTestCosd();
  for (const key of ['b', 'a', '\u{10000}', '\ufffd', 'a', 'c/1']) await initiate(cosd, key);
  const list = (query: Record<string, string>) =>
    cosd.fetch({ method: 'GET', query: { uploads: '', ...query } });
  const keys = ({ text }: TestReply) =>
    [...text.matchAll(/<Upload><Key>(.*?)<\/Key>/g)].map((match) => match[1]);
  assert.deepEqual(keys(await list({})), ['a', 'a', 'b', 'c/1', '\ufffd', '\u{10000}']);
  assert.deepEqual(keys(await list({ prefix: 'c' })), ['c/1']);
  assert.deepEqual(keys(await list({ 'key-marker': 'a' })), ['b', 'c/1', '\ufffd', '\u{10000}']);
  const first = await list({ 'max-uploads': '1' });
  const marker = {
    'key-marker': fieldOf(first, 'NextKeyMarker') ?? '',
    'upload-id-marker': fieldOf(first, 'NextUploadIdMarker') ?? '',
  };
  assert.deepEqual(keys(await list({ ...marker, 'max-uploads': '2' })), ['a', 'b']);
  assert.match(first.text, /<Initiated>.+Z</);
  assert.deepEqual(keys(await list({ prefix: '\ufffd', 'encoding-type': 'url' })), ['%EF%BF%BD']);
});
