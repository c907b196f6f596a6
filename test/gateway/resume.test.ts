/** Uploads that continue what is there: REST before STOR, and APPE. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { resetSocket } from '#gateway/kit/reset-socket.ts';
import { until } from '#test/support/condition.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway, type TestGateway } from '#test/support/gateway.ts';
import { seededRandom } from '#test/support/random.ts';

const MiB = 1024 * 1024;
const random = seededRandom(77);
const old = Buffer.from(random.bytes(3 * MiB + 7));
const more = Buffer.from(random.bytes(2 * MiB + 1));

async function withFile(bytes: Uint8Array, account: Record<string, unknown> = {}) {
  const ftp = await startTestGateway({ account });
  await ftp.cosd.inspect.put(ftp.cosd.bucket, 'file', bytes);
  ftp.cosd.forgetRequests();
  return ftp;
}

async function assertStored(ftp: TestGateway, expected: Buffer): Promise<void> {
  assert.ok((await ftp.bytes('file')).equals(expected), 'the object is what it should be');
  assert.equal(ftp.openUploads(), 0);
}

describe('REST n, STOR', () => {
  for (const [words, offset] of [
    ['0: the file is replaced', 0],
    ['1: one byte is read, the rest replaced', 1],
    ['1 MiB − 1: the longest head that is read', MiB - 1],
    ['1 MiB: the shortest part that is copied', MiB],
    ['1 MiB + 1', MiB + 1],
    ['the end: all of it is copied', old.length],
  ] as const) {
    test(`from ${words}`, async () => {
      await using ftp = await withFile(old);
      await using client = await FtpClient.logIn(ftp.port);
      await client.expect(350, `REST ${offset}`);
      assert.equal((await client.store('file', more)).code, 226);
      await assertStored(ftp, Buffer.concat([old.subarray(0, offset), more]));
      const { GetObject, UploadPartCopy } = ftp.cosd.requests();
      assert.deepEqual(
        [GetObject, UploadPartCopy],
        offset === 0 ? [0, 0] : offset < MiB ? [1, 0] : [0, 1],
      );
    });
  }

  test('beyond the end is 554, and the file stays; so is any offset when there is no file', async () => {
    await using ftp = await withFile(old);
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(350, `REST ${old.length + 1}`);
    assert.match((await client.store('file', more)).text, /^554 .* beyond the end, 3145735/);
    await client.expect(350, 'REST 1');
    assert.match((await client.store('none', more)).text, /^554 .* no such file/);
    await assertStored(ftp, old);
    assert.deepEqual(ftp.keys(), ['file']);
  });

  for (const [words, offset, calls] of [
    ['the end changes nothing', old.length, { HeadObject: 1 }],
    ['the end of a short file changes nothing', 5, { HeadObject: 1, GetObject: 1 }],
    ['2 MiB shortens the file', 2 * MiB, undefined],
    ['2 bytes shortens it as well', 2, undefined],
  ] as const) {
    test(`no data from ${words}`, async () => {
      const bytes = offset === 5 ? old.subarray(0, 5) : old;
      await using ftp = await withFile(bytes);
      await using client = await FtpClient.logIn(ftp.port);
      await client.expect(350, `REST ${offset}`);
      assert.equal((await client.store('file', Buffer.alloc(0))).code, 226);
      const made = Object.fromEntries(
        Object.entries(ftp.cosd.requests()).filter(([, count]) => count > 0),
      );
      if (calls) assert.deepEqual(made, calls);
      await assertStored(ftp, Buffer.from(bytes.subarray(0, offset)));
    });
  }

  test('needs the permission overwrite', async () => {
    await using ftp = await withFile(old, { permissions: ['write', 'read', 'list'] });
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(350, 'REST 1');
    assert.equal((await client.store('file', more)).code, 550);
    assert.equal((await client.command('APPE file')).code, 550);
    await assertStored(ftp, old);
  });

  test('the limit holds for the whole file, to the byte', async () => {
    await using ftp = await withFile(old, { single_file_max_size: String(old.length + 10) });
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(350, `REST ${old.length}`);
    const tooLong = await client.store('file', more.subarray(0, 11));
    assert.match(tooLong.text, /^552 IOError: /);
    await assertStored(ftp, old);
    await client.expect(200, 'ALLO 11');
    await client.expect(350, `REST ${old.length}`);
    assert.match((await client.command('STOR file')).text, /^552 IOError: /);
    await client.expect(350, `REST ${old.length}`);
    assert.equal((await client.store('file', more.subarray(0, 10))).code, 226);
    await assertStored(ftp, Buffer.concat([old, more.subarray(0, 10)]));
  });

  for (const offset of [10, MiB]) {
    test(`a file replaced while it is continued from ${offset} is told, and is not mixed`, async () => {
      await using ftp = await withFile(old);
      ftp.cosd.faults.set([
        {
          operation: offset < MiB ? 'GetObject' : 'UploadPartCopy',
          act: { do: 'error', status: 412, code: 'PreconditionFailed' },
        },
      ]);
      await using client = await FtpClient.logIn(ftp.port);
      await client.expect(350, `REST ${offset}`);
      assert.match((await client.store('file', more)).text, /^451 The file was replaced meanwhile/);
      await assertStored(ftp, old);
    });
  }

  for (const policy of ['discard', 'complete'] as const) {
    test(`a reset under policy ${policy} leaves a prefix of what was meant, or the old file`, async () => {
      await using ftp = await withFile(old, { incomplete_uploads: policy });
      await using client = await FtpClient.logIn(ftp.port);
      await client.expect(350, `REST ${MiB}`);
      const data = await client.beginStore('file');
      data.write(more);
      await until('all bytes arrived', () => ftp.gateway.transfers[0]?.bytes === more.length);
      resetSocket(data);
      await once(data, 'close');
      assert.equal((await client.reply()).code, 426);
      await assertStored(
        ftp,
        policy === 'discard' ? old : Buffer.concat([old.subarray(0, MiB), more]),
      );
    });
  }
});

describe('APPE', () => {
  for (const [words, bytes] of [
    ['an empty file', Buffer.alloc(0)],
    ['a short one', old.subarray(0, 1)],
    ['one of 1 MiB − 1', old.subarray(0, MiB - 1)],
    ['one of 1 MiB', old.subarray(0, MiB)],
    ['a longer one', old],
  ] as const) {
    for (const added of [0, 1, more.length]) {
      test(`adds ${added} bytes to ${words}`, async () => {
        await using ftp = await withFile(bytes);
        await using client = await FtpClient.logIn(ftp.port);
        assert.equal((await client.append('file', more.subarray(0, added))).code, 226);
        await assertStored(ftp, Buffer.concat([bytes, more.subarray(0, added)]));
      });
    }
  }

  test('makes a file that is missing', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.logIn(ftp.port);
    assert.equal((await client.append('file', more)).code, 226);
    await assertStored(ftp, more);
  });

  test('many times over gives all the bytes in order, and each says how many are new', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.logIn(ftp.port);
    for (let index = 0; index < 12; index++) {
      const piece = more.subarray(index * 100_000, (index + 1) * 100_000);
      const { text } = await client.append('file', piece);
      const expected =
        index === 0
          ? '100000 bytes stored'
          : `${(index + 1) * 100_000} bytes stored, 100000 of them now`;
      assert.equal(text, `226 ${expected}`);
    }
    await assertStored(ftp, more.subarray(0, 1_200_000));
  });

  test('keeps the content type of the file', async () => {
    await using ftp = await startTestGateway();
    const headers = { 'content-type': 'text/csv' };
    await ftp.cosd.fetch({ method: 'PUT', key: 'file', body: 'a,b\n', headers });
    await using client = await FtpClient.logIn(ftp.port);
    assert.equal((await client.append('file', Buffer.from('c,d\n'))).code, 226);
    const head = await ftp.cosd.fetch({ method: 'GET', key: 'file' });
    assert.deepEqual([head.headers['content-type'], head.text], ['text/csv', 'a,b\nc,d\n']);
  });

  test('after REST is refused: only one of them can say where', async () => {
    await using ftp = await withFile(old);
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(350, 'REST 5');
    await client.expect(503, 'APPE file');
    await assertStored(ftp, old);
  });
});
