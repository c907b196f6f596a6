/** Directories change their names object by object, and no file is ever unreadable. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '#test/support/condition.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import {
  startTestGateway,
  type TestGateway,
  type TestGatewayOptions,
} from '#test/support/gateway.ts';

const denied = { do: 'error', status: 403, code: 'AccessDenied' } as const;

async function withFiles(
  contents: Readonly<Record<string, string>>,
  options: TestGatewayOptions = {},
): Promise<TestGateway> {
  const ftp = await startTestGateway(options);
  for (const [key, content] of Object.entries(contents)) {
    await ftp.cosd.inspect.put(ftp.cosd.bucket, key, content);
  }
  return ftp;
}

const tree = {
  'a/': '',
  'a/one': '1',
  'a/sub/': '',
  'a/sub/two words': '2',
  'a/sub/deep/ünï': '3',
  'a-other': 'stays',
  'ab/file': 'stays',
};

function renamed(to: string): string[] {
  return Object.keys(tree)
    .map((key) => (key.startsWith('a/') ? `${to}/${key.slice(2)}` : key))
    .sort((first, second) => Buffer.compare(Buffer.from(first), Buffer.from(second)));
}

describe('RNFR and RNTO of a directory', () => {
  for (const target of ['b', 'deeper/and/deeper', 'aa', 'ab/inside']) {
    test(`move all of it to ${target}, and nothing else`, async () => {
      await using ftp = await withFiles(tree);
      await using client = await FtpClient.logIn(ftp.port);
      await client.expect(350, 'RNFR a');
      await client.expect(250, `RNTO ${target}`);
      assert.deepEqual(ftp.allKeys(), renamed(target));
      assert.equal(String(await ftp.bytes(`${target}/sub/deep/ünï`)), '3');
      await client.expect(550, 'CWD /a');
      await client.expect(250, `CWD /${target}/sub/deep`);
    });
  }

  test('keep type and storage class of the files', async () => {
    await using ftp = await startTestGateway();
    await ftp.cosd.fetch({
      method: 'PUT',
      key: 'a/page',
      body: '<p>',
      headers: {
        'content-type': 'text/html',
        'x-cos-storage-class': 'STANDARD_IA',
        'x-cos-meta-mtime': '12345',
      },
    });
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(350, 'RNFR a');
    await client.expect(250, 'RNTO b');
    const { headers } = await ftp.cosd.fetch({ method: 'HEAD', key: 'b/page' });
    assert.deepEqual(
      [headers['content-type'], headers['x-cos-storage-class'], headers['x-cos-meta-mtime']],
      ['text/html', 'STANDARD_IA', '12345'],
    );
  });

  test('with more objects than one list shows move every one', async () => {
    const many = Array.from({ length: 1_010 }, (_, index) => [`a/f${index}`, '1'] as const);
    await using ftp = await withFiles(Object.fromEntries(many));
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(350, 'RNFR a');
    client.send('RNTO b');
    const left = () => ftp.keys().filter((key) => key.startsWith('a/')).length;
    await until('all to be moved', () => left() === 0, 120_000);
    assert.equal((await client.reply()).code, 250);
    assert.equal(ftp.allKeys().length, many.length);
    assert.ok(ftp.allKeys().every((key) => key.startsWith('b/')));
  });

  for (const [words, lines] of [
    ['into itself', ['350 RNFR a', '553 RNTO a/b']],
    ['onto a directory that exists', ['350 RNFR a', '553 RNTO ab']],
    ['onto a file', ['350 RNFR a', '553 RNTO a-other']],
    ['of the root', ['550 RNFR /']],
    ['of nothing', ['550 RNFR none']],
    ['to a reserved name', ['350 RNFR a', '553 RNTO x/.cosftp']],
    ['to a name that makes a key too long', ['350 RNFR a', `553 RNTO ${'x'.repeat(840)}`]],
  ] as const) {
    test(`${words} are refused, and nothing moves`, async () => {
      await using ftp = await withFiles(tree);
      const before = ftp.allKeys();
      await using client = await FtpClient.logIn(ftp.port);
      for (const line of lines) await client.expect(Number(line.slice(0, 3)), line.slice(4));
      assert.deepEqual(ftp.keys(), before);
    });
  }

  test('onto itself do nothing', async () => {
    await using ftp = await withFiles(tree);
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(350, 'RNFR a');
    await client.expect(250, 'RNTO /a');
    assert.deepEqual(ftp.allKeys(), renamed('a'));
  });

  for (const operation of ['PutObjectCopy', 'DeleteObject'] as const) {
    test(`interrupted by a failing ${operation} lose nothing, and can be sent again`, async () => {
      await using ftp = await withFiles(tree);
      ftp.cosd.faults.set([{ operation, key: '*/sub/*', act: denied }]);
      await using client = await FtpClient.logIn(ftp.port);
      await client.expect(350, 'RNFR a');
      const refused = await client.command('RNTO b');
      assert.ok(refused.code === 550 || refused.code === 451, refused.text);
      assert.match(refused.text, /send RNFR and RNTO again to go on/);
      for (const [key, content] of Object.entries(tree)) {
        const places = [key, key.replace(/^a\//, 'b/')].filter((it) => ftp.keys().includes(it));
        assert.ok(places.length > 0, `${key} is somewhere`);
        for (const place of places) assert.equal(String(await ftp.bytes(place)), content);
      }
      await client.expect(350, 'RNFR a');
      await client.expect(250, 'RNTO b');
      assert.deepEqual(ftp.allKeys(), renamed('b'));
    });
  }

  /** @returns a gateway whose rename of `a` to `b` was interrupted, and which has another `b/sub/deep/ünï` since. */
  async function interrupted(options?: TestGatewayOptions): Promise<TestGateway> {
    const ftp = await withFiles(tree, options);
    ftp.cosd.faults.set([{ operation: 'PutObjectCopy', key: '*/deep/*', act: denied }]);
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(350, 'RNFR a');
    await client.expect(550, 'RNTO b');
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'b/sub/deep/ünï', 'precious');
    return ftp;
  }

  for (const [words, permissions, code, content] of [
    ['keep a file that came to the target meanwhile', ['list', 'read', 'write'], 553, 'precious'],
    [
      'replace it where the account may overwrite',
      ['list', 'read', 'write', 'overwrite'],
      250,
      '3',
    ],
  ] as const) {
    test(`gone on with ${words}`, async () => {
      await using ftp = await interrupted({ account: { permissions } });
      await using client = await FtpClient.logIn(ftp.port);
      await client.expect(350, 'RNFR a');
      const { code: answer, text } = await client.command('RNTO b');
      assert.equal(answer, code);
      if (code === 553) assert.match(text, /^553 sub\/deep\/ünï is there already/);
      assert.equal(String(await ftp.bytes('b/sub/deep/ünï')), content);
      assert.equal(ftp.keys().includes('a/sub/deep/ünï'), code === 553);
    });
  }

  test('keep a file that comes to the target while they run, for who may not overwrite', async () => {
    const many = Array.from({ length: 20 }, (_, index) => [`a/f${10 + index}`, 'moved'] as const);
    const permissions = ['list', 'read', 'write'] as const;
    await using ftp = await withFiles(Object.fromEntries(many), { account: { permissions } });
    const act = { do: 'delay', delayMs: 1_500 } as const;
    ftp.cosd.faults.set([{ operation: 'PutObjectCopy', times: 'always', act }]);
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(350, 'RNFR a');
    client.send('RNTO b');
    await until('the first to be copied', () => ftp.cosd.requests().PutObjectCopy >= 1);
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'b/f29', 'precious');
    assert.match((await client.reply()).text, /^553 f29 is there already/);
    assert.equal(String(await ftp.bytes('b/f29')), 'precious');
    assert.equal(String(await ftp.bytes('a/f29')), 'moved');
  });

  for (const [words, ageMs, code] of [
    ['within a day', 24 * 3_600_000 - 600_000, 250],
    ['not a day later, when nobody remembers it', 24 * 3_600_000, 553],
  ] as const) {
    test(`can be gone on with ${words}`, async () => {
      await using ftp = await interrupted();
      const [mark = ''] = ftp.allKeys().filter((key) => key.startsWith('.cosftp/renames/'));
      const modifiedAtMs = Date.now() - ageMs;
      await ftp.cosd.inspect.put(ftp.cosd.bucket, mark, 'mark', { modifiedAtMs });
      await using client = await FtpClient.logIn(ftp.port);
      await client.expect(350, 'RNFR a');
      await client.expect(code, 'RNTO b');
      assert.equal(String(await ftp.bytes('b/sub/deep/ünï')), code === 250 ? '3' : 'precious');
      assert.deepEqual(
        ftp.allKeys().filter((key) => key.includes('.cosftp')),
        [],
        'no mark is left',
      );
    });
  }

  for (const [words, operation, nth] of [
    ['the store cannot tell the time', 'HeadObject', 2],
    ['the old mark cannot be removed', 'DeleteObject', 1],
  ] as const) {
    test(`a day later stay refused when ${words} the first time`, async () => {
      await using ftp = await interrupted();
      const [mark = ''] = ftp.allKeys().filter((key) => key.startsWith('.cosftp/renames/'));
      const modifiedAtMs = Date.now() - 24 * 3_600_000;
      await ftp.cosd.inspect.put(ftp.cosd.bucket, mark, 'mark', { modifiedAtMs });
      ftp.cosd.faults.set([{ operation, key: '.cosftp/renames/*', nth, act: denied }]);
      await using client = await FtpClient.logIn(ftp.port);
      await client.expect(350, 'RNFR a');
      await client.expect(550, 'RNTO b');
      await client.expect(350, 'RNFR a');
      await client.expect(553, 'RNTO b');
      assert.equal(String(await ftp.bytes('b/sub/deep/ünï')), 'precious');
    });
  }

  test('stop between two files when the client leaves, and go on when it comes back', async () => {
    const many = Array.from({ length: 60 }, (_, index) => [`a/f${index}`, String(index)] as const);
    await using ftp = await withFiles(Object.fromEntries(many));
    ftp.cosd.faults.set([
      { operation: 'PutObjectCopy', times: 'always', act: { do: 'delay', delayMs: 20 } },
    ]);
    const leaving = await FtpClient.logIn(ftp.port);
    await leaving.expect(350, 'RNFR a');
    leaving.send('RNTO b');
    await until('some files moved', () => ftp.keys().some((key) => key.startsWith('b/')));
    leaving.socket.destroy();
    await until('the session to end', () => ftp.gateway.sessionCount === 0);
    const names = new Set(
      ftp
        .keys()
        .filter((key) => !key.includes('.cosftp'))
        .map((key) => key.slice(2)),
    );
    assert.equal(names.size, 60, 'every file is readable under one name');
    assert.ok(
      ftp.keys().some((key) => key.startsWith('a/')),
      'not all were moved',
    );
    ftp.cosd.faults.clear();
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(350, 'RNFR a');
    await client.expect(250, 'RNTO b');
    assert.deepEqual(ftp.allKeys(), many.map(([key]) => `b/${key.slice(2)}`).sort());
  });
});

