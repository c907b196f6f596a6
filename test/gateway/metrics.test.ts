/** What `/metrics` counts of a session, seen from both ends: nothing is missing, nothing counted twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway } from '#test/support/gateway.ts';

test('a command the server does not know counts as other, one refused before login by its name', async () => {
  await using ftp = await startTestGateway();
  await using client = await FtpClient.connect(ftp.port);
  await client.expect(502, 'XYZZY');
  await client.expect(502, 'XYZZY again');
  await client.expect(530, 'PWD');
  await client.expect(501, 'USER');
  const counted = (command: string) => ftp.metric(`cosftp_commands_total{command="${command}"}`);
  assert.deepEqual(
    [await counted('other'), await counted('PWD'), await counted('USER')],
    [2, 1, 1],
  );
});

test('replies the control channel makes by itself are counted like all others', async () => {
  await using ftp = await startTestGateway();
  await using client = await FtpClient.connect(ftp.port);
  const counted = (name: string) => ftp.metric(`cosftp_replies_total{class="${name}"}`);
  assert.deepEqual([await counted('2xx'), await counted('5xx')], [1, 0]);
  await client.expect(500, 'N'.repeat(9000));
  await client.expect(501, 'NOOP \x01');
  client.socket.write(Buffer.from([...Buffer.from('NOOP '), 0xff, 0xfe, 0x0a]));
  assert.equal((await client.reply()).code, 501);
  assert.deepEqual([await counted('2xx'), await counted('5xx')], [1, 3]);
  client.socket.write('N'.repeat(3 * 1024 * 1024));
  while ((await client.replyOrEnd()) !== undefined);
  assert.equal(await counted('4xx'), 1);
});

for (const [word, used] of [
  ['auto', 1],
  ['off', 0],
] as const) {
  test(`fast paths are told as used or not, and a file goes through either way: ${word}`, async () => {
    await using ftp = await startTestGateway({ words: { fast_paths: word } });
    for (const path of ['data_reads', 'store_bodies', 'checksums']) {
      assert.equal(await ftp.metric(`cosftp_fast_path{path="${path}"}`), used, path);
    }
    await using client = await FtpClient.logIn(ftp.port);
    const content = Buffer.alloc(3 * 1024 * 1024 + 1, word);
    assert.equal((await client.store('file', content)).code, 226);
    assert.deepEqual((await client.read('RETR file')).bytes, content);
    assert.deepEqual(await ftp.bytes('file'), content);
  });
}
