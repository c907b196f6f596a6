/** LIST, NLST, MLSD and STAT: what their arguments mean, and how they end. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '#test/support/condition.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway, type TestGateway } from '#test/support/gateway.ts';

async function gatewayWith(keys: readonly string[]): Promise<TestGateway> {
  const ftp = await startTestGateway();
  for (const key of keys) {
    await ftp.cosd.inspect.put(ftp.cosd.bucket, key, key.endsWith('/') ? '' : 'x');
  }
  return ftp;
}

async function lines(client: FtpClient, command: string): Promise<string[]> {
  const { bytes, reply } = await client.read(command);
  assert.equal(reply.code, 226, reply.text);
  return String(bytes).split('\r\n').filter(Boolean);
}

/** The names at the ends of long lines. */
async function longNames(client: FtpClient, command: string): Promise<string[]> {
  return (await lines(client, command)).map((line) =>
    line.replace(/^.{13,}? \d\d:\d\d |^.*1970 /, ''),
  );
}

describe('flags', () => {
  const keys = ['dir/a', 'dir/sub/b', '-la', 'dir/-x y', 'dir/.hidden', 'dir/ lead'];

  test('NLST -l is long, and -F marks directories in both', async () => {
    await using ftp = await gatewayWith(keys);
    await using client = await FtpClient.logIn(ftp.port);
    const all = [' lead', '-x y', '.hidden', 'a', 'sub'];
    assert.deepEqual((await longNames(client, 'NLST -la dir')).toSorted(), all);
    assert.deepEqual((await longNames(client, 'LIST -alRtS1 dir')).toSorted(), all);
    assert.ok((await longNames(client, 'LIST -F dir')).includes('sub/'));
    assert.deepEqual((await lines(client, 'NLST -CF dir')).toSorted(), [
      'dir/ lead',
      'dir/-x y',
      'dir/.hidden',
      'dir/a',
      'dir/sub/',
    ]);
  });

  test('-d shows a directory itself, and a file as ever', async () => {
    await using ftp = await gatewayWith(keys);
    await using client = await FtpClient.logIn(ftp.port);
    assert.deepEqual(await longNames(client, 'LIST -d dir'), ['dir']);
    assert.deepEqual(await longNames(client, 'LIST -ld'), ['.']);
    assert.deepEqual(await lines(client, 'NLST -d dir/sub'), ['dir/sub']);
    assert.deepEqual(await lines(client, 'NLST -d dir/a'), ['dir/a']);
    assert.deepEqual(await lines(client, 'NLST -d dir/*s*'), ['dir/sub']);
    assert.equal((await client.read('LIST -d none')).reply.code, 550);
  });

  test('names with dashes and spaces are reached behind --, by ./ and as they are', async () => {
    await using ftp = await gatewayWith(keys);
    await using client = await FtpClient.logIn(ftp.port);
    assert.deepEqual(await lines(client, 'NLST -- -la'), ['-la']);
    assert.deepEqual(await lines(client, 'NLST ./-la'), ['./-la']);
    await client.expect(250, 'CWD dir');
    assert.deepEqual(await lines(client, 'NLST -x y'), ['-x y']);
    assert.deepEqual(await lines(client, 'NLST -l -- -x y'), await lines(client, 'LIST -x y'));
    assert.deepEqual(await lines(client, 'NLST  lead'), [' lead']);
  });
});

describe('a directory of many pages', () => {
  const count = 12_345;
  const manyKeys = Array.from({ length: count }, (_, index) => `dir/file-${index}`);

  test('is listed whole by every command', async () => {
    await using ftp = await startTestGateway();
    ftp.cosd.inspect.fill(ftp.cosd.bucket, manyKeys, 'x');
    await using client = await FtpClient.logIn(ftp.port);
    for (const command of ['LIST dir', 'NLST dir', 'MLSD dir']) {
      assert.equal(new Set(await lines(client, command)).size, count, command);
    }
    assert.equal((await lines(client, 'NLST dir/*77')).length, 123);
  });

  test('begins to arrive before COS has told the rest', async () => {
    await using ftp = await startTestGateway();
    ftp.cosd.inspect.fill(ftp.cosd.bucket, manyKeys, 'x');
    ftp.cosd.faults.set([{ operation: 'GetBucket', nth: 3, act: { do: 'hang', at: 'request' } }]);
    await using client = await FtpClient.logIn(ftp.port);
    const data = await client.openData();
    let text = '';
    data.on('data', (chunk: Buffer) => {
      text += String(chunk);
    });
    await client.expect(150, 'NLST dir');
    await until('two pages', () => text.split('\r\n').length === 2001);
    await client.expect(426, 'ABOR');
    assert.equal((await client.reply()).code, 226);
    assert.equal(ftp.cosd.requests()['GetBucket'], 3);
  });

  test('of the longest names COS takes is listed too', async () => {
    await using ftp = await startTestGateway();
    // 3 bytes each in UTF-8, 9 in a list of COS: a page of 2.5 MB.
    const names = Array.from({ length: 1100 }, (_, index) => `${'云'.repeat(280)}${1000 + index}`);
    ftp.cosd.inspect.fill(ftp.cosd.bucket, names, 'x');
    await using client = await FtpClient.logIn(ftp.port);
    assert.deepEqual(await lines(client, 'NLST'), names);
  });
});

