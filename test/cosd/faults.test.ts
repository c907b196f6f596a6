/** Scripted failures: each does what it says, to the requests it names, and to nothing else. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { request } from 'node:http';
import test from 'node:test';
import type { FaultAct, FaultRule } from '#gateway/cosd/fault-script.ts';
import { Faults, matchesPattern } from '#gateway/cosd/faults.ts';
import { crc64 } from '#gateway/kit/crc64.ts';
import { until } from '#test/support/condition.ts';
import { cosAuthorization } from '#test/support/cos-signer.ts';
import {
  fieldOf,
  startTestCosd,
  type TestCosd,
  type TestReply,
  testBucket,
  testHost,
} from '#test/support/cosd.ts';
import { fakeClock } from '#test/support/fake-clock.ts';

const MiB = 1024 * 1024;

function startWith(act: FaultAct, rule: Omit<FaultRule, 'act'> = {}): Promise<TestCosd> {
  return startTestCosd({ faults: [{ ...rule, act }] });
}

function put(cosd: TestCosd, body: string | Uint8Array = 'body', headers = {}): Promise<TestReply> {
  return cosd.fetch({ method: 'PUT', key: 'k', body, headers });
}

async function stored(cosd: TestCosd): Promise<string | undefined> {
  if (!cosd.inspect.find(testBucket, 'k')) return undefined;
  return (await cosd.inspect.bytes(testBucket, 'k')).toString();
}

test('a rule is for its operation and key, from the nth on, so many times', () => {
  const act: FaultAct = { do: 'wrong-crc' };
  const faults = new Faults([{ operation: 'PutObject', key: 'a*', nth: 2, times: 2, act }]);
  const fires = (key: string) => faults.decide('PutObject', key)['wrong-crc'] !== undefined;
  assert.deepEqual(['a', 'b', 'a1', 'a2', 'a3'].map(fires), [false, false, true, true, false]);
  assert.equal(faults.decide('GetObject', 'a')['wrong-crc'], undefined);
  assert.deepEqual(faults.report(), [{ rule: faults.report()[0]?.rule, matched: 4, applied: 2 }]);
  faults.set([{ times: 'always', nth: 2, act }]);
  assert.deepEqual(['x', 'y', 'z'].map(fires), [false, true, true]);
  faults.clear();
  assert.equal(fires('x'), false);
});

test('rules of different kinds meet on one request; of one kind the earlier counts', () => {
  const faults = new Faults([
    { act: { do: 'delay', delayMs: 1 } },
    { act: { do: 'omit-crc' } },
    { act: { do: 'delay', delayMs: 2 } },
  ]);
  const acts = faults.decide('PutObject', 'k');
  assert.deepEqual(acts, { delay: { do: 'delay', delayMs: 1 }, 'omit-crc': { do: 'omit-crc' } });
});

test('stars match any characters, everything else itself', () => {
  const yes = [
    ['*', ''],
    ['*', 'a/b'],
    ['a*', 'a'],
    ['*b', 'ab'],
    ['a*c*e', 'abcde'],
    ['a.b', 'a.b'],
    ['**', 'x'],
    ['a*a', 'aa'],
  ];
  const no = [
    ['a', 'ab'],
    ['a*c', 'ab'],
    ['*b', 'bc'],
    ['a.b', 'axb'],
    ['a*a', 'a'],
    ['', 'a'],
  ];
  for (const [pattern = '', text = ''] of yes) assert.ok(matchesPattern(pattern, text), pattern);
  for (const [pattern = '', text = ''] of no) assert.ok(!matchesPattern(pattern, text), pattern);
  const slow = `${'*a'.repeat(1000)}b`;
  assert.equal(matchesPattern(slow, 'a'.repeat(100_000)), false);
});

test('error: any status and code, before the body or after it, and nothing is stored', async () => {
  for (const when of ['before-body', 'after-body'] as const) {
    await using cosd = await startWith({ do: 'error', status: 503, code: 'SlowDown', when });
    const refused = await put(cosd);
    assert.deepEqual([refused.status, fieldOf(refused, 'Code')], [503, 'SlowDown']);
    assert.ok(refused.headers['x-cos-trace-id']);
    assert.equal(await stored(cosd), undefined);
    assert.equal((await put(cosd)).status, 200);
  }
});

test('delay: nothing happens until the time is over', async () => {
  const clock = fakeClock(Date.now());
  const faults: readonly FaultRule[] = [{ act: { do: 'delay', delayMs: 5000 } }];
  await using cosd = await startTestCosd({ clock, faults });
  const reply = put(cosd);
  await until('the request waits', () => clock.pendingTimers === 1);
  await clock.advance(4999);
  assert.equal(await stored(cosd), undefined);
  await clock.advance(1);
  assert.equal((await reply).status, 200);
});

test('reset: at the request and inside the body nothing is stored, at the reply everything is', async () => {
  const cases: readonly (readonly [FaultAct, string | undefined])[] = [
    [{ do: 'reset', at: 'request' }, undefined],
    [{ do: 'reset', at: 'upload', afterBytes: 2 }, undefined],
    [{ do: 'reset', at: 'reply' }, 'body'],
  ];
  for (const [act, expected] of cases) {
    await using cosd = await startWith(act);
    await assert.rejects(put(cosd), { code: /ECONNRESET|EPIPE/ });
    assert.equal(await stored(cosd), expected, JSON.stringify(act));
    assert.equal((await put(cosd)).status, 200);
  }
});

test('reset inside a large body: the client is cut off while it still sends', async () => {
  await using cosd = await startWith({ do: 'reset', at: 'upload', afterBytes: MiB });
  await assert.rejects(put(cosd, Buffer.alloc(16 * MiB)), { code: /ECONNRESET|EPIPE/ });
  assert.equal(await stored(cosd), undefined);
});

test('a lost reply of Complete: the object is there, the upload is not', async () => {
  await using cosd = await startWith(
    { do: 'reset', at: 'reply' },
    { operation: 'CompleteMultipartUpload' },
  );
  await assert.rejects(upload(cosd), { code: 'ECONNRESET' });
  assert.equal(await stored(cosd), 'part');
  assert.deepEqual(cosd.inspect.openUploads(testBucket), []);
});

test('hang: silence at each point until the limit, then a reset', async () => {
  for (const at of ['request', 'upload', 'reply', 'download'] as const) {
    const clock = fakeClock(Date.now());
    const act: FaultAct = { do: 'hang', at, afterBytes: 1, limitMs: 60_000 };
    await using cosd = await startTestCosd({ clock, faults: [{ act }] });
    await cosd.inspect.put(testBucket, 'k', 'body');
    const asked =
      at === 'download' ? cosd.fetch({ method: 'GET', key: 'k' }) : put(cosd, 'new body');
    const over = assert.rejects(asked, { code: /ECONNRESET|EPIPE/ });
    await until(`silence at ${at}`, () => clock.pendingTimers === 1);
    await clock.advance(60_000);
    await over;
    assert.equal(await stored(cosd), at === 'reply' ? 'new body' : 'body');
  }
});

test('a hanging connection ends with the server', async () => {
  const cosd = await startWith({ do: 'hang', at: 'upload' });
  const over = assert.rejects(put(cosd), { code: /ECONNRESET|EPIPE/ });
  await until('the request is there', () => cosd.requests().PutObject === 1);
  await cosd.close();
  await over;
});

test('flip-in: the store sees another byte, so Content-MD5 refuses it and CRC-64 tells', async () => {
  await using cosd = await startTestCosd({
    faults: [{ times: 2, act: { do: 'flip-in', atByte: 3 } }],
  });
  const headers = { 'content-md5': hash('md5', 'body', 'base64') };
  assert.equal(fieldOf(await put(cosd, 'body', headers), 'Code'), 'BadDigest');
  const reply = await put(cosd, 'body');
  assert.equal(await stored(cosd), 'bodx');
  assert.equal(reply.headers['x-cos-hash-crc64ecma'], crc64(Buffer.from('bodx')).toString());
});

test('flip-in and flip-out reach bytes far inside', async () => {
  const atByte = 3 * MiB + 5;
  await using cosd = await startTestCosd({
    faults: [
      { operation: 'PutObject', act: { do: 'flip-in', atByte } },
      { operation: 'GetObject', act: { do: 'flip-out', atByte } },
    ],
  });
  const body = Buffer.alloc(4 * MiB);
  await put(cosd, body);
  const kept = await cosd.inspect.bytes(testBucket, 'k');
  assert.deepEqual([kept[atByte], kept.indexOf(1)], [1, atByte]);
  // The other flip turns it back on its way out, and leaves the store alone.
  assert.ok((await cosd.fetch({ method: 'GET', key: 'k' })).body.equals(body));
  assert.equal((await cosd.inspect.bytes(testBucket, 'k'))[atByte], 1);
});

test('wrong and missing checksums in replies, right ones in the store', async () => {
  const right = crc64(Buffer.from('body')).toString();
  const crcOf = async (act: FaultAct) => {
    await using cosd = await startWith(act);
    const reply = await put(cosd);
    assert.equal(cosd.inspect.find(testBucket, 'k')?.crc64?.toString(), right);
    return reply.headers['x-cos-hash-crc64ecma'];
  };
  assert.equal(await crcOf({ do: 'delay', delayMs: 0 }), right);
  const wrong = await crcOf({ do: 'wrong-crc' });
  assert.ok(wrong !== undefined && wrong !== right);
  assert.equal(await crcOf({ do: 'omit-crc' }), undefined);
  await using cosd = await startWith({ do: 'wrong-etag' });
  assert.equal((await put(cosd)).headers['etag'], `"${'0'.repeat(32)}"`);
});

test('a wrong ETag and CRC-64 also stand in the documents of Complete and copy', async () => {
  const faults: readonly FaultRule[] = [
    { operation: 'CompleteMultipartUpload', act: { do: 'wrong-etag' } },
    { operation: 'PutObjectCopy', act: { do: 'wrong-crc' } },
  ];
  await using cosd = await startTestCosd({ faults });
  assert.equal(fieldOf(await upload(cosd), 'ETag'), `"${'0'.repeat(32)}"`);
  const headers = { 'x-cos-copy-source': `${testHost}/k` };
  const copied = await cosd.fetch({ method: 'PUT', key: 'copy', headers });
  assert.equal(fieldOf(copied, 'CRC64'), copied.headers['x-cos-hash-crc64ecma']);
  assert.notEqual(fieldOf(copied, 'CRC64'), crc64(Buffer.from('part')).toString());
});

test('a GET that is cut has sent exactly the bytes before the cut', async () => {
  const body = Buffer.alloc(300_000, 'abc');
  for (const afterBytes of [0, 1, 65_536, 299_999]) {
    await using cosd = await startWith({ do: 'cut', afterBytes });
    await cosd.inspect.put(testBucket, 'k', body);
    assert.equal(await bytesUntilCut(cosd), afterBytes);
    assert.equal((await cosd.fetch({ method: 'GET', key: 'k' })).body.length, 300_000);
  }
});

test('a GET that is reset has sent no more than the bytes before, and never all', async () => {
  const afterBytes = 200_000;
  await using cosd = await startWith({ do: 'reset', at: 'download', afterBytes });
  await cosd.inspect.put(testBucket, 'k', Buffer.alloc(300_000));
  assert.ok((await bytesUntilCut(cosd)) <= afterBytes);
});

test('200 with an Error: not done by default, done when asked', async () => {
  for (const work of ['skipped', 'done'] as const) {
    const act: FaultAct = { do: 'error-in-200', code: 'InternalError', work };
    await using cosd = await startWith(act, { operation: 'CompleteMultipartUpload' });
    const reply = await upload(cosd);
    assert.deepEqual([reply.status, fieldOf(reply, 'Code')], [200, 'InternalError']);
    assert.match(reply.text, /^<Error>/);
    assert.equal(await stored(cosd), work === 'done' ? 'part' : undefined);
    assert.equal(cosd.inspect.openUploads(testBucket).length, work === 'done' ? 0 : 1);
  }
});

test('200 with an Error on a copy', async () => {
  await using cosd = await startWith(
    { do: 'error-in-200', code: 'SlowDown' },
    { operation: 'PutObjectCopy' },
  );
  await cosd.inspect.put(testBucket, 'k', 'x');
  const headers = { 'x-cos-copy-source': `${testHost}/k` };
  const reply = await cosd.fetch({ method: 'PUT', key: 'copy', headers });
  assert.deepEqual([reply.status, fieldOf(reply, 'Code')], [200, 'SlowDown']);
  assert.equal(cosd.inspect.find(testBucket, 'copy'), undefined);
});

test('drip: 200 at once, white space every second, then the result or the Error', async () => {
  const drip: FaultRule = {
    operation: 'CompleteMultipartUpload',
    times: 2,
    act: { do: 'drip', dripMs: 5000 },
  };
  const failure: FaultRule = {
    operation: 'CompleteMultipartUpload',
    nth: 2,
    act: { do: 'error-in-200', code: 'InternalError' },
  };
  const clock = fakeClock(Date.now());
  await using cosd = await startTestCosd({ clock, faults: [drip, failure] });
  for (const result of ['CompleteMultipartUploadResult', 'Error']) {
    const asked = upload(cosd);
    await until('the reply drips', () => clock.pendingTimers > 0);
    for (let second = 0; second < 7; second++) await clock.advance(1000);
    const reply = await asked;
    assert.equal(reply.status, 200);
    assert.equal(reply.headers['transfer-encoding'], 'chunked');
    assert.match(reply.text, new RegExp(`^ {5,}<${result}>`));
  }
});

test('a client that goes while Complete drips finds the object there', async () => {
  const clock = fakeClock(Date.now());
  const drip: FaultAct = { do: 'drip', dripMs: 5000 };
  await using cosd = await startTestCosd({
    clock,
    faults: [
      { operation: 'CompleteMultipartUpload', act: drip },
      { operation: 'CompleteMultipartUpload', act: { do: 'hang', at: 'reply', limitMs: 1000 } },
    ],
  });
  const over = assert.rejects(upload(cosd), { code: 'ECONNRESET' });
  await until('the reply drips', () => clock.pendingTimers > 0);
  for (let second = 0; second < 8; second++) await clock.advance(1000);
  await over;
  assert.equal(await stored(cosd), 'part');
});

test('a dripping reply ends with the server', async () => {
  const clock = fakeClock(Date.now());
  const act: FaultAct = { do: 'drip', dripMs: 60_000 };
  const cosd = await startTestCosd({
    clock,
    faults: [{ operation: 'CompleteMultipartUpload', act }],
  });
  const over = assert.rejects(upload(cosd), { code: 'ECONNRESET' });
  await until('the reply drips', () => clock.pendingTimers > 0);
  await cosd.close();
  await over;
});

test('answer: word for word, also what is no XML', async () => {
  await using cosd = await startWith({
    do: 'answer',
    status: 502,
    body: '<html>Bad Gateway',
    contentType: 'text/html',
  });
  const reply = await put(cosd);
  assert.deepEqual([reply.status, reply.text], [502, '<html>Bad Gateway']);
  assert.equal(reply.headers['content-type'], 'text/html');
  assert.equal(await stored(cosd), undefined);
});

test('an early error reply is read by a client that is still sending', async () => {
  await using cosd = await startWith({ do: 'error', status: 403, code: 'AccessDenied' });
  const reply = await put(cosd, Buffer.alloc(32 * MiB));
  assert.equal(fieldOf(reply, 'Code'), 'AccessDenied');
});

/** One part of four bytes, then Complete. */
async function upload(cosd: TestCosd): Promise<TestReply> {
  const begun = await cosd.fetch({ method: 'POST', key: 'k', query: { uploads: '' } });
  const uploadId = fieldOf(begun, 'UploadId') ?? '';
  const query = { uploadId, partNumber: '1' };
  const part = await cosd.fetch({ method: 'PUT', key: 'k', query, body: 'part' });
  const listed = `<Part><PartNumber>1</PartNumber><ETag>${part.headers['etag']}</ETag></Part>`;
  const body = `<CompleteMultipartUpload>${listed}</CompleteMultipartUpload>`;
  return cosd.fetch({ method: 'POST', key: 'k', query: { uploadId }, body });
}

/** How much of the object arrived before the connection broke. */
async function bytesUntilCut(cosd: TestCosd): Promise<number> {
  const headers: Record<string, string> = { host: testHost };
  const key = { secretId: cosd.secretId, secretKey: cosd.secretKey };
  headers['authorization'] = cosAuthorization(
    { method: 'GET', key: 'k', headers: { host: testHost } },
    key,
  );
  return new Promise((resolve) => {
    let receivedBytes = 0;
    const asked = request({ port: cosd.port, path: '/k', headers, agent: false }, (reply) => {
      reply.on('data', (chunk: Buffer) => (receivedBytes += chunk.length));
      reply.on('close', () => resolve(receivedBytes));
      reply.on('error', () => undefined);
    });
    asked.on('error', () => resolve(receivedBytes));
    asked.end();
  });
}
