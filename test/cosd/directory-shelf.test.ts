/** The directory shelf: readable files, restarts, and what a crash at each step leaves. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import test from 'node:test';
import { createDirectoryShelf } from '#gateway/cosd/directory-shelf.ts';
import { until } from '#test/support/condition.ts';
import { cosAuthorization } from '#test/support/cos-signer.ts';
import {
  fieldOf,
  startTestCosd,
  type TestCosd,
  targetOf,
  testBucket,
  testHost,
} from '#test/support/cosd.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';

const MiB = 1024 * 1024;

function start(directory: string): Promise<TestCosd> {
  return startTestCosd({ shelf: createDirectoryShelf({ directory }) });
}

test('an object is a file of its own name, and a restart finds it with all it carries', async () => {
  await using directory = await temporaryDirectory();
  const key = 'incoming/alice/Bericht für März 2026.pdf';
  const headers = { 'x-cos-meta-scanner': 'floor-2', 'x-cos-storage-class': 'STANDARD_IA' };
  {
    await using cosd = await start(directory.path);
    await cosd.fetch({ method: 'PUT', key, body: 'hello', headers });
    const onDisk = await readFile(join(directory.path, testBucket, key), 'utf8');
    assert.equal(onDisk, 'hello');
  }
  await using cosd = await start(directory.path);
  const reply = await cosd.fetch({ method: 'GET', key });
  assert.equal(reply.text, 'hello');
  assert.equal(reply.headers['content-type'], 'application/pdf');
  assert.equal(reply.headers['x-cos-meta-scanner'], 'floor-2');
  assert.equal(reply.headers['x-cos-storage-class'], 'STANDARD_IA');
  assert.equal(
    reply.headers['x-cos-hash-crc64ecma'],
    (await cosd.inspect.crc64(testBucket, key)).toString(),
  );
});

const awkwardKeys = [
  'a',
  'a/b',
  'A',
  'a/',
  'folder/',
  'folder/file',
  'folder//file',
  '../escape',
  './dot',
  'x/../../y',
  'x/.',
  '.encoded/own',
  '.Encoded',
  '.cosd/record',
  'tab\tand\nnewline',
  'back\\slash',
  '\u00e4',
  'a\u0308',
  '%2e%2e/percent',
  'trailing ',
  'nul\u0000byte',
  `${'long-segment'.repeat(40)}`,
  `${'deep/'.repeat(169)}file`,
  'x'.repeat(850),
  '\u6f22'.repeat(283),
  ' ',
  '-rf',
  '*',
];

test('every legal key keeps its own bytes, also across a restart, and deletes cleanly', async () => {
  await using directory = await temporaryDirectory();
  const bodyOf = (key: string) => `the body of ${JSON.stringify(key)}`;
  const expected = new Map<string, string>();
  {
    await using cosd = await start(directory.path);
    for (const key of awkwardKeys) {
      const isFolder = key === 'folder/' || key === 'a/';
      expected.set(key, isFolder ? '' : bodyOf(key));
      const put = await cosd.fetch({ method: 'PUT', key, body: expected.get(key) ?? '' });
      assert.equal(put.status, 200, JSON.stringify(key));
    }
  }
  {
    await using cosd = await start(directory.path);
    assert.equal(cosd.inspect.keys(testBucket).length, awkwardKeys.length);
    for (const [key, body] of expected) {
      assert.equal((await cosd.fetch({ method: 'GET', key })).text, body, JSON.stringify(key));
    }
    for (const key of awkwardKeys) await cosd.fetch({ method: 'DELETE', key });
    assert.deepEqual(cosd.inspect.keys(testBucket), []);
    assert.deepEqual(await readdir(join(directory.path, testBucket)), []);
  }
  await using cosd = await start(directory.path);
  assert.deepEqual(cosd.inspect.keys(testBucket), []);
  const outside = await readdir(directory.path);
  assert.deepEqual(outside.toSorted(), ['.cosd', testBucket]);
});

test('a folder marker makes a folder, and one with bytes is kept apart', async () => {
  await using directory = await temporaryDirectory();
  await using cosd = await start(directory.path);
  await cosd.fetch({ method: 'PUT', key: 'new/', body: '' });
  assert.deepEqual(await readdir(join(directory.path, testBucket)), ['new']);
  await cosd.fetch({ method: 'PUT', key: 'new/', body: 'bytes' });
  assert.equal((await cosd.fetch({ method: 'GET', key: 'new/' })).text, 'bytes');
  await cosd.fetch({ method: 'PUT', key: 'new/', body: '' });
  assert.equal((await cosd.fetch({ method: 'GET', key: 'new/' })).text, '');
});

test('a file somebody put there by hand is never written over', async () => {
  await using directory = await temporaryDirectory();
  await using cosd = await start(directory.path);
  await mkdir(join(directory.path, testBucket));
  await writeFile(join(directory.path, testBucket, 'mine'), 'by hand');
  for (const key of ['mine', 'mine/below']) {
    await cosd.fetch({ method: 'PUT', key, body: 'by FTP' });
    assert.equal((await cosd.fetch({ method: 'GET', key })).text, 'by FTP');
  }
  assert.equal(await readFile(join(directory.path, testBucket, 'mine'), 'utf8'), 'by hand');
});

test('an open upload survives a restart with its parts, and can be completed', async () => {
  await using directory = await temporaryDirectory();
  const parts = [Buffer.alloc(MiB, 1), Buffer.alloc(3 * MiB + 7, 2), Buffer.alloc(9, 3)];
  const key = 'big';
  let uploadId = '';
  const etags: string[] = [];
  {
    await using cosd = await start(directory.path);
    const begun = await cosd.fetch({ method: 'POST', key, query: { uploads: '' } });
    uploadId = fieldOf(begun, 'UploadId') ?? '';
    for (const [at, body] of [Buffer.alloc(5), ...parts].entries()) {
      // Number 1 is sent twice: the later counts.
      const query = { uploadId, partNumber: String(Math.max(1, at)) };
      const sent = await cosd.fetch({ method: 'PUT', key, query, body });
      if (at > 0) etags.push(sent.headers['etag'] ?? '');
    }
  }
  await using cosd = await start(directory.path);
  const [open] = cosd.inspect.openUploads(testBucket);
  assert.deepEqual(
    open?.parts.map(({ etag, sizeBytes }) => [etag, sizeBytes]),
    parts.map((part, at) => [etags[at], part.length]),
  );
  const listed = etags.map((etag, at) => {
    return `<Part><PartNumber>${at + 1}</PartNumber><ETag>${etag}</ETag></Part>`;
  });
  const body = `<CompleteMultipartUpload>${listed.join('')}</CompleteMultipartUpload>`;
  const done = await cosd.fetch({ method: 'POST', key, query: { uploadId }, body });
  assert.equal(done.status, 200);
  const whole = Buffer.concat(parts);
  assert.ok(whole.equals(await readFile(join(directory.path, testBucket, key))));
  assert.equal(
    done.headers['x-cos-hash-crc64ecma'],
    (await cosd.inspect.crc64(testBucket, key)).toString(),
  );
  assert.deepEqual(await readdir(join(directory.path, '.cosd', testBucket, 'uploads')), []);
});

/** Stops a store in mid-write by hand: the files as they are between two steps of a replacement. */
async function replacementStoppedAt(
  directory: string,
  step: 'staged' | 'data-moved',
): Promise<void> {
  const records = join(directory, '.cosd', testBucket, 'objects');
  const staging = join(directory, '.cosd', 'staging');
  {
    await using cosd = await start(directory);
    await cosd.inspect.put(testBucket, 'k', 'old');
    const before = await recordFile(records);
    await rename(before, join(directory, 'old.json'));
    await cosd.inspect.put(testBucket, 'k', 'newer');
    await rename(await recordFile(records), join(staging, '7.json'));
    await rename(join(directory, 'old.json'), before);
  }
  if (step === 'data-moved') return;
  await rename(join(directory, testBucket, 'k'), join(staging, '7.data'));
  await writeFile(join(directory, testBucket, 'k'), 'old');
}

