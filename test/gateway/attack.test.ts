/** What strangers and broken clients do to a running gateway: nothing that lasts. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { until } from '#test/support/condition.ts';
import { fakeClock, passUntil } from '#test/support/fake-clock.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway, type TestGateway } from '#test/support/gateway.ts';
import { startProgram } from '#test/support/program.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';

const MiB = 1024 * 1024;

async function assertServes(ftp: TestGateway): Promise<void> {
  await using client = await FtpClient.logIn(ftp.port);
  assert.equal((await client.store('alive', Buffer.from('x'))).code, 226);
}

test('a hundred resets on an open passive port harm nobody, and its owner still gets it', async () => {
  await using ftp = await startTestGateway({ words: { data_peer: 'same' } });
  await using client = await FtpClient.logIn(ftp.port);
  for (let round = 0; round < 100; round++) {
    const port = await client.passivePort();
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.resetAndDestroy();
  }
  assert.equal((await client.store('file', Buffer.from('content'))).code, 226);
  await assertServes(ftp);
});

test('a stranger on a passive port is closed and the transfer of its owner is untouched', async () => {
  await using ftp = await startTestGateway({ words: { data_peer: 'same' } });
  await using client = await FtpClient.logIn(ftp.port);
  const port = await client.passivePort();
  const stranger = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.9' });
  stranger.on('error', () => undefined);
  const gone = new Promise((resolve) => stranger.on('close', resolve));
  stranger.on('connect', () => stranger.write('stolen'));
  await gone;
  const data = connect({ port, host: '127.0.0.1' });
  await client.expect(150, 'STOR file');
  data.end('mine');
  assert.equal((await client.reply()).code, 226);
  assert.equal(String(await ftp.bytes('file')), 'mine');
});

test('64 MiB without a line end leave the process small and serving', async () => {
  await using directory = await temporaryDirectory();
  await using program = await startProgram({ args: ['serve', '--demo'], cwd: directory.path });
  const port = Number(program.listening['ftp_port']);
  await using client = await FtpClient.connect(port);
  const before = program.peakRssBytes();
  const chunk = Buffer.alloc(MiB, 'A');
  for (let sent = 0; sent < 64 && !client.socket.destroyed; sent++) {
    await new Promise((resolve) => {
      client.socket.write(chunk, resolve);
    });
  }
  await using other = await FtpClient.connect(port);
  await other.expect(200, 'NOOP');
  const growth = program.peakRssBytes() - before;
  assert.ok(growth < 32 * MiB, `${growth} bytes`);
});

test('clients that vanish between PASV and the data connection give their ports back', async () => {
  await using ftp = await startTestGateway({ passivePorts: 2, words: { data_peer: 'any' } });
  for (let round = 0; round < 6; round++) {
    const client = await FtpClient.logIn(ftp.port);
    await client.passivePort();
    client.socket.resetAndDestroy();
  }
  await until('all sessions to end', () => ftp.gateway.sessionCount === 0);
  await assertServes(ftp);
});

test('two transfers pipelined in one segment do not share a data connection', async () => {
  await using ftp = await startTestGateway();
  await ftp.cosd.inspect.put(ftp.cosd.bucket, 'file', 'content');
  await using client = await FtpClient.logIn(ftp.port);
  const data = await client.openData();
  const received: Buffer[] = [];
  data.on('data', (piece: Buffer) => received.push(piece));
  const ended = once(data, 'end');
  client.socket.write('RETR file\r\nRETR file\r\n');
  const codes = [await client.reply(), await client.reply(), await client.reply()].map(
    (r) => r.code,
  );
  assert.deepEqual(codes, [150, 226, 425]);
  await ended;
  assert.equal(String(Buffer.concat(received)), 'content');
});

test('a client without a login is closed when the login timer ends, whatever it sends', async () => {
  await using ftp = await startTestGateway({ timeouts: { loginMs: 200 } });
  await using client = await FtpClient.connect(ftp.port);
  const closed = once(client.socket, 'close');
  const busy = setInterval(() => client.send('NOOP'), 20);
  await closed;
  clearInterval(busy);
});

test('an idle session is closed with 421, but never during a transfer', async () => {
  const clock = fakeClock();
  await using ftp = await startTestGateway({ clock, timeouts: { idleMs: 30_000 } });
  await using client = await FtpClient.logIn(ftp.port);
  const data = await client.beginStore('slow');
  for (let sent = 1; sent <= 100; sent++) {
    data.write('x');
    await until('a byte to arrive', () => ftp.gateway.transfers[0]?.bytes === sent);
    await clock.advance(1_000); // three idle times in all
  }
  data.end();
  assert.equal((await client.reply()).code, 226);
  assert.equal((await passUntil(clock, client.reply())).code, 421);
});

test('a pattern made to be slow holds nobody up', async () => {
  await using ftp = await startTestGateway();
  const names = Array.from({ length: 2_000 }, (_, index) => `${'a'.repeat(240)}${index}`);
  ftp.cosd.inspect.fill(ftp.cosd.bucket, names, 'x');
  await using client = await FtpClient.logIn(ftp.port);
  const cpuSeconds = async (command: string) => {
    const before = process.cpuUsage();
    assert.equal((await client.read(command)).reply.code, 226);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  };
  await cpuSeconds('LIST');
  const plain = await cpuSeconds('LIST');
  const slow = await cpuSeconds(`LIST ${'a*'.repeat(400)}b`);
  assert.ok(slow < 5 * plain, `${slow} s CPU instead of ${plain}`);
});
