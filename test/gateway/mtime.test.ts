/** Times that clients give their files: MFMT, MDTM with a time and SITE UTIME, with `store_mtime`. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MiB } from '#gateway/kit/bytes.ts';
import { until } from '#test/support/condition.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { loadWords, startTestGateway, type TestGateway } from '#test/support/gateway.ts';
import { seededRandom } from '#test/support/random.ts';

const words = { store_mtime: true };
const storedAtMs = Date.UTC(2026, 1, 3, 4, 5, 6);

async function withFile(options: Parameters<typeof startTestGateway>[0] = { words }) {
  const ftp = await startTestGateway(options);
  const attributes = {
    contentType: 'image/png',
    storageClass: 'STANDARD_IA',
    headers: { 'x-cos-meta-origin': 'scanner', 'cache-control': 'no-cache' },
  };
  const facts = { attributes, modifiedAtMs: storedAtMs };
  await ftp.cosd.inspect.put(ftp.cosd.bucket, 'dir/file', 'content', facts);
  ftp.cosd.forgetRequests();
  return ftp;
}

const found = (ftp: TestGateway, key = 'dir/file') =>
  ftp.cosd.inspect.find(ftp.cosd.bucket, key) ?? assert.fail(`no ${key}`);
const mtimeIn = (ftp: TestGateway, key?: string) =>
  found(ftp, key).attributes.headers['x-cos-meta-mtime'];
const made = (ftp: TestGateway) =>
  Object.fromEntries(Object.entries(ftp.cosd.requests()).filter(([, count]) => count > 0));

describe('with store_mtime', () => {
  for (const [line, code] of [
    ['MFMT 20231114221320 dir/file', 213],
    ['MDTM 20231114221320 dir/file', 213],
    ['SITE UTIME dir/file 20200101000000 20231114221320 20200101000000 UTC', 200],
    ['SITE UTIME 20231114221320 dir/file', 200],
  ] as const) {
    test(`${line} stores the time, and nothing else of the file changes`, async () => {
      await using ftp = await withFile();
      await using client = await FtpClient.logIn(ftp.port);
      const { text } = await client.expect(code, line);
      assert.equal(text, `${code} Modify=20231114221320; /dir/file`);
      assert.deepEqual(made(ftp), { HeadObject: 1, PutObjectCopy: 1 });
      assert.deepEqual(found(ftp).attributes, {
        contentType: 'image/png',
        storageClass: 'STANDARD_IA',
        headers: {
          'x-cos-meta-origin': 'scanner',
          'cache-control': 'no-cache',
          'x-cos-meta-mtime': '1700000000',
        },
      });
      assert.equal((await ftp.bytes('dir/file')).toString(), 'content');
      assert.equal((await client.command(line)).code, code, 'the same time again');
      assert.deepEqual(made(ftp), { HeadObject: 2, PutObjectCopy: 1 });
    });
  }

  test('it is told for single files, and lists tell when COS stored them', async () => {
    await using ftp = await withFile();
    await using client = await FtpClient.logIn(ftp.port);
    assert.match((await client.expect(211, 'FEAT')).text, /\n MFMT\n/);
    assert.equal((await client.command('MDTM dir/file')).text, '213 20260203040506', 'COS’s own');
    await client.expect(213, 'MFMT 20231114221320.7 dir/file');
    assert.equal(mtimeIn(ftp), '1700000000.700');
    assert.equal((await client.command('MDTM dir/file')).text, '213 20231114221320');
    assert.match((await client.expect(250, 'MLST dir/file')).text, /modify=20231114221320;/);
    assert.match((await client.expect(213, 'STAT dir/file')).text, /Nov 14 +2023 file/);
    assert.match(String((await client.read('LIST dir/file')).bytes), /Nov 14 +2023 file/);
    const facts = String((await client.read('MLSD dir')).bytes);
    assert.doesNotMatch(facts, /20231114/);
    assert.match(facts, /modify=20\d{12};/);
  });

  test('it goes with the file when it is renamed, and not when its content changes', async () => {
    await using ftp = await withFile();
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(213, 'MFMT 20231114221320 dir/file');
    await client.expect(350, 'RNFR dir/file');
    await client.expect(250, 'RNTO dir/other');
    assert.equal(mtimeIn(ftp, 'dir/other'), '1700000000');
    assert.equal((await client.append('dir/other', Buffer.from('more'))).code, 226);
    assert.equal(mtimeIn(ftp, 'dir/other'), undefined);
    await client.expect(213, 'MFMT 20231114221320 dir/other');
    assert.equal((await client.store('dir/other', Buffer.from('new'))).code, 226);
    assert.equal(mtimeIn(ftp, 'dir/other'), undefined);
  });

  test('an upload, its time and the comparison of its bytes go together, in parts as well', async () => {
    await using ftp = await withFile();
    await using client = await FtpClient.logIn(ftp.port);
    const bytes = Buffer.from(seededRandom(5).bytes(3 * MiB + 5));
    assert.equal((await client.store('big', bytes)).code, 226);
    const verified = 'cosftp_integrity_checks_total{stage="object",result="verified"}';
    const before = await ftp.metric(verified);
    await client.expect(213, 'MFMT 20231114221320 big');
    assert.ok((await ftp.bytes('big')).equals(bytes));
    assert.equal(await ftp.metric(verified), before + 1);
    const { bytes: read, reply } = await client.read('RETR big');
    assert.ok(read.equals(bytes) && reply.code === 226);
  });

  test('what is no file, no time or not permitted changes nothing', async () => {
    await using ftp = await withFile();
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(550, 'MFMT 20231114221320 none');
    await client.expect(550, 'MFMT 20231114221320 dir');
    await client.expect(550, 'MFMT 20231114221320 /');
    await client.expect(550, 'MDTM 20231114221320 none');
    await client.expect(553, 'MFMT 20231114221320 .cosftp/x');
    for (const argument of ['dir/file', '20231399000000 dir/file', '20231114221320'])
      await client.expect(501, `MFMT ${argument}`);
    await client.expect(501, 'SITE UTIME dir/file');
    await client.expect(550, 'MDTM 20231399000000 dir/file');
    assert.equal(mtimeIn(ftp), undefined);
    assert.equal(made(ftp)['PutObjectCopy'], undefined);
  });

  for (const permissions of [
    ['list', 'read', 'write'],
    ['list', 'read', 'overwrite', 'delete'],
  ]) {
    test(`an account with ${permissions.join(', ')} alone may not`, async () => {
      await using ftp = await withFile({ words, account: { permissions } });
      await using client = await FtpClient.logIn(ftp.port);
      for (const line of ['MFMT 20231114221320 dir/file', 'MDTM 20231114221320 dir/file'])
        assert.match((await client.expect(550, line)).text, /Permission denied/);
      await client.expect(550, 'SITE UTIME 20231114221320 dir/file');
      assert.equal(mtimeIn(ftp), undefined);
    });
  }

  test('a file that somebody replaces meanwhile keeps what it has then', async () => {
    await using ftp = await withFile();
    await using client = await FtpClient.logIn(ftp.port);
    ftp.cosd.faults.set([
      { operation: 'PutObjectCopy', act: { do: 'delay', delayMs: 500 }, times: 1 },
    ]);
    client.send('MFMT 20231114221320 dir/file');
    await until('the copy', () => (made(ftp)['PutObjectCopy'] ?? 0) > 0);
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'dir/file', 'newer');
    assert.equal((await client.reply()).code, 451);
    assert.equal((await ftp.bytes('dir/file')).toString(), 'newer');
  });
});

describe('without store_mtime', () => {
  test('every way to set a time is 502, and stored ones are not told', async () => {
    await using ftp = await withFile({});
    const attributes = { headers: { 'x-cos-meta-mtime': '1700000000' } };
    const facts = { attributes, modifiedAtMs: storedAtMs };
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'timed', 'x', facts);
    await using client = await FtpClient.logIn(ftp.port);
    assert.doesNotMatch((await client.expect(211, 'FEAT')).text, /MFMT/);
    await client.expect(502, 'MFMT 20231114221320 dir/file');
    await client.expect(502, 'MDTM 20231114221320 dir/file');
    await client.expect(
      502,
      'SITE UTIME dir/file 20200101000000 20231114221320 20200101000000 UTC',
    );
    assert.equal((await client.command('MDTM timed')).text, '213 20260203040506');
    assert.equal(made(ftp)['PutObjectCopy'], undefined);
  });

  test('a file whose name looks like a time and a path has its own', async () => {
    await using ftp = await withFile({});
    const facts = { modifiedAtMs: storedAtMs };
    await ftp.cosd.inspect.put(ftp.cosd.bucket, '20231114221320 a', 'x', facts);
    await using client = await FtpClient.logIn(ftp.port);
    assert.equal((await client.command('MDTM 20231114221320 a')).text, '213 20260203040506');
  });

  test('a reload switches it on and off in sessions that are there', async () => {
    await using ftp = await withFile({});
    await using client = await FtpClient.logIn(ftp.port);
    const reload = (changes: Record<string, unknown>) =>
      ftp.gateway.reload(() => loadWords({ ...ftp.words, ...changes }).config, 'file');
    reload({ store_mtime: true });
    await client.expect(213, 'MFMT 20231114221320 dir/file');
    reload({ store_mtime: false });
    await client.expect(502, 'MFMT 20231114221320 dir/file');
  });
});