async function recordFile(records: string): Promise<string> {
  const [name] = (await readdir(records, { recursive: true })).filter((each) =>
    each.endsWith('json'),
  );
  return join(records, name ?? '');
}

test('a crash before the data was moved leaves the old object', async () => {
  await using directory = await temporaryDirectory();
  await replacementStoppedAt(directory.path, 'staged');
  await using cosd = await start(directory.path);
  assert.equal((await cosd.fetch({ method: 'GET', key: 'k' })).text, 'old');
  assert.deepEqual(await readdir(join(directory.path, '.cosd', 'staging')), []);
});

test('a crash between data and record leaves the new object, with its own record', async () => {
  await using directory = await temporaryDirectory();
  await replacementStoppedAt(directory.path, 'data-moved');
  await using cosd = await start(directory.path);
  const reply = await cosd.fetch({ method: 'GET', key: 'k' });
  assert.equal(reply.text, 'newer');
  assert.equal(
    reply.headers['x-cos-hash-crc64ecma'],
    (await cosd.inspect.crc64(testBucket, 'k')).toString(),
  );
});

test('a crash in the middle of a delete ends as a delete', async () => {
  await using directory = await temporaryDirectory();
  {
    await using cosd = await start(directory.path);
    await cosd.inspect.put(testBucket, 'k', 'x');
  }
  await rename(join(directory.path, testBucket, 'k'), join(directory.path, 'gone'));
  {
    await using cosd = await start(directory.path);
    assert.equal((await cosd.fetch({ method: 'HEAD', key: 'k' })).status, 404);
  }
  await using cosd = await start(directory.path);
  assert.deepEqual(cosd.inspect.keys(testBucket), []);
});

