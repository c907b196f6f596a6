/** Who may ask: signatures from an independent signer, and every way one can be wrong. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import test from 'node:test';
import { cosEncode, cosSignature } from '#test/support/cos-signer.ts';
import {
  fieldOf,
  startTestCosd,
  type TestReply,
  type TestRequest,
  targetOf,
  testHost,
  testSecretId,
  testSecretKey,
} from '#test/support/cosd.ts';
import { fakeClock } from '#test/support/fake-clock.ts';

function refusal(reply: TestReply): readonly [number, string | undefined, string | undefined] {
  return [reply.status, fieldOf(reply, 'Code'), fieldOf(reply, 'Message')];
}

const list: TestRequest = { method: 'GET', query: { prefix: 'ä b', delimiter: '/' } };

test('a signature over parameters, headers and an encoded key is right', async () => {
  await using cosd = await startTestCosd();
  assert.equal((await cosd.fetch(list)).status, 200);
  const headers = { 'x-cos-meta-note': "it's (fine)*!", 'content-type': 'text/plain; x="y z"' };
  const key = "d/ü !'()*~+&=?#%25.txt";
  assert.equal((await cosd.fetch({ method: 'PUT', key, body: 'x', headers })).status, 200);
  assert.equal((await cosd.fetch({ method: 'GET', key })).text, 'x');
});

test('each signed thing that changes afterwards breaks the signature', async () => {
  await using cosd = await startTestCosd();
  const signed = {
    method: 'GET',
    key: 'k',
    query: { a: '1' },
    headers: { host: testHost, range: 'bytes=0-1' },
  };
  const key = { secretId: testSecretId, secretKey: testSecretKey };
  const authorization = cosSignature(signed, key)
    .map((field) => field.join('='))
    .join('&');
  const send = (changes: Partial<TestRequest>) =>
    cosd.fetch({
      ...signed,
      sign: 'none',
      ...changes,
      headers: { ...signed.headers, ...changes.headers, authorization },
    });
  assert.equal((await send({})).status, 404);
  const changed: readonly Partial<TestRequest>[] = [
    { method: 'HEAD' },
    { key: 'k2' },
    { query: { a: '2' } },
    { query: {} },
    { headers: { range: 'bytes=0-2' } },
    {
      host: testHost.replace('inbox', 'other'),
      headers: { host: testHost.replace('inbox', 'other') },
    },
  ];
  for (const change of changed) {
    const reply = await send(change);
    assert.equal(reply.status, 403, JSON.stringify(change));
    if (change.method !== 'HEAD') assert.equal(refusal(reply)[1], 'SignatureDoesNotMatch');
  }
  // What the lists do not name may be there: COS signs no more than they say.
  assert.equal(
    (await send({ query: { a: '1', b: '2' }, headers: { 'x-extra': '1' } })).status,
    404,
  );
});

test('a signature in the query is as good as one in the header', async () => {
  await using cosd = await startTestCosd();
  await cosd.inspect.put(cosd.bucket, 'k ü', 'signed address');
  const signing = { secretId: testSecretId, secretKey: testSecretKey };
  const asked = {
    method: 'GET',
    key: 'k ü',
    query: { 'response-x': 'y' },
    headers: { host: testHost },
  };
  const fields = cosSignature(asked, signing).map(([name, value]) => `${name}=${cosEncode(value)}`);
  const path = `${targetOf(asked.key, asked.query)}&${fields.join('&')}`;
  const read = (target: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const options = { port: cosd.port, path: target, headers: asked.headers, agent: false };
      const outgoing = request(options, (reply) => {
        reply.resume();
        resolve(reply.statusCode);
      });
      outgoing.on('error', reject).end();
    });
  assert.equal(await read(path), 200);
  assert.equal(await read(path.replace('response-x=y', 'response-x=z')), 403);
});

test('nothing signed, an unknown key and a wrong key are told apart', async () => {
  await using cosd = await startTestCosd();
  assert.deepEqual(refusal(await cosd.fetch({ ...list, sign: 'none' })).slice(0, 2), [
    403,
    'AccessDenied',
  ]);
  const unknown = await cosd.fetch({ ...list, sign: { secretId: 'AKIDunknown' } });
  assert.deepEqual(refusal(unknown).slice(0, 2), [403, 'InvalidAccessKeyId']);
  const wrong = await cosd.fetch({ ...list, sign: { secretKey: 'wrong' } });
  assert.deepEqual(refusal(wrong).slice(0, 2), [403, 'SignatureDoesNotMatch']);
  assert.ok(!wrong.text.includes(testSecretKey));
  for (const authorization of [
    'Basic abc',
    'q-ak=x',
    'q-sign-algorithm=md5&q-ak=x&q-signature=y',
  ]) {
    const reply = await cosd.fetch({ ...list, sign: 'none', headers: { authorization } });
    assert.equal(refusal(reply)[1], 'AccessDenied', authorization);
  }
});

test('a clock 15 minutes ahead is taken, one second more is not; the reply has the right time', async () => {
  const clock = fakeClock();
  await using cosd = await startTestCosd({ clock });
  const now = clock.now() / 1000;
  const ask = (fromSeconds: number) =>
    cosd.fetch({ ...list, sign: { fromSeconds, untilSeconds: fromSeconds + 10_000 } });
  for (const ahead of [899, 900]) assert.equal((await ask(now + ahead)).status, 200);
  const reply = await ask(now + 901);
  assert.deepEqual(refusal(reply).slice(0, 2), [403, 'RequestTimeTooSkewed']);
  assert.ok(Number.isFinite(Date.parse(reply.headers['date'] ?? '')));
});

test('a signature holds up to its last second', async () => {
  const clock = fakeClock();
  await using cosd = await startTestCosd({ clock });
  const now = clock.now() / 1000;
  const ask = (untilSeconds: number, headers = {}) =>
    cosd.fetch({ ...list, headers, sign: { fromSeconds: now - 4000, untilSeconds } });
  for (const until of [now + 1, now]) assert.equal((await ask(until)).status, 200);
  assert.deepEqual(refusal(await ask(now - 1)), [403, 'AccessDenied', 'Request has expired']);
  // A request that carries its own, wrong date has a clock problem.
  const dated = { date: new Date(clock.now() - 901_000).toUTCString() };
  assert.equal(refusal(await ask(now - 1, dated))[1], 'RequestTimeTooSkewed');
});

test('a temporary key needs its token and ends with it', async () => {
  const clock = fakeClock();
  const secret = { secretKey: 'temporary', token: 'the-token', expiresAtMs: clock.now() + 60_000 };
  await using cosd = await startTestCosd({ clock, keys: new Map([['AKIDtmp', secret]]) });
  const ask = async (headers: Record<string, string>) => {
    const fromSeconds = Math.floor(clock.now() / 1000);
    const sign = { secretId: 'AKIDtmp', secretKey: 'temporary', fromSeconds };
    return refusal(await cosd.fetch({ ...list, headers, sign }));
  };
  const token = { 'x-cos-security-token': 'the-token' };
  assert.equal((await ask(token))[0], 200);
  assert.equal((await ask({}))[1], 'InvalidAccessKeyId');
  assert.equal((await ask({ 'x-cos-security-token': 'another' }))[1], 'InvalidAccessKeyId');
  await clock.advance(59_999);
  assert.equal((await ask(token))[0], 200);
  await clock.advance(1);
  assert.deepEqual((await ask(token)).slice(0, 2), [400, 'ExpiredToken']);
});

test('keys can be looked up by a function', async () => {
  const keys = (id: string) => (id === testSecretId ? testSecretKey : undefined);
  await using cosd = await startTestCosd({ keys });
  assert.equal((await cosd.fetch(list)).status, 200);
  assert.equal((await cosd.fetch({ ...list, sign: { secretId: 'x' } })).status, 403);
});
