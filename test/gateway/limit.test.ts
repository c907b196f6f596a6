/** The size limit, to the byte. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway } from '#test/support/gateway.ts';

const limit = 3 * 1024 * 1024 + 5;

for (const [words, size] of [
  ['one byte below the limit', limit - 1],
  ['exactly the limit', limit],
] as const) {
  test(`a file of ${words} is stored`, async () => {
    await using ftp = await startTestGateway({ account: { single_file_max_size: String(limit) } });
    await using client = await FtpClient.logIn(ftp.port);
    assert.equal((await client.store('file', Buffer.alloc(size, 7))).code, 226);
    assert.equal((await ftp.bytes('file')).length, size);
  });
}

for (const over of [1, 40 * 1024 * 1024]) {
  test(`${over} bytes over the limit: 552 IOError, nothing stored, the session goes on`, async () => {
    await using ftp = await startTestGateway({ account: { single_file_max_size: String(limit) } });
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'file', 'old');
    await using client = await FtpClient.logIn(ftp.port);
    const reply = await client.store('file', Buffer.alloc(limit + over, 7));
    assert.equal(reply.code, 552);
    assert.match(reply.text, /^552 IOError: /);
    assert.match(reply.text, new RegExp(String(limit)));
    assert.equal(String(await ftp.bytes('file')), 'old');
    assert.equal(ftp.openUploads(), 0);
    const errors = ftp.lines.filter((line) => line.level === 'error');
    assert.deepEqual(
      errors.map((line) => line.msg),
      ['upload rejected'],
    );
    assert.equal((await client.store('small', Buffer.from('x'))).code, 226);
  });
}

test('the 552 is written before the data connection is closed', async () => {
  await using ftp = await startTestGateway({ account: { single_file_max_size: '1000' } });
  await using client = await FtpClient.logIn(ftp.port);
  const data = await client.beginStore('file');
  const events: string[] = [];
  data.on('close', () => events.push('closed'));
  data.write(Buffer.alloc(1001));
  const reply = await client.reply();
  events.push(String(reply.code));
  assert.deepEqual(events, ['552']);
  data.destroy();
});

test('ALLO over the limit is refused before any data', async () => {
  await using ftp = await startTestGateway({ account: { single_file_max_size: '1000' } });
  await using client = await FtpClient.logIn(ftp.port);
  assert.match((await client.expect(552, 'ALLO 1001')).text, /IOError/);
  await client.expect(200, 'ALLO 1000');
  assert.equal((await client.store('file', Buffer.alloc(1000))).code, 226);
});