test('half a body, an upload without record and strange files in staging are swept at start', async () => {
  await using directory = await temporaryDirectory();
  const staging = join(directory.path, '.cosd', 'staging');
  const orphan = join(directory.path, '.cosd', testBucket, 'uploads', '123');
  await mkdir(staging, { recursive: true });
  await mkdir(orphan, { recursive: true });
  await writeFile(join(staging, '1.data'), 'half');
  await writeFile(join(staging, '2.upload'), '{');
  await writeFile(join(staging, '3.data'), 'whole');
  await writeFile(join(staging, '3.json'), '{"half":');
  await writeFile(join(orphan, '1.5.abcdef.none.part'), '12345');
  await using cosd = await start(directory.path);
  assert.deepEqual(await readdir(staging), []);
  assert.equal(existsSync(orphan), false);
  assert.deepEqual(cosd.inspect.openUploads(testBucket), []);
});

test('a file edited by hand is served as it is now', async () => {
  await using directory = await temporaryDirectory();
  {
    await using cosd = await start(directory.path);
    await cosd.inspect.put(testBucket, 'k', 'long enough');
  }
  await truncate(join(directory.path, testBucket, 'k'), 4);
  await using cosd = await start(directory.path);
  const reply = await cosd.fetch({ method: 'GET', key: 'k' });
  assert.equal(reply.text, 'long');
  assert.equal(
    reply.headers['x-cos-hash-crc64ecma'],
    (await cosd.inspect.crc64(testBucket, 'k')).toString(),
  );
});

test('a damaged record stops the start and names the file', async () => {
  await using directory = await temporaryDirectory();
  {
    await using cosd = await start(directory.path);
    await cosd.inspect.put(testBucket, 'k', 'x');
  }
  const file = await recordFile(join(directory.path, '.cosd', testBucket, 'objects'));
  await writeFile(file, '{}');
  await assert.rejects(start(directory.path), (error: Error & { kind?: string }) => {
    return error.kind === 'damaged' && error.message.includes(file);
  });
  assert.equal(existsSync(join(directory.path, '.cosd', 'lock')), false);
});

test('a second process is kept off, a dead one is not waited for', async () => {
  await using directory = await temporaryDirectory();
  await using cosd = await start(directory.path);
  const lock = join(directory.path, '.cosd', 'lock');
  const own = await readFile(lock, 'utf8');
  const host = own.split(' ')[0] ?? '';
  // The parent of the test process lives as long as the test.
  await writeFile(lock, `${host} ${process.ppid}\n`);
  await assert.rejects(start(directory.path), { kind: 'in-use' });
  await writeFile(lock, `${host} 99999999\n`);
  await cosd.close();
  await using after = await start(directory.path);
  assert.ok(after.port > 0);
});

