/** Commands of a session over a real connection: replies, listings, files and directories. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway } from '#test/support/gateway.ts';
import { seededRandom } from '#test/support/random.ts';

describe('login', () => {
  test('a wrong password is 530 and says nothing more; the right one then works', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.connect(ftp.port);
    await client.expect(331, 'USER alice');
    assert.equal(
      (await client.expect(530, 'PASS wrong')).text,
      '530 User name or password is wrong',
    );
    await client.expect(331, 'USER nobody');
    assert.equal(
      (await client.expect(530, 'PASS wrong')).text,
      '530 User name or password is wrong',
    );
    await client.expect(331, 'USER alice');
    await client.expect(230, 'PASS secret');
    assert.ok(!JSON.stringify(ftp.lines).includes('secret'), 'no password in the log');
  });

  test('commands that need a login are 530 before it, unknown ones 502', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.connect(ftp.port);
    for (const line of ['PWD', 'PASV', 'LIST', 'STOR x', 'RETR x', 'DELE x', 'MKD x', 'SIZE x']) {
      await client.expect(530, line);
    }
    await client.expect(503, 'PASS secret');
    await client.expect(502, 'XYZZY');
    for (const line of ['NOOP', 'SYST', 'FEAT', 'HELP']) {
      assert.ok((await client.command(line)).code < 300, line);
    }
  });

  test('REIN and a new USER end the login', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(220, 'REIN');
    await client.expect(530, 'PWD');
    await client.expect(331, 'USER alice');
    await client.expect(230, 'PASS secret');
    await client.expect(331, 'USER alice');
    await client.expect(530, 'PWD');
  });
});

describe('files', () => {
  test('SIZE, MDTM and MLST tell the stored facts; missing ones are 550', async () => {
    await using ftp = await startTestGateway();
    const modifiedAtMs = Date.UTC(2026, 1, 3, 4, 5, 6);
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'dir/a', 'seven b', { modifiedAtMs });
    await using client = await FtpClient.logIn(ftp.port);
    assert.equal((await client.expect(213, 'SIZE dir/a')).text, '213 7');
    assert.equal((await client.expect(213, 'MDTM /dir/a')).text, '213 20260203040506');
    const facts = (await client.expect(250, 'MLST dir/a')).text;
    assert.match(facts, /\n type=file;size=7;modify=20260203040506;.* \/dir\/a\n/);
    assert.match((await client.expect(250, 'MLST dir')).text, /\n type=dir;.* \/dir\n/);
    for (const line of [
      'SIZE dir',
      'SIZE none',
      'MDTM none',
      'MLST none',
      'RETR none',
      'DELE none',
    ]) {
      if (line.startsWith('RETR')) await client.passivePort();
      await client.expect(550, line);
    }
  });

  test('rename moves the bytes, refuses a missing source and the name of a directory', async () => {
    await using ftp = await startTestGateway();
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'a', 'content');
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'dir/x', 'x');
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(503, 'RNTO b');
    await client.expect(550, 'RNFR none');
    await client.expect(350, 'RNFR a');
    await client.expect(553, 'RNTO dir');
    await client.expect(350, 'RNFR a');
    await client.expect(250, 'RNTO b');
    assert.deepEqual(ftp.keys(), ['b', 'dir/x']);
    assert.equal(String(await ftp.bytes('b')), 'content');
    await client.expect(350, 'RNFR b');
    await client.expect(257, 'PWD');
    await client.expect(250, 'RNTO c');
  });

  test('REST and RETR continue at the offset; REST does not outlive an unrelated command', async () => {
    await using ftp = await startTestGateway();
    const content = Buffer.from(seededRandom(5).bytes(3_000_000));
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'file', content);
    await using client = await FtpClient.logIn(ftp.port);
    for (const offset of [0, 1, 1_048_576, 2_999_999, 3_000_000]) {
      await client.expect(350, `REST ${offset}`);
      const { bytes, reply } = await client.read('RETR file');
      assert.equal(reply.code, 226);
      assert.ok(bytes.equals(content.subarray(offset)), `from ${offset}`);
    }
    await client.expect(350, 'REST 3000001');
    assert.equal((await client.read('RETR file')).reply.code, 554);
    await client.expect(350, 'REST 5');
    await client.expect(250, 'CWD /');
    assert.equal((await client.read('RETR file')).bytes.length, content.length);
    await client.expect(350, 'REST 5');
    assert.equal((await client.store('file', Buffer.from('x'))).code, 226);
    assert.equal((await client.store('file', Buffer.from('x'))).code, 226);
    assert.equal(String(await ftp.bytes('file')), 'x', 'REST is spent');
    await client.expect(501, 'REST -1');
  });

  test('names that cannot be stored are 553', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.logIn(ftp.port);
    assert.equal((await client.store('/', Buffer.from('x'))).code, 553);
    assert.equal((await client.store('.cosftp/x', Buffer.from('x'))).code, 553);
    assert.equal((await client.store('x'.repeat(851), Buffer.from('x'))).code, 553);
    assert.equal((await client.store('x'.repeat(850), Buffer.from('x'))).code, 226);
  });

  test('no path leaves the jail of the account', async () => {
    await using ftp = await startTestGateway({ account: { prefix: 'jail/alice' } });
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'jail/bob', 'not yours');
    await using client = await FtpClient.logIn(ftp.port);
    for (const path of ['../bob', '/../bob', '../../jail/bob', '/..//../jail/bob']) {
      await client.expect(550, `SIZE ${path}`);
    }
    assert.equal((await client.store('/../../up', Buffer.from('x'))).code, 226);
    assert.deepEqual(ftp.keys(), ['jail/alice/up', 'jail/bob']);
  });
});

describe('permissions', () => {
  const cases = [
    { lacks: 'list', line: 'LIST' },
    { lacks: 'read', line: 'RETR old' },
    { lacks: 'write', line: 'STOR new' },
    { lacks: 'overwrite', line: 'STOR old' },
    { lacks: 'delete', line: 'DELE old' },
    { lacks: 'write', line: 'MKD dir' },
    { lacks: 'delete', line: 'RMD dir' },
  ] as const;
  for (const { lacks, line } of cases) {
    test(`${line} without ${lacks} is 550, logged, and changes nothing`, async () => {
      const all = ['list', 'read', 'write', 'overwrite', 'delete'];
      await using ftp = await startTestGateway({
        account: { permissions: all.filter((permission) => permission !== lacks) },
      });
      await ftp.cosd.inspect.put(ftp.cosd.bucket, 'old', 'content');
      await using client = await FtpClient.logIn(ftp.port);
      await client.passivePort();
      assert.match((await client.expect(550, line)).text, /Permission denied/);
      assert.deepEqual(ftp.keys(), ['old']);
      const denied = ftp.lines.filter((entry) => entry.msg === 'denied');
      assert.deepEqual(
        denied.map((entry) => entry['permission']),
        [lacks],
      );
    });
  }

  test('a new name needs no overwrite permission', async () => {
    await using ftp = await startTestGateway({ account: { permissions: ['write'] } });
    await using client = await FtpClient.logIn(ftp.port);
    assert.equal((await client.store('new', Buffer.from('x'))).code, 226);
    assert.equal((await client.store('new', Buffer.from('y'))).code, 550);
    assert.equal(String(await ftp.bytes('new')), 'x');
  });
});

describe('directories and listings', () => {
  test('MKD, CWD, CDUP, PWD and RMD with quoted paths', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.logIn(ftp.port);
    assert.match((await client.expect(257, 'MKD a "b"')).text, /^257 "\/a ""b""" /);
    await client.expect(550, 'MKD a "b"');
    await client.expect(250, 'CWD a "b"');
    assert.match((await client.expect(257, 'PWD')).text, /^257 "\/a ""b""" /);
    await client.expect(257, 'MKD sub');
    await client.expect(550, 'RMD /a "b"');
    await client.expect(250, 'RMD sub');
    await client.expect(250, 'CDUP');
    await client.expect(250, 'RMD a "b"');
    await client.expect(550, 'RMD a "b"');
    await client.expect(550, 'CWD a "b"');
    await client.expect(550, 'RMD /');
    assert.deepEqual(ftp.keys(), []);
  });

  test('LIST, NLST and MLSD of a directory, a file, a pattern and nothing', async () => {
    await using ftp = await startTestGateway();
    for (const key of ['dir/one.txt', 'dir/two.txt', 'dir/sub/three', 'top']) {
      await ftp.cosd.inspect.put(ftp.cosd.bucket, key, 'x');
    }
    await using client = await FtpClient.logIn(ftp.port);
    const names = async (line: string) => {
      const { bytes, reply } = await client.read(line);
      assert.equal(reply.code, 226, reply.text);
      return String(bytes).split('\r\n').filter(Boolean).toSorted();
    };
    assert.deepEqual(await names('NLST'), ['dir', 'top']);
    assert.deepEqual(await names('NLST dir'), ['dir/one.txt', 'dir/sub', 'dir/two.txt']);
    assert.deepEqual(await names('NLST dir/*.txt'), ['dir/one.txt', 'dir/two.txt']);
    assert.deepEqual(await names('NLST -a dir/t*'), ['dir/two.txt']);
    assert.deepEqual(await names('NLST dir/one.txt'), ['dir/one.txt']);
    assert.deepEqual(await names('NLST no*'), []);
    assert.equal((await names('LIST -la'))[0]?.startsWith('-rw-r--r-- 1 ftp ftp '), true);
    assert.equal((await names('MLSD dir')).length, 3);
    for (const line of ['LIST none', 'NLST none', 'MLSD none', 'LIST none/*']) {
      assert.equal((await client.read(line)).reply.code, 550, line);
    }
    assert.equal((await client.read('MLSD top')).reply.code, 501);
  });

  test('the root of an empty jail lists as empty', async () => {
    await using ftp = await startTestGateway({ account: { prefix: 'nothing/here' } });
    await using client = await FtpClient.logIn(ftp.port);
    const { bytes, reply } = await client.read('LIST');
    assert.deepEqual([reply.code, bytes.length], [226, 0]);
    await client.expect(250, 'CWD /');
  });

  test('a listing that fails on its second page is no 226', async () => {
    await using ftp = await startTestGateway();
    const keys = Array.from({ length: 2500 }, (_, index) => `f${index}`);
    ftp.cosd.inspect.fill(ftp.cosd.bucket, keys, 'x');
    await using client = await FtpClient.logIn(ftp.port);
    ftp.cosd.faults.set([
      {
        operation: 'GetBucket',
        nth: 2,
        times: 'always',
        act: { do: 'error', status: 403, code: 'AccessDenied' },
      },
    ]);
    assert.equal((await client.read('NLST')).reply.code, 550);
    ftp.cosd.faults.clear();
    assert.equal((await client.read('NLST')).bytes.toString().split('\r\n').length, 2501);
  });
});

describe('data connections', () => {
  test('a transfer command without PASV or EPSV is 425', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(425, 'LIST');
  });

  test('a client that never connects gets 425 and keeps its session', async () => {
    await using ftp = await startTestGateway({ timeouts: { dataConnectMs: 100 } });
    await using client = await FtpClient.logIn(ftp.port);
    await client.passivePort();
    await client.expect(150, 'STOR file');
    assert.equal((await client.reply()).code, 425);
    await client.expect(200, 'NOOP');
    assert.deepEqual(ftp.keys(), []);
  });

  test('PASV tells the address the client reached, or masquerade_address', async () => {
    await using plain = await startTestGateway();
    await using one = await FtpClient.logIn(plain.port);
    assert.match((await one.expect(227, 'PASV')).text, /\(127,0,0,1,\d+,\d+\)/);
    await using masked = await startTestGateway({ words: { masquerade_address: '203.0.113.7' } });
    await using two = await FtpClient.logIn(masked.port);
    assert.match((await two.expect(227, 'PASV')).text, /\(203,0,113,7,\d+,\d+\)/);
    await two.expect(200, 'EPSV ALL');
    await two.expect(501, 'PASV');
    await two.expect(522, 'EPSV 2');
    await two.expect(229, 'EPSV 1');
  });

  test('NOOP and STAT are answered while an upload runs', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.logIn(ftp.port);
    const data = await client.beginStore('file');
    data.write('some bytes');
    await client.expect(200, 'NOOP');
    assert.match((await client.expect(211, 'STAT')).text, /upload: \d+ bytes/);
    data.end();
    assert.equal((await client.reply()).code, 226);
  });

  test('64 transfers at once and 50 in a row over 8 ports: none fails, none lands in another session', async () => {
    await using ftp = await startTestGateway({ passivePorts: 8, words: { data_peer: 'any' } });
    const store = async (index: number) => {
      await using client = await FtpClient.logIn(ftp.port);
      return (await client.store(`file ${index}`, Buffer.from(`content ${index}`))).code;
    };
    const codes = await Promise.all(Array.from({ length: 64 }, (_, index) => store(index)));
    assert.deepEqual(new Set(codes), new Set([226]));
    for (let index = 0; index < 64; index++) {
      assert.equal(String(await ftp.bytes(`file ${index}`)), `content ${index}`);
    }
    await using client = await FtpClient.logIn(ftp.port);
    for (let round = 0; round < 50; round++) {
      assert.equal((await client.store('again', Buffer.from('x'))).code, 226);
    }
  });
});
