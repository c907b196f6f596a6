/** Names on the wire in the account's encoding or UTF-8, as OPTS UTF8 says; in COS always UTF-8. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findCodec, type TextCodec, utf8 } from '#gateway/ftp/filename-encoding.ts';
import { FtpClient, type FtpReply } from '#test/support/ftp-client.ts';
import { startTestGateway } from '#test/support/gateway.ts';

function codecOf(name: string): TextCodec {
  const codec = findCodec(name);
  assert.ok(codec);
  return codec;
}

function send(client: FtpClient, codec: TextCodec, line: string): Promise<FtpReply> {
  client.socket.write(Buffer.concat([codec.encode(line), Buffer.from('\r\n')]));
  return client.reply();
}

async function store(client: FtpClient, codec: TextCodec, name: string): Promise<void> {
  const data = await client.openData();
  assert.equal((await send(client, codec, `STOR ${name}`)).code, 150);
  data.end('content');
  assert.equal((await client.reply()).code, 226);
}

/** What NLST sends, as bytes. */
async function names(client: FtpClient): Promise<string> {
  return (await client.read('NLST')).bytes.toString('latin1');
}

const onWire = (codec: TextCodec, name: string) =>
  Buffer.from(codec.encode(`${name}\r\n`)).toString('latin1');

describe('an account whose filename_encoding is', () => {
  // The second byte of ソ and 表 in Shift_JIS is a backslash.
  for (const [encoding, name] of [
    ['gb18030', '中文𝄞.txt'],
    ['shift_jis', 'ソース表.txt'],
  ] as const) {
    test(`${encoding}: has its names so, and in UTF-8 between OPTS UTF8 ON and OFF`, async () => {
      await using ftp = await startTestGateway({ account: { filename_encoding: encoding } });
      const codec = codecOf(encoding);
      await using client = await FtpClient.logIn(ftp.port);
      assert.match((await client.expect(211, 'FEAT')).text, /^ UTF8$/m);
      await store(client, codec, name);
      assert.deepEqual(ftp.keys(), [name], 'UTF-8 in COS');
      assert.equal(await names(client), onWire(codec, name));

      assert.match((await client.expect(200, 'OPTS UTF8 ON')).text, /utf-8/);
      assert.equal(await names(client), onWire(utf8, name));
      assert.equal((await send(client, utf8, `SIZE ${name}`)).text, '213 7');
      assert.notEqual((await send(client, codec, `SIZE ${name}`)).code, 213);

      assert.match((await client.expect(200, 'OPTS UTF8 OFF')).text, new RegExp(encoding));
      assert.equal(await names(client), onWire(codec, name));
      assert.equal((await send(client, codec, `DELE ${name}`)).code, 250);
      assert.deepEqual(ftp.keys(), []);
    });
  }

  test('another one: OPTS UTF8 ON before the login counts after it, until REIN', async () => {
    await using ftp = await startTestGateway({ account: { filename_encoding: 'gb18030' } });
    await using client = await FtpClient.connect(ftp.port);
    await client.expect(200, 'opts utf8 on');
    await client.authenticate();
    await store(client, utf8, '文');
    assert.equal(await names(client), onWire(utf8, '文'));
    await client.authenticate();
    assert.equal(await names(client), onWire(utf8, '文'), 'a new USER keeps it');
    await client.expect(220, 'REIN');
    await client.authenticate();
    assert.equal(await names(client), onWire(codecOf('gb18030'), '文'));
  });

  test('another one: a switch counts from the next of several commands sent at once', async () => {
    await using ftp = await startTestGateway({ account: { filename_encoding: 'gb18030' } });
    await using client = await FtpClient.logIn(ftp.port);
    const gb18030 = codecOf('gb18030');
    client.socket.write(
      Buffer.concat([
        gb18030.encode('MKD 一\r\n'),
        utf8.encode('OPTS UTF8 ON\r\nMKD 二\r\nOPTS UTF8 OFF\r\n'),
        gb18030.encode('MKD 三\r\n'),
      ]),
    );
    const codes = [];
    for (let count = 0; count < 5; count++) codes.push((await client.reply()).code);
    assert.deepEqual(codes, [257, 200, 257, 200, 257]);
    assert.deepEqual(new Set(ftp.keys()), new Set(['一/', '二/', '三/']));
  });

  test('another one: bytes that are no text of it are refused, names it lacks show as ?', async () => {
    await using ftp = await startTestGateway({ account: { filename_encoding: 'shift_jis' } });
    await ftp.cosd.inspect.put(ftp.cosd.bucket, '한.txt', 'x');
    await using client = await FtpClient.logIn(ftp.port);
    client.socket.write(Buffer.from([...Buffer.from('SIZE '), 0x83, 0x0d, 0x0a]));
    assert.match((await client.reply()).text, /^501 The line is not valid shift_jis/);
    assert.equal(await names(client), '?.txt\r\n');
    await client.expect(200, 'OPTS UTF8 ON');
    assert.equal(await names(client), onWire(utf8, '한.txt'));
  });
});

test('where names are UTF-8 anyway OPTS UTF8 ON is 200 and OFF is 504', async () => {
  await using ftp = await startTestGateway();
  await using client = await FtpClient.logIn(ftp.port);
  for (const line of ['OPTS UTF8 ON', 'OPTS UTF-8', 'OPTS UTF8']) await client.expect(200, line);
  await client.expect(504, 'OPTS UTF8 OFF');
  await store(client, utf8, '文');
  assert.equal(await names(client), onWire(utf8, '文'));
});

test('a name is stored as it was sent: composed and decomposed letters are two files', async () => {
  await using ftp = await startTestGateway();
  await using client = await FtpClient.logIn(ftp.port);
  for (const name of ['\u00e9', 'e\u0301']) await store(client, utf8, name);
  assert.deepEqual(new Set(ftp.keys()), new Set(['\u00e9', 'e\u0301']));
});
