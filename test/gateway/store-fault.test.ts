/** COS misbehaves: no 226 without the exact object, the old object intact, the session usable, no hang. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FaultAct, FaultRule } from '#gateway/cosd/fault-script.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway } from '#test/support/gateway.ts';
import { seededRandom } from '#test/support/random.ts';

const MiB = 1024 * 1024;
const old = Buffer.from('the old object');
const small = Buffer.from(seededRandom(3).bytes(300_000));
const large = Buffer.from(seededRandom(4).bytes(6 * MiB + 1));

interface Case {
  readonly name: string;
  readonly rules: readonly FaultRule[];
  readonly bytes: Buffer;
  /** What must come: the exact object with 226, or a failure with the old object. */
  readonly outcome: 'stored' | 'failed';
}

const always = 'always' as const;
const on = (operation: FaultRule['operation'], act: FaultAct, times: FaultRule['times'] = 1) =>
  ({ ...(operation && { operation }), act, times }) satisfies FaultRule;
const internalError = { do: 'error', status: 500, code: 'InternalError' } as const;

const cases: readonly Case[] = [
  {
    name: 'Complete answers 500 once',
    rules: [on('CompleteMultipartUpload', internalError)],
    bytes: large,
    outcome: 'stored',
  },
  {
    name: 'Complete answers 200 with an Error once',
    rules: [on('CompleteMultipartUpload', { do: 'error-in-200', code: 'InternalError' })],
    bytes: large,
    outcome: 'stored',
  },
  {
    name: 'Complete is refused for good',
    rules: [
      on('CompleteMultipartUpload', { do: 'error', status: 403, code: 'AccessDenied' }, always),
    ],
    bytes: large,
    outcome: 'failed',
  },
  {
    name: 'the reply to Complete is lost after it was done',
    rules: [on('CompleteMultipartUpload', { do: 'reset', at: 'reply' })],
    bytes: large,
    outcome: 'stored',
  },
  {
    name: 'Complete says 200 with an Error but did the work',
    rules: [
      on('CompleteMultipartUpload', { do: 'error-in-200', code: 'InternalError', work: 'done' }),
    ],
    bytes: large,
    outcome: 'stored',
  },
  {
    name: 'the reply to a PUT is lost after it was done',
    rules: [on('PutObject', { do: 'reset', at: 'reply' })],
    bytes: small,
    outcome: 'stored',
  },
  {
    name: 'a part gets a wrong CRC once',
    rules: [on('UploadPart', { do: 'wrong-crc' })],
    bytes: large,
    outcome: 'stored',
  },
  {
    name: 'every part gets a wrong CRC',
    rules: [on('UploadPart', { do: 'wrong-crc' }, always)],
    bytes: large,
    outcome: 'failed',
  },
  {
    name: 'a bit flips on the way into a part once',
    rules: [on('UploadPart', { do: 'flip-in', atByte: 1000 })],
    bytes: large,
    outcome: 'stored',
  },
  {
    name: 'a part gets a wrong ETag',
    rules: [on('UploadPart', { do: 'wrong-etag' })],
    bytes: large,
    outcome: 'failed',
  },
  {
    name: 'a bit flips on the way in of a single PUT once',
    rules: [on('PutObject', { do: 'flip-in', atByte: 5 })],
    bytes: small,
    outcome: 'stored',
  },
  {
    name: 'a bit flips on the way in of every PUT',
    rules: [on('PutObject', { do: 'flip-in', atByte: 5 }, always)],
    bytes: small,
    outcome: 'failed',
  },
  {
    name: 'a part is reset in the middle',
    rules: [on('UploadPart', { do: 'reset', at: 'upload', afterBytes: 100_000 })],
    bytes: large,
    outcome: 'stored',
  },
  {
    name: 'every part is reset',
    rules: [on('UploadPart', { do: 'reset', at: 'upload', afterBytes: 100_000 }, always)],
    bytes: large,
    outcome: 'failed',
  },
  {
    name: 'beginning the multipart upload fails',
    rules: [on('InitiateMultipartUpload', internalError, always)],
    bytes: large,
    outcome: 'failed',
  },
  {
    name: 'PUT answers 500 for good',
    rules: [on('PutObject', internalError, always)],
    bytes: small,
    outcome: 'failed',
  },
  {
    name: 'PUT is denied',
    rules: [on('PutObject', { do: 'error', status: 403, code: 'AccessDenied' }, always)],
    bytes: small,
    outcome: 'failed',
  },
];

for (const policy of ['discard', 'complete'] as const) {
  describe(`policy ${policy}`, () => {
    for (const item of cases) {
      test(`${item.name}: ${item.outcome}`, () => runUpload(item, policy));
    }
  });
}

async function runUpload(item: Case, policy: 'discard' | 'complete'): Promise<void> {
  await using ftp = await startTestGateway({ account: { incomplete_uploads: policy } });
  await ftp.cosd.inspect.put(ftp.cosd.bucket, 'file', old);
  await using client = await FtpClient.logIn(ftp.port);
  ftp.cosd.faults.set(item.rules);
  const reply = await client.store('file', item.bytes);
  ftp.cosd.faults.set([]);
  const stored = await ftp.bytes('file');
  if (item.outcome === 'stored') {
    assert.equal(reply.code, 226, reply.text);
    assert.ok(stored.equals(item.bytes), 'the object is what was sent');
  } else {
    assert.ok(reply.code >= 450 && reply.code < 600, reply.text);
    assert.deepEqual(stored, old);
  }
  assert.equal(ftp.openUploads(), 0, 'no multipart upload is left');
  assert.equal((await client.store('other', Buffer.from('x'))).code, 226, 'the session goes on');
}