test('a client that goes in the middle, and a part of an aborted upload, leave no file behind', async () => {
  await using directory = await temporaryDirectory();
  await using cosd = await start(directory.path);
  const staging = join(directory.path, '.cosd', 'staging');
  const body = Buffer.alloc(4 * MiB);
  cosd.faults.set([{ act: { do: 'reset', at: 'upload', afterBytes: 3 * MiB } }]);
  await assert.rejects(cosd.fetch({ method: 'PUT', key: 'k', body }));
  await until('staging is empty', async () => (await readdir(staging)).length === 0);

  const begun = await cosd.fetch({ method: 'POST', key: 'k', query: { uploads: '' } });
  const uploadId = fieldOf(begun, 'UploadId') ?? '';
  const path = targetOf('k', { uploadId, partNumber: '1' });
  const part = signedRequest(cosd, 'PUT', path, { 'content-length': String(body.length) });
  part.write(body.subarray(0, 3 * MiB));
  await until('the part arrives', () => cosd.requests().UploadPart === 1);
  await cosd.fetch({ method: 'DELETE', key: 'k', query: { uploadId } });
  const answered = once(part, 'response');
  part.end(body.subarray(3 * MiB));
  const [reply] = (await answered) as [IncomingMessage];
  assert.equal(reply.resume().statusCode, 404);
  await until('staging is empty', async () => (await readdir(staging)).length === 0);
  assert.deepEqual(await readdir(join(directory.path, '.cosd', testBucket, 'uploads')), []);
});

/** For a body that is sent in pieces. */
function signedRequest(
  cosd: TestCosd,
  method: string,
  path: string,
  headers: Record<string, string>,
): ClientRequest {
  const signing = { secretId: cosd.secretId, secretKey: cosd.secretKey };
  const authorization = cosAuthorization(
    { method, key: 'k', headers: { host: testHost } },
    signing,
  );
  return request({
    port: cosd.port,
    method,
    path,
    headers: { host: testHost, ...headers, authorization },
    agent: false,
  });
}

test('readers of the old version finish with it while it is replaced', async () => {
  await using directory = await temporaryDirectory();
  const old = Buffer.alloc(2 * MiB, 'o');
  await using cosd = await start(directory.path);
  await cosd.inspect.put(testBucket, 'k', old);
  const reading = Promise.all(
    Array.from({ length: 8 }, () => cosd.fetch({ method: 'GET', key: 'k' })),
  );
  const writing = Array.from({ length: 8 }, (_, at) =>
    cosd.fetch({ method: 'PUT', key: 'k', body: Buffer.alloc(2 * MiB + at, 'n') }),
  );
  await Promise.all(writing);
  for (const reply of await reading) {
    const letter = reply.body.subarray(0, 1);
    assert.ok(reply.body.equals(Buffer.alloc(Number(reply.headers['content-length']), letter)));
  }
});

test('writers of one key leave one of their versions, whole', async () => {
  await using directory = await temporaryDirectory();
  {
    await using cosd = await start(directory.path);
    const bodies = Array.from({ length: 20 }, (_, at) => Buffer.alloc(1000 * (at + 1), at));
    await Promise.all(bodies.map((body) => cosd.fetch({ method: 'PUT', key: 'k', body })));
  }
  await using cosd = await start(directory.path);
  const record = cosd.inspect.find(testBucket, 'k');
  assert.equal(record?.crc64, await cosd.inspect.crc64(testBucket, 'k'));
});

test('deletes and puts in one folder do not lose the folder under each other', async () => {
  await using directory = await temporaryDirectory();
  await using cosd = await start(directory.path);
  await cosd.inspect.put(testBucket, 'f/0', 'x');
  for (let at = 1; at < 60; at++) {
    const [put] = await Promise.all([
      cosd.inspect.put(testBucket, `f/${at}`, 'x'),
      cosd.inspect.delete(testBucket, `f/${at - 1}`),
    ]);
    assert.equal(put.sizeBytes, 1);
  }
  assert.deepEqual(cosd.inspect.keys(testBucket), ['f/59']);
});