describe('a directory', () => {
  test('that files made stays when its last file is deleted, renamed or removed', async () => {
    await using ftp = await withFiles({
      'x/only': '1',
      'y/only': '1',
      'z/sub/': '',
      'two/a': '',
      'two/b': '',
    });
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(250, 'DELE x/only');
    await client.expect(350, 'RNFR y/only');
    await client.expect(250, 'RNTO top');
    await client.expect(250, 'RMD z/sub');
    await client.expect(250, 'DELE two/a');
    assert.deepEqual(ftp.keys(), ['top', 'two/b', 'x/', 'y/', 'z/']);
    for (const name of ['x', 'y', 'z']) await client.expect(250, `RMD ${name}`);
    assert.deepEqual(ftp.keys(), ['top', 'two/b']);
  });

  for (const operation of ['PutObject', 'GetBucket'] as const) {
    test(`goes with its last file where the key lacks ${operation}, and the file goes`, async () => {
      await using ftp = await withFiles({ 'x/only': '1', 'y/only': '2' });
      await using client = await FtpClient.logIn(ftp.port);
      const markers = operation === 'PutObject' ? { key: '*/' } : {};
      ftp.cosd.faults.set([{ operation, ...markers, times: 'always', act: denied }]);
      await client.expect(250, 'DELE x/only');
      assert.deepEqual(ftp.keys(), ['y/only']);
      const told = ftp.lines.filter(({ msg }) => msg.startsWith('directory marker not permitted'));
      assert.deepEqual(
        told.map(({ level, ['path']: path }) => [level, path]),
        [['warn', '/x']],
      );
    });
  }

  test('that is not empty is not removed', async () => {
    await using ftp = await withFiles(tree);
    await using client = await FtpClient.logIn(ftp.port);
    assert.match((await client.command('RMD a')).text, /^550 .*not empty/);
    assert.match((await client.command('RMD ab')).text, /^550 .*not empty/);
    assert.equal(ftp.keys().length, 7);
  });
});
