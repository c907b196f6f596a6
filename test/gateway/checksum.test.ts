/** HASH, the X-commands and RANG: only what COS keeps is told, and only what was asked is sent. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { crc64 } from '#gateway/kit/crc64.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway } from '#test/support/gateway.ts';
import { seededRandom } from '#test/support/random.ts';

const small = Buffer.from('what was sent');
const smallMd5 = createHash('md5').update(small).digest('hex');
const hexOf = (bytes: Uint8Array) => crc64(bytes).toString(16).padStart(16, '0');

describe('HASH', () => {
  test('tells the CRC-64 of an upload, and the MD5 of one that fitted one request', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.logIn(ftp.port);
    const large = Buffer.from(seededRandom(1).bytes(3_000_000));
    await client.store('small file', small);
    await client.store('large', large);
    assert.equal(
      (await client.expect(213, 'HASH small file')).text,
      `213 CRC-64 0-${small.length - 1} ${hexOf(small)} small file`,
    );
    assert.match(
      (await client.expect(213, 'HASH large')).text,
      new RegExp(` ${hexOf(large)} large$`),
    );
    assert.equal((await client.expect(200, 'OPTS HASH')).text, '200 CRC-64');
    assert.equal((await client.expect(200, 'OPTS HASH md5')).text, '200 MD5');
    assert.match((await client.expect(211, 'FEAT')).text, /\n HASH CRC-64;MD5\*\n/);
    assert.match((await client.expect(213, 'HASH small file')).text, new RegExp(` ${smallMd5} `));
    assert.match((await client.expect(504, 'HASH large')).text, /no MD5 is stored .* CRC-64$/);
    await client.expect(501, 'OPTS HASH SHA-256');
    assert.match((await client.expect(213, 'HASH small file')).text, / MD5 0-/);
    await client.store('empty', Buffer.alloc(0));
    assert.match(
      (await client.expect(213, 'HASH empty')).text,
      / MD5 0-0 d41d8cd98f00b204e9800998ecf8427e /,
    );
  });

  test('is 550 for what is missing, a directory or the root, and needs read', async () => {
    await using ftp = await startTestGateway({ account: { permissions: ['list', 'write'] } });
    await using writer = await FtpClient.logIn(ftp.port);
    await writer.store('a', small);
    assert.match((await writer.expect(550, 'HASH a')).text, /Permission denied/);
    assert.match((await writer.expect(550, 'XMD5 a')).text, /Permission denied/);
    await using whole = await startTestGateway();
    await whole.cosd.inspect.put(whole.cosd.bucket, 'dir/x', 'x');
    await using client = await FtpClient.logIn(whole.port);
    for (const line of [
      'HASH none',
      'HASH dir',
      'HASH /',
      'XMD5 none',
      'MD5 dir',
      'XMD5 none 0 1',
    ]) {
      await client.expect(550, line);
    }
  });

  test('of a part is refused, of a range that covers the file not', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.logIn(ftp.port);
    await client.store('a', small);
    for (const [range, code] of [
      [`0 ${small.length - 2}`, 504],
      [`0 ${small.length - 1}`, 213],
      [`0 ${small.length}`, 213],
      [`1 ${small.length}`, 504],
      ['1 0', 213],
    ] as const) {
      await client.expect(350, `RANG ${range}`);
      await client.expect(code, 'HASH a');
      await client.expect(213, 'HASH a'); // the range was spent
    }
  });
});

describe('the older commands', () => {
  test('XMD5 and MD5 take a name first, then quotes and numbers', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.logIn(ftp.port);
    for (const name of ['a b', 'a b 5', '"q"']) await client.store(name, Buffer.from(name));
    const md5 = (text: string) => createHash('md5').update(text).digest('hex');
    const told = async (line: string) => (await client.expect(250, line)).text.slice(4);
    assert.equal(await told('XMD5 a b'), md5('a b'));
    assert.equal(await told('XMD5 a b 5'), md5('a b 5'));
    assert.equal(await told('XMD5 "a b"'), md5('a b'));
    assert.equal(await told('XMD5 "a b" 0 3'), md5('a b'));
    assert.equal(await told('XMD5 "a b" 0 2'), md5('a b'));
    assert.equal(await told('XMD5 "q"'), md5('"q"'));
    await client.expect(504, 'XMD5 "a b" 0 1');
    await client.expect(504, 'XMD5 "a b" 1');
    assert.equal((await client.expect(251, 'MD5 "q"')).text, `251 "/""q""" ${md5('"q"')}`);
  });

  test('what is not stored is 504 and names what is', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.logIn(ftp.port);
    for (const verb of ['XCRC', 'XSHA', 'XSHA1', 'XSHA256', 'XSHA512']) {
      assert.match((await client.expect(504, `${verb} a`)).text, /CRC-64 and MD5/);
    }
  });
});

describe('RANG', () => {
  test('sends exactly the bytes named, and never the rest', async () => {
    await using ftp = await startTestGateway();
    const content = Buffer.from(seededRandom(7).bytes(2_500_000));
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'file', content);
    await using client = await FtpClient.logIn(ftp.port);
    assert.match((await client.expect(211, 'FEAT')).text, /\n RANG STREAM\n/);
    for (const [first, last] of [
      [0, 0],
      [5, 9],
      [0, 1_048_575],
      [0, 1_048_576],
      [1_000_000, 2_100_000],
      [0, 2_499_998],
      [0, 2_499_999],
      [0, 2_500_000],
      [2_499_999, 9_000_000],
      [2_500_000, 2_500_000],
      [2_500_001, 3_000_000],
    ] as const) {
      await client.expect(350, `RANG ${first} ${last}`);
      const { bytes, reply } = await client.read('RETR file');
      assert.equal(reply.code, 226, reply.text);
      assert.ok(bytes.equals(content.subarray(first, last + 1)), `${first} to ${last}`);
    }
    assert.equal((await client.read('RETR file')).bytes.length, content.length);
  });

  test('asks COS for no byte behind the range', async () => {
    await using ftp = await startTestGateway();
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'file', Buffer.alloc(5_000_000));
    await using client = await FtpClient.logIn(ftp.port);
    ftp.cosd.forgetRequests();
    await client.expect(350, 'RANG 4000000 4000009');
    assert.equal((await client.read('RETR file')).bytes.length, 10);
    assert.equal(ftp.cosd.requests()['GetObject'], 1);
  });

  test('and REST replace each other, an impossible range forgets both', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.logIn(ftp.port);
    await client.store('file', Buffer.from('0123456789'));
    const read = async () => String((await client.read('RETR file')).bytes);
    await client.expect(350, 'RANG 2 4');
    await client.expect(350, 'REST 7');
    assert.equal(await read(), '789');
    await client.expect(350, 'REST 7');
    await client.expect(350, 'RANG 2 4');
    assert.equal(await read(), '234');
    for (const argument of ['4 2', '1', 'a b', '-1 2', '1 0']) {
      await client.expect(350, 'RANG 2 4');
      await client.expect(argument === '1 0' ? 350 : 501, `RANG ${argument}`);
      assert.equal(await read(), '0123456789', argument);
    }
  });

  test('does not go with uploads', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.logIn(ftp.port);
    await client.store('file', Buffer.from('0123456789'));
    for (const line of ['STOR file', 'APPE file']) {
      await client.expect(350, 'RANG 0 4');
      await client.expect(503, line);
    }
    assert.equal(String(await ftp.bytes('file')), '0123456789');
  });
});

test('SIZE, MDTM, RETR, DELE and RNFR of the root are 550', async () => {
  await using ftp = await startTestGateway();
  await using client = await FtpClient.logIn(ftp.port);
  for (const verb of ['SIZE', 'MDTM', 'RETR', 'DELE', 'RNFR']) {
    const { text } = await client.expect(550, `${verb} /`);
    const isRename = verb === 'RNFR';
    assert.equal(
      text,
      `550 ${isRename ? 'The root directory keeps its name' : 'This is a directory'}`,
    );
  }
});
