/** PUT Object: what is stored, what is checked, what is refused. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { connect } from 'node:net';
import test from 'node:test';
import { crc64 } from '#gateway/kit/crc64.ts';
import { until } from '#test/support/condition.ts';
import { cosAuthorization } from '#test/support/cos-signer.ts';
import {
  fieldOf,
  startTestCosd,
  type TestReply,
  testBucket,
  testHost,
  testSecretId,
  testSecretKey,
} from '#test/support/cosd.ts';

function md5(body: string): string {
  return hash('md5', body, 'base64');
}

function errorCode(reply: TestReply): string | undefined {
  return fieldOf(reply, 'Code');
}

test('the reply carries MD5 as quoted ETag, CRC-64 and a request id', async () => {
  await using cosd = await startTestCosd();
  const reply = await cosd.fetch({ method: 'PUT', key: 'k', body: '123456789' });
  assert.equal(reply.status, 200);
  assert.equal(reply.headers['etag'], '"25f9e794323b453885f5181f1b624d0b"');
  assert.equal(reply.headers['x-cos-hash-crc64ecma'], '11051210869376104954');
  assert.match(reply.headers['x-cos-request-id'] ?? '', /^[\w+/=]{20,}$/);
  assert.equal(reply.headers['content-length'], '0');
});

test('an empty body is an object', async () => {
  await using cosd = await startTestCosd();
  const reply = await cosd.fetch({ method: 'PUT', key: 'k', body: '' });
  assert.equal(reply.headers['x-cos-hash-crc64ecma'], '0');
  assert.equal(cosd.inspect.find(testBucket, 'k')?.sizeBytes, 0);
});

test('a body that is not what Content-MD5 says replaces nothing', async () => {
  await using cosd = await startTestCosd();
  const put = (body: string, contentMd5: string) =>
    cosd.fetch({ method: 'PUT', key: 'k', body, headers: { 'content-md5': contentMd5 } });
  assert.equal((await put('good', md5('good'))).status, 200);
  const refused = await put('evil', md5('good'));
  assert.deepEqual([refused.status, errorCode(refused)], [400, 'BadDigest']);
  assert.equal((await cosd.inspect.bytes(testBucket, 'k')).toString(), 'good');
  for (const broken of ['no base64', 'AAAA', `${md5('x')}AAAA`]) {
    assert.equal(errorCode(await put('x', broken)), 'InvalidDigest');
  }
});

test('chunked bodies are taken without a length, and no length at all is refused', async () => {
  await using cosd = await startTestCosd();
  const headers = { 'transfer-encoding': 'chunked' };
  const reply = await cosd.fetch({ method: 'PUT', key: 'k', body: 'chunked', headers });
  assert.equal(reply.status, 200);
  assert.equal((await cosd.inspect.bytes(testBucket, 'k')).toString(), 'chunked');

  const answer = await speak(cosd.port, 'PUT', 'k', '');
  assert.match(answer, /^HTTP\/1\.1 411 [\s\S]*<Code>MissingContentLength</);
});

test('what comes behind Content-Length is no part of the object', async () => {
  await using cosd = await startTestCosd();
  await speak(cosd.port, 'PUT', 'k', 'Content-Length: 3\r\n', 'abcdef');
  assert.equal((await cosd.inspect.bytes(testBucket, 'k')).toString(), 'abc');
});

test('a body shorter than its Content-Length is never stored, however the client leaves', async () => {
  await using cosd = await startTestCosd();
  await cosd.inspect.put(testBucket, 'k', 'old');
  for (const leave of ['end', 'reset'] as const) {
    const socket = connect(cosd.port, '127.0.0.1');
    socket.on('error', () => undefined).resume();
    socket.write(head('PUT', 'k', 'Content-Length: 100\r\n'));
    const before = cosd.requests().PutObject;
    await until('the request is there', () => cosd.requests().PutObject > before);
    socket.write('short');
    if (leave === 'end') socket.end();
    else socket.resetAndDestroy();
    await until('the connection is over', () => socket.closed);
  }
  assert.equal((await cosd.fetch({ method: 'GET', key: 'k' })).text, 'old');
  assert.deepEqual(
    cosd.journal().map(({ status }) => status),
    [undefined, undefined, 200],
  );
});

test('5 GiB are accepted and one byte more is not, before any of it is sent', async () => {
  await using cosd = await startTestCosd();
  const limitBytes = 5 * 1024 ** 3;
  const refused = await speak(cosd.port, 'PUT', 'k', `Content-Length: ${limitBytes + 1}\r\n`);
  assert.match(refused, /^HTTP\/1\.1 400 [\s\S]*<Code>EntityTooLarge</);
  const socket = connect(cosd.port, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk));
  const fits = `Content-Length: ${limitBytes}\r\nExpect: 100-continue\r\n`;
  socket.write(head('PUT', 'k', fits));
  await until('the server asks for the body', () => answer.includes('100 Continue'));
  socket.destroy();
});

test('keys of 849 and 850 bytes are taken, 851 are too long, counted in UTF-8', async () => {
  await using cosd = await startTestCosd();
  const put = (key: string) => cosd.fetch({ method: 'PUT', key, body: 'x' });
  for (const key of ['k'.repeat(849), 'k'.repeat(850), `${'漢'.repeat(283)}k`]) {
    assert.equal((await put(key)).status, 200);
  }
  for (const key of ['k'.repeat(851), `${'漢'.repeat(283)}kk`]) {
    assert.deepEqual(errorCode(await put(key)), 'KeyTooLong');
  }
});

test('names COS forbids are refused', async () => {
  await using cosd = await startTestCosd();
  for (const key of ['/a', '\\a', 'a\u0018', 'a\u001bb', 'line\n\rfeed']) {
    const reply = await cosd.fetch({ method: 'PUT', key, body: 'x' });
    assert.equal(errorCode(reply), 'InvalidObjectName', JSON.stringify(key));
  }
  for (const key of ['a//b', 'a/', 'a b', '..', 'a\u0017', 'a\r\n', '%', "!'()*+,;=:@&$~"]) {
    const reply = await cosd.fetch({ method: 'PUT', key, body: 'x' });
    assert.equal(reply.status, 200, JSON.stringify(key));
    assert.ok(cosd.inspect.find(testBucket, key));
  }
});

test('a target that is no UTF-8 is an invalid address', async () => {
  await using cosd = await startTestCosd();
  for (const path of ['/%ff', '/%zz', '/a?b=%c3']) {
    const answer = await exchange(cosd.port, `GET ${path} HTTP/1.1\r\nHost: ${testHost}\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 400 [\s\S]*<Code>InvalidURI</);
  }
});

test('type, class and metadata are kept; without a type the extension tells, or nothing', async () => {
  await using cosd = await startTestCosd();
  const put = (key: string, headers: Record<string, string> = {}) =>
    cosd.fetch({ method: 'PUT', key, body: 'x', headers });
  await put('a.JPG');
  await put('b.unknown');
  await put('c.txt', {
    'content-type': 'text/x-own',
    'content-disposition': 'attachment',
    'cache-control': '',
    'x-cos-meta-a-1': 'value',
  });
  const headersOf = async (key: string) => (await cosd.fetch({ method: 'HEAD', key })).headers;
  assert.equal((await headersOf('a.JPG'))['content-type'], 'image/jpeg');
  assert.equal((await headersOf('b.unknown'))['content-type'], 'application/octet-stream');
  const own = await headersOf('c.txt');
  assert.equal(own['content-type'], 'text/x-own');
  assert.equal(own['content-disposition'], 'attachment');
  assert.equal(own['cache-control'], undefined);
  assert.equal(own['x-cos-meta-a-1'], 'value');
  assert.equal(own['x-cos-storage-class'], undefined);
});

test('metadata: 2 KB an entry and 4 KB in all, and only names of a-z, 0-9 and hyphens', async () => {
  await using cosd = await startTestCosd();
  const put = (headers: Record<string, string>) =>
    cosd.fetch({ method: 'PUT', key: 'k', body: 'x', headers });
  const entry = (name: string, bytes: number) => ({
    [`x-cos-meta-${name}`]: 'v'.repeat(bytes - name.length),
  });
  for (const bytes of [2047, 2048]) assert.equal((await put(entry('a', bytes))).status, 200);
  assert.equal(errorCode(await put(entry('a', 2049))), 'MetadataTooLarge');
  const three = (last: number) => ({
    ...entry('a', 2000),
    ...entry('b', 2000),
    ...entry('c', last),
  });
  for (const last of [95, 96]) assert.equal((await put(three(last))).status, 200);
  assert.equal(errorCode(await put(three(97))), 'MetadataTooLarge');
  assert.equal(errorCode(await put({ 'x-cos-meta-a_b': 'x' })), 'InvalidArgument');
});

test('forbidding to overwrite keeps the old object, also between two at once', async () => {
  await using cosd = await startTestCosd();
  const put = (key: string, body: string) =>
    cosd.fetch({ method: 'PUT', key, body, headers: { 'x-cos-forbid-overwrite': 'true' } });
  assert.equal((await put('k', 'first')).status, 200);
  const second = await put('k', 'second');
  assert.deepEqual([second.status, errorCode(second)], [409, 'FileAlreadyExists']);
  const both = await Promise.all([put('race', 'a'), put('race', 'b')]);
  assert.deepEqual(
    both.map(({ status }) => status).toSorted((a, b) => a - b),
    [200, 409],
  );
});

test('large bodies arrive unchanged', async () => {
  await using cosd = await startTestCosd();
  const body = Buffer.alloc(20 * 1024 * 1024 + 13, 'large');
  const reply = await cosd.fetch({ method: 'PUT', key: 'k', body });
  assert.equal(reply.headers['x-cos-hash-crc64ecma'], crc64(body).toString());
  assert.equal(await cosd.inspect.crc64(testBucket, 'k'), crc64(body));
});

/** A signed request head, as bytes on the wire. */
function head(method: string, key: string, moreHeaders: string): string {
  const headers = { host: testHost };
  const signingKey = { secretId: testSecretId, secretKey: testSecretKey };
  const authorization = cosAuthorization({ method, key, headers }, signingKey);
  const lines = [
    `${method} /${key} HTTP/1.1`,
    `Host: ${testHost}`,
    `Authorization: ${authorization}`,
  ];
  return `${lines.join('\r\n')}\r\n${moreHeaders}\r\n`;
}

function speak(
  port: number,
  method: string,
  key: string,
  headers: string,
  body = '',
): Promise<string> {
  return exchange(port, head(method, key, headers) + body);
}

/** The first reply, whatever becomes of the connection. */
async function exchange(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => (answer += chunk));
  socket.write(bytes);
  await until(
    'a whole reply',
    () => /\r\n\r\n/.test(answer) && !/Content-Length: [1-9].*\r\n\r\n$/s.test(answer),
  );
  socket.destroy();
  return answer;
}