describe('a store that hangs', () => {
  const storeTimeouts = { callMs: 400, idleMs: 400, patientMs: 400 };
  const points = [
    { operation: 'UploadPart', at: 'upload', bytes: large },
    { operation: 'UploadPart', at: 'reply', bytes: large },
    { operation: 'InitiateMultipartUpload', at: 'request', bytes: large },
    { operation: 'CompleteMultipartUpload', at: 'reply', bytes: large },
    { operation: 'PutObject', at: 'upload', bytes: small },
    { operation: 'PutObject', at: 'reply', bytes: small },
  ] as const;
  for (const { operation, at, bytes } of points) {
    test(`once, at ${operation} (${at}): the upload is tried again and stored`, async () => {
      await using ftp = await startTestGateway({ storeTimeouts });
      await using client = await FtpClient.logIn(ftp.port);
      ftp.cosd.faults.set([on(operation, { do: 'hang', at, limitMs: 5000 })]);
      const reply = await client.store('file', bytes);
      assert.equal(reply.code, 226, reply.text);
      assert.ok((await ftp.bytes('file')).equals(bytes));
    });
  }

  test('for good, at UploadPart: a failure in time, the old object stays', async () => {
    await using ftp = await startTestGateway({ storeTimeouts });
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'file', old);
    await using client = await FtpClient.logIn(ftp.port);
    ftp.cosd.faults.set([on('UploadPart', { do: 'hang', at: 'reply', limitMs: 3000 }, always)]);
    const reply = await client.store('file', large);
    assert.equal(reply.code, 451, reply.text);
    assert.deepEqual(await ftp.bytes('file'), old);
    ftp.cosd.faults.clear();
    assert.equal((await client.store('other', Buffer.from('x'))).code, 226);
  });

  test('in the middle of a GET: the file is continued and whole', async () => {
    await using ftp = await startTestGateway({ storeTimeouts });
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'file', large);
    await using client = await FtpClient.logIn(ftp.port);
    ftp.cosd.faults.set([
      on('GetObject', { do: 'hang', at: 'download', afterBytes: 300_000, limitMs: 5000 }),
    ]);
    const { bytes, reply } = await client.read('RETR file');
    assert.equal(reply.code, 226, reply.text);
    assert.ok(bytes.equals(large));
  });
});

describe('downloads', () => {
  test('a GET cut in the middle is continued and the file is whole', async () => {
    await using ftp = await startTestGateway();
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'file', large);
    await using client = await FtpClient.logIn(ftp.port);
    ftp.cosd.faults.set([on('GetObject', { do: 'reset', at: 'download', afterBytes: 400_000 }, 2)]);
    const { bytes, reply } = await client.read('RETR file');
    assert.equal(reply.code, 226, reply.text);
    assert.ok(bytes.equals(large));
  });

  test('a bit flipped on the way out is no 226', async () => {
    await using ftp = await startTestGateway();
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'file', large);
    await using client = await FtpClient.logIn(ftp.port);
    ftp.cosd.faults.set([on('GetObject', { do: 'flip-out', atByte: 9 }, always)]);
    const { reply } = await client.read('RETR file');
    assert.equal(reply.code, 451, reply.text);
    ftp.cosd.faults.set([]);
    assert.equal((await client.read('RETR file')).reply.code, 226);
  });

  test('a GET that fails for good is 451 before any data', async () => {
    await using ftp = await startTestGateway();
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'file', small);
    await using client = await FtpClient.logIn(ftp.port);
    ftp.cosd.faults.set([on('GetObject', internalError, always)]);
    const { reply } = await client.read('RETR file');
    assert.equal(reply.code, 451, reply.text);
    assert.match(reply.text, /InternalError, request /);
  });
});

describe('deletions', () => {
  for (const [line, key] of [
    ['DELE file', 'file'],
    ['RMD dir', 'dir/'],
  ] as const) {
    test(`${line} whose every reply is lost is settled by asking for the object`, async () => {
      await using ftp = await startTestGateway();
      await ftp.cosd.inspect.put(ftp.cosd.bucket, key, '');
      await using client = await FtpClient.logIn(ftp.port);
      ftp.cosd.faults.set([on('DeleteObject', { do: 'reset', at: 'reply' }, always)]);
      await client.expect(250, line);
      assert.deepEqual(ftp.cosd.inspect.keys(ftp.cosd.bucket), []);
    });
  }

  test('that are never done are failures, and the file is there', async () => {
    await using ftp = await startTestGateway();
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'file', small);
    await using client = await FtpClient.logIn(ftp.port);
    ftp.cosd.faults.set([on('DeleteObject', { do: 'reset', at: 'request' }, always)]);
    await client.expect(451, 'DELE file');
    assert.deepEqual(ftp.cosd.inspect.keys(ftp.cosd.bucket), ['file']);
  });
});