test('a literal name goes before the pattern it looks like, a directory too', async () => {
  await using ftp = await gatewayWith(['d/a[1]', 'd/a1', 'd/b[1]/file', 'd/b1']);
  await using client = await FtpClient.logIn(ftp.port);
  assert.deepEqual(await lines(client, 'NLST d/a[1]'), ['d/a[1]']);
  assert.deepEqual(await lines(client, 'NLST d/b[1]'), ['d/b[1]/file']);
  assert.deepEqual(await lines(client, 'NLST d/[ab]1'), ['d/a1', 'd/b1']);
});

describe('STAT', () => {
  test('with a path is LIST over the control connection: 212 of directories, 213 of files', async () => {
    await using ftp = await gatewayWith(['dir/a', 'dir/sub/b']);
    await using client = await FtpClient.logIn(ftp.port);
    const status = async (code: number, line: string) => {
      const { text } = await client.expect(code, line);
      const [first = '', ...rest] = text.split('\n');
      assert.match(first, new RegExp(`^${code}-Status of "/`));
      assert.equal(rest.pop(), `${code} End`);
      return rest;
    };
    assert.deepEqual(await status(212, 'STAT dir'), await lines(client, 'LIST dir'));
    assert.deepEqual(await status(212, 'STAT -l dir/*'), await lines(client, 'LIST dir/*'));
    assert.deepEqual(await status(213, 'STAT dir/a'), await lines(client, 'LIST dir/a'));
    assert.deepEqual(await status(212, 'STAT -d dir'), await lines(client, 'LIST -d dir'));
    assert.deepEqual(await status(212, 'STAT no*'), []);
    await client.expect(550, 'STAT none');
    await client.expect(550, 'STAT none/*');
  });

  test('without a path tells how the session stands, in one reply of one unit', async () => {
    await using ftp = await gatewayWith(['dir/211 a/file']);
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(250, 'CWD dir/211 a');
    const { text } = await client.expect(211, 'STAT');
    assert.match(text, /Connected from 127\.0\.0\.1\n Logged in as alice\n.*"\/dir\/211 a"/);
    await client.expect(200, 'NOOP');
  });

  test('needs the permission to list', async () => {
    await using ftp = await startTestGateway({ account: { permissions: ['read'] } });
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(550, 'STAT /');
    await client.expect(211, 'STAT');
  });

  test('that breaks off never gets its last line, and the session ends', async () => {
    await using ftp = await startTestGateway();
    const keys = Array.from({ length: 2500 }, (_, index) => `f${index}`);
    ftp.cosd.inspect.fill(ftp.cosd.bucket, keys, 'x');
    ftp.cosd.faults.set([
      {
        operation: 'GetBucket',
        nth: 3,
        times: 'always',
        act: { do: 'error', status: 403, code: 'AccessDenied' },
      },
    ]);
    await using client = await FtpClient.logIn(ftp.port);
    let text = '';
    client.socket.on('data', (chunk: string) => {
      text += chunk;
    });
    client.send('STAT /');
    assert.equal(await client.replyOrEnd(), undefined);
    assert.equal(text.match(/ f\d+\r\n/g)?.length, 2000);
    assert.match(text, /\r\n Broken off: The store does not permit this \[AccessDenied.*\r\n$/);
  });

  test('of a directory nobody reads holds a page or two, not the directory', async () => {
    await using ftp = await startTestGateway();
    const keys = Array.from({ length: 20_000 }, (_, index) => `${'f'.repeat(700)}${index}`);
    ftp.cosd.inspect.fill(ftp.cosd.bucket, keys, 'x');
    await using client = await FtpClient.logIn(ftp.port);
    await using other = await FtpClient.logIn(ftp.port);
    ftp.cosd.forgetRequests();
    const pages = () => ftp.cosd.requests()['GetBucket'] ?? 0;
    client.socket.pause();
    client.send('STAT /');
    // Time enough for the whole directory, as the other session sees.
    assert.equal((await lines(other, 'NLST')).length, 20_000);
    assert.equal((await lines(other, 'NLST')).length, 20_000);
    assert.ok(pages() < 40 + 15, `${pages() - 40} of 20 pages were read ahead of the client`);
    client.socket.resume();
    const { text } = await client.reply();
    assert.equal(text.split('\n').length, 20_002);
    assert.equal(pages(), 60);
  });
});
