/** What clients send beside the transfer of files: answers that must not be mistaken for errors. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { uniqueName } from '#gateway/ftp-srv/commands/unique.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway } from '#test/support/gateway.ts';
import { startTlsGateway } from '#test/support/tls-gateway.ts';

test('HOST takes any name before USER and none after it', async () => {
  await using ftp = await startTestGateway();
  await using client = await FtpClient.connect(ftp.port);
  for (const name of ['ftp.example.com', 'FTP.example.com.', '203.0.113.7', '[2001:db8::1]']) {
    await client.expect(220, `HOST ${name}`);
  }
  for (const name of ['', 'a b', 'a/b', '2001:db8::1', '-x', 'x'.repeat(256)]) {
    await client.expect(501, `HOST ${name}`);
  }
  await client.expect(331, 'USER alice');
  await client.expect(503, 'HOST ftp.example.com');
  await client.expect(230, 'PASS secret');
  await client.expect(503, 'HOST ftp.example.com');
  await client.expect(220, 'REIN');
  await client.expect(220, 'HOST ftp.example.com');
});

test('CLNT is noted for the log', async () => {
  await using ftp = await startTestGateway();
  await using client = await FtpClient.connect(ftp.port);
  await client.expect(200, 'CLNT FileZilla');
  await client.expect(501, 'CLNT');
  const named = ftp.lines.find(({ msg }) => msg === 'client named itself');
  assert.equal(named?.['client'], 'FileZilla');
});

describe('SITE', () => {
  test('CHMOD is accepted and says that it did nothing', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.logIn(ftp.port);
    ftp.cosd.forgetRequests();
    assert.match((await client.expect(200, 'SITE CHMOD 644 a b')).text, /without effect/);
    await client.expect(200, 'site chmod 0755 x');
    for (const line of ['SITE CHMOD', 'SITE CHMOD 644', 'SITE CHMOD u+x a', 'SITE CHMOD 9 a']) {
      await client.expect(501, line);
    }
    assert.deepEqual(Object.values(ftp.cosd.requests()).filter(Boolean), []);
  });

  test('HELP lists what there is, HELP SITE the same, and the rest is 500', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.logIn(ftp.port);
    const listed = (await client.expect(214, 'SITE HELP')).text;
    assert.match(listed, /\n CHMOD <mode> <path>: /);
    assert.match((await client.expect(214, 'HELP SITE')).text, /\n CHMOD <mode> <path>: /);
    await client.expect(500, 'SITE EXEC ls');
    await client.expect(501, 'SITE');
  });
});

describe('STOU', () => {
  test('stores under a name told in 150, and never twice under one', async () => {
    await using ftp = await startTestGateway({ account: { permissions: ['write'] } });
    await using client = await FtpClient.logIn(ftp.port);
    const names = new Set<string>();
    for (const [argument, pattern] of [
      ['', /^FILE: (file-[0-9a-f]{16})$/],
      ['', /^FILE: (file-[0-9a-f]{16})$/],
      [' dir/a b.pdf', /^FILE: (dir\/a b-[0-9a-f]{16}\.pdf)$/],
      [' dir/a b.pdf', /^FILE: (dir\/a b-[0-9a-f]{16}\.pdf)$/],
    ] as const) {
      const data = await client.openData();
      const { text } = await client.expect(150, `STOU${argument}`);
      names.add(pattern.exec(text.slice(4))?.[1] ?? text);
      data.end('content');
      assert.equal((await client.reply()).code, 226);
    }
    assert.deepEqual(ftp.keys(), [...names].toSorted());
    assert.equal(names.size, 4);
  });

  test('names that cannot be stored are 553, and REST does not go with it', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(553, 'STOU .cosftp/x');
    await client.expect(553, `STOU ${'x'.repeat(850)}`);
    await client.expect(350, 'REST 1');
    await client.expect(503, 'STOU x');
  });

  for (const [asked, made] of [
    ['a.tar.gz', 'a.tar-X.gz'],
    ['.profile', '.profile-X'],
    ['d.x/name', 'd.x/name-X'],
    ['d/', 'd/file-X'],
    ['dot.', 'dot-X.'],
  ] as const) {
    test(`makes ${made} of ${asked}`, () => assert.equal(uniqueName(asked, 'X'), made));
  }
});

test('what is known and refused says why, and HELP does not offer it', async () => {
  await using ftp = await startTestGateway();
  await using client = await FtpClient.connect(ftp.port);
  assert.match((await client.expect(502, 'ACCT x')).text, /No account beside user and password/);
  assert.match((await client.expect(502, 'SMNT /x')).text, /one file system/);
  assert.doesNotMatch((await client.expect(214, 'HELP')).text, /SMNT|ACCT/);
  assert.match((await client.expect(214, 'HELP smnt')).text, /Not supported/);
});

/** The verbs HELP lists, in capitals. */
async function helpVerbs(client: FtpClient): Promise<string[]> {
  const { text } = await client.expect(214, 'HELP');
  return text.split('\n').slice(1, -1).join(' ').trim().split(/\s+/);
}

const conditional = ['AUTH', 'CCC', 'EPRT', 'MFMT', 'PBSZ', 'PORT', 'PROT'];

test('HELP lists no verb that this configuration answers with 502', async () => {
  await using ftp = await startTestGateway();
  await using client = await FtpClient.logIn(ftp.port);
  const listed = await helpVerbs(client);
  assert.ok(listed.length > 30, listed.join(' '));
  assert.deepEqual(
    conditional.filter((verb) => listed.includes(verb)),
    [],
  );
  const ending = ['HELP', 'QUIT', 'REIN', 'USER', 'PASS'];
  for (const verb of listed.filter((name) => !ending.includes(name))) {
    const { code, text } = await client.command(`${verb} x`);
    assert.notEqual(code, 502, `${verb}: ${text}`);
  }
  assert.doesNotMatch((await client.expect(214, 'SITE HELP')).text, /UTIME/);
  assert.doesNotMatch((await client.expect(214, 'HELP SITE')).text, /UTIME/);
});

test('HELP lists them where they are switched on', async () => {
  await using ftp = await startTlsGateway({
    words: { active_mode: 'enabled', store_mtime: true },
  });
  await using client = await FtpClient.logIn(ftp.port);
  const listed = await helpVerbs(client);
  assert.deepEqual(
    conditional.filter((verb) => !listed.includes(verb)),
    [],
  );
  assert.match((await client.expect(214, 'SITE HELP')).text, /\n UTIME <path> /);
});

test('an unknown verb is not repeated to whoever sent it', async () => {
  await using ftp = await startTestGateway();
  await using client = await FtpClient.connect(ftp.port);
  assert.equal(
    (await client.expect(502, 'XYZZY'.repeat(1000))).text,
    '502 Command not implemented',
  );
  assert.equal((await client.expect(530, 'PWD')).text, '530 Log in with USER and PASS first');
});
