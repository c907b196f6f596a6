import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { resetSocket } from '#gateway/kit/reset-socket.ts';

/** Both ends of a connection; the server's first. */
async function openPair(): Promise<[Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert(typeof address === 'object' && address);
  const connected = once(server, 'connection') as Promise<[Socket]>;
  const client = connect({ port: address.port, host: '127.0.0.1' });
  const [accepted] = await connected;
  server.close();
  return [accepted, client];
}

test('the peer of a reset sees ECONNRESET, also when writes were pending', async () => {
  const [accepted, client] = await openPair();
  client.pause();
  accepted.write(Buffer.alloc(32 * 1024 * 1024), () => undefined);
  const failed = once(client, 'error') as Promise<[NodeJS.ErrnoException]>;
  resetSocket(accepted);
  client.resume();
  assert.equal((await failed)[0].code, 'ECONNRESET');
});

test('a socket whose shutdown is under way is closed all the same', async () => {
  const [accepted, client] = await openPair();
  const errors: Error[] = [];
  accepted.on('error', (error) => errors.push(error));
  const closed = once(accepted, 'close', { signal: AbortSignal.timeout(5000) });
  accepted.end();
  resetSocket(accepted);
  await closed;
  assert.deepEqual(errors, []);
  client.destroy();
});

test('a destroyed socket stays as it is', async () => {
  const [accepted, client] = await openPair();
  accepted.destroy();
  resetSocket(accepted);
  await once(accepted, 'close');
  client.destroy();
});
