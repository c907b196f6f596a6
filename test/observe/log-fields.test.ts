import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KindError } from '#gateway/kit/errors.ts';
import { errorFields } from '#gateway/observe/error-fields.ts';
import { logFields } from '#gateway/observe/log-fields.ts';

class SampleError extends KindError<'missing'> {
  readonly code = 'NoSuchKey';
  readonly requestId = 'NWY4';
}

test('secret values are replaced at any depth, whatever the spelling of the name', () => {
  const names = [
    'password',
    'PASSWORD',
    'password_hash',
    'ftp_login_user_password',
    'secretkey',
    'secretKey',
    'secret_key',
    'cos_secretkey',
    'Authorization',
    'token',
    'sessionToken',
    'x-cos-security-token',
    'signature',
  ];
  for (const name of names) {
    const fields = logFields({ account: { deep: [{ [name]: 'hush' }] } }, 'unexpected');
    assert.ok(!JSON.stringify(fields).includes('hush'), `${name} was written`);
  }
});

test('names that only look related are kept', () => {
  const fields = { key: 'incoming/a.txt', secretId: 'AKID1', tokens: 3, user: 'alice' };
  assert.deepEqual(logFields(fields, 'unexpected'), fields);
});

test('the signature inside a signed URL is taken out', () => {
  const url = 'https://b.cos/x?q-ak=AKID&q-signature=0123abcd&x-cos-security-token=tok';
  const text = String(logFields({ url }, 'unexpected')['url']);
  assert.equal(
    text,
    'https://b.cos/x?q-ak=AKID&q-signature=[redacted]&x-cos-security-token=[redacted]',
  );
});

test('an error inside an error message keeps its secrets out too', () => {
  const err = Object.assign(new Error('refused'), { code: 'X', cause: { password: 'hush' } });
  assert.ok(!JSON.stringify(logFields({ err }, 'always')).includes('hush'));
});

test('values JSON does not know become text', () => {
  const fields = logFields(
    {
      crc64: 18446744073709551615n,
      at: new Date(0),
      bytes: new Uint8Array(5),
      map: new Map([['a', 1]]),
      set: new Set(['b']),
      nothing: undefined,
      none: null,
      call: () => 1,
    },
    'unexpected',
  );
  assert.deepEqual(fields, {
    crc64: '18446744073709551615',
    at: '1970-01-01T00:00:00.000Z',
    bytes: '[5 bytes]',
    map: { a: 1 },
    set: ['b'],
    none: null,
    call: '[function]',
  });
});

test('circular, deep, long and broken values cost a bounded line and no exception', () => {
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  const broken = {
    get field(): string {
      throw new Error('getter failed');
    },
  };
  const fields = { circle, text: 'x'.repeat(100_000), list: Array(1000).fill(1) };
  assert.ok(JSON.stringify(logFields(fields, 'unexpected')).length < 12_000);
  assert.deepEqual(logFields({ broken }, 'unexpected'), { unloggable: 'getter failed' });
});

test("a field cannot replace the line's own words", () => {
  const fields = logFields({ level: 'x', time: 'y', msg: 'z' }, 'unexpected');
  assert.deepEqual(fields, { level_: 'x', time_: 'y', msg_: 'z' });
});

test('an expected error is its kind, code, request id and causes, without stacks', () => {
  const cause = Object.assign(new Error('reset'), { code: 'ECONNRESET', syscall: 'read' });
  const err = new SampleError('missing', 'no such object', { cause, hint: 'Look at the bucket.' });
  assert.deepEqual(errorFields(err, 'unexpected'), {
    type: 'SampleError',
    message: 'no such object',
    kind: 'missing',
    code: 'NoSuchKey',
    requestId: 'NWY4',
    hint: 'Look at the bucket.',
    cause: { type: 'Error', message: 'reset', code: 'ECONNRESET', syscall: 'read' },
  });
});

test('a defect brings its stack, an expected error only when everything is asked for', () => {
  assert.ok('stack' in errorFields(new TypeError('x is undefined'), 'unexpected'));
  assert.ok('stack' in errorFields(new Error('who knows'), 'unexpected'));
  assert.ok('stack' in errorFields(new SampleError('missing', 'gone'), 'always'));
  assert.ok(!('stack' in errorFields(new SampleError('missing', 'gone'), 'unexpected')));
});

test('things that are not errors are described as well', () => {
  assert.deepEqual(errorFields('text', 'unexpected'), { message: 'text' });
  assert.deepEqual(errorFields(undefined, 'unexpected'), { message: 'undefined' });
  const plain = { code: 'ENOTFOUND', message: 'no host', extra: {} };
  assert.deepEqual(errorFields(plain, 'unexpected'), { code: 'ENOTFOUND', message: 'no host' });
});

test('a chain of causes that bites its tail ends', () => {
  const error: Error & { cause?: unknown } = new SampleError('missing', 'gone');
  error.cause = error;
  const chain = JSON.stringify(errorFields(error, 'unexpected'));
  assert.equal(chain.split('"gone"').length - 1, 6);
});
