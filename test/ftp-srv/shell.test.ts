/** The shape of ftp-srv that shell.ts goes through: a package that changes fails here and not in a session. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { test } from 'node:test';
import packageRegistry from 'ftp-srv/src/commands/registry.js';
import { commandVerbs } from '#gateway/ftp-srv/commands/table.ts';
import { detachSocket, FtpShell, type ShellConnection } from '#gateway/ftp-srv/shell.ts';
import { silentLog } from '#gateway/kit/log.ts';
import { startTestGateway } from '#test/support/gateway.ts';

const signals = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;
const signalListeners = () => signals.map((signal) => process.listeners(signal));

test('the installed package is the one whose seams were read', () => {
  const file = new URL('../../node_modules/ftp-srv/package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  assert.equal(version, '4.6.3');
});

test('a connection is handed over before a byte was read, and stays silent once detached', async () => {
  const before = signalListeners();
  const adopted = Promise.withResolvers<ShellConnection>();
  const shell: FtpShell = new FtpShell({
    address: '127.0.0.1',
    port: 0,
    log: silentLog,
    onConnection: (socket) => shell.serve(socket),
    adopt: (connection) => {
      connection.reply = async () => undefined;
      adopted.resolve(connection);
    },
    logIn: async () => undefined,
  });
  assert.deepEqual(signalListeners(), before, 'signals are left to the program');
  await shell.listen();
  const address = shell.server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const client = connect({ port: address.port, host: '127.0.0.1' });
  client.write('NOOP\r\n');
  const connection = await adopted.promise;
  assert.equal(connection.commandSocket.bytesRead, 0);
  assert.equal(typeof connection.commands.handle, 'function');
  assert.equal(typeof connection.login, 'function');
  const socket = detachSocket(connection);
  assert.deepEqual([socket.listenerCount('data'), socket.listenerCount('timeout')], [0, 0]);
  const closed = once(client, 'close');
  socket.destroy();
  await closed;
  await new Promise<void>((resolve) => shell.server.close(() => resolve()));
});

test('the registry of a running gateway holds its own verbs and no stock one', async () => {
  await using _ftp = await startTestGateway();
  assert.deepEqual(Object.keys(packageRegistry).toSorted(), commandVerbs.toSorted());
});
