/** Several gateways in one process: what ftp-srv keeps once per process must not mix them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway } from '#test/support/gateway.ts';

test('two gateways in one process serve side by side, each its own accounts and files', async () => {
  await using first = await startTestGateway({ account: { user: 'anna' } });
  await using early = await FtpClient.logIn(first.port, 'anna');
  await using second = await startTestGateway({ account: { user: 'berta' } });
  await using late = await FtpClient.logIn(second.port, 'berta');
  await using stranger = await FtpClient.connect(second.port);

  assert.equal((await early.store('a', Buffer.from('first'))).code, 226);
  assert.equal((await late.store('b', Buffer.from('second'))).code, 226);
  assert.deepEqual([first.keys(), second.keys()], [['a'], ['b']]);
  await stranger.expect(331, 'USER anna');
  await stranger.expect(530, 'PASS secret');
});

test('a gateway goes on when another one in the process ends', async () => {
  await using staying = await startTestGateway();
  await using client = await FtpClient.logIn(staying.port);
  {
    await using _ended = await startTestGateway();
  }
  assert.equal((await client.store('file', Buffer.from('x'))).code, 226);
});
