/** Active mode through a whole gateway: the client listens, and only its own listener is connected to. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { until } from '#test/support/condition.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway } from '#test/support/gateway.ts';
import { proxyLine } from '#test/support/proxy-header.ts';

const MiB = 1024 * 1024;

const startActive = (words: Record<string, unknown> = {}) =>
  startTestGateway({ words: { active_mode: 'enabled', ...words } });

/** A data connection that is read from its first moment: a short file may be over before anyone waits for it. */
interface DataSocket {
  readonly socket: Socket;
  /** Everything up to the end of the stream; rejects when the connection breaks instead. */
  readonly content: Promise<Buffer>;
}

interface DataListener extends AsyncDisposable {
  readonly port: number;
  /** Arguments of PORT and EPRT. */
  readonly portArgument: string;
  readonly eprt: string;
  readonly sockets: DataSocket[];
  /** The next connection. */
  next(): Promise<DataSocket>;
}

async function listenForData(host = '127.0.0.1'): Promise<DataListener> {
  const sockets: DataSocket[] = [];
  const server = createServer((socket) => {
    const content = buffer(socket);
    content.catch(() => undefined);
    sockets.push({ socket, content });
  });
  server.listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  let taken = 0;
  return {
    port,
    portArgument: `${host.replaceAll('.', ',')},${port >>> 8},${port & 255}`,
    eprt: `|${host.includes(':') ? 2 : 1}|${host}|${port}|`,
    sockets,
    async next() {
      taken += 1;
      await until('a data connection', () => sockets.length >= taken);
      const socket = sockets[taken - 1];
      assert.ok(socket);
      return socket;
    },
    async [Symbol.asyncDispose]() {
      for (const { socket } of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('switched off', () => {
  test('PORT and EPRT say so and what to do instead, and FEAT does not have EPRT', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.logIn(ftp.port);
    for (const line of ['PORT 127,0,0,1,200,1', 'EPRT |1|127.0.0.1|51201|']) {
      assert.match((await client.expect(502, line)).text, /switched off.*EPSV or PASV/);
    }
    assert.doesNotMatch((await client.expect(211, 'FEAT')).text, /EPRT/);
    await client.expect(425, 'LIST');
  });
});

describe('switched on', () => {
  test('files of any size go both ways, by PORT and by EPRT, straight into memory', async () => {
    await using ftp = await startActive();
    await using data = await listenForData();
    await using client = await FtpClient.logIn(ftp.port);
    assert.match((await client.expect(211, 'FEAT')).text, /\n EPRT\n/);
    for (const [bytes, line] of [
      [0, `PORT ${data.portArgument}`],
      [70_000, `EPRT ${data.eprt}`],
      [6 * MiB, `PORT ${data.portArgument}`],
    ] as const) {
      const content = Buffer.alloc(bytes, 'content ');
      await client.expect(200, line);
      await client.expect(150, 'STOR file');
      (await data.next()).socket.end(content);
      assert.equal((await client.reply()).code, 226);
      assert.ok((await ftp.bytes('file')).equals(content));
      await client.expect(200, line);
      await client.expect(150, 'RETR file');
      const received = await (await data.next()).content;
      assert.ok(received.equals(content));
      assert.equal((await client.reply()).code, 226);
    }
    const connected = (mode: string) =>
      ftp.metric(`cosftp_data_connections_total{mode="${mode}",result="connected"}`);
    assert.deepEqual([await connected('port'), await connected('eprt')], [4, 2]);
  });

  test('IPv6 clients are connected to over IPv6', async (t) => {
    await using data = await listenForData('::1').catch(() => undefined);
    if (!data) return t.skip('no IPv6 here');
    await using ftp = await startActive({ listen_address: '::' });
    await using client = await FtpClient.connect(ftp.port, '::1');
    await client.authenticate();
    assert.match((await client.expect(522, 'EPRT |1|127.0.0.1|51201|')).text, /\(2\)/);
    await client.expect(504, 'PORT 127,0,0,1,200,1');
    await client.expect(200, `EPRT ${data.eprt}`);
    await client.expect(150, 'STOR file');
    (await data.next()).socket.end('six');
    assert.equal((await client.reply()).code, 226);
  });

  test('an IPv4 client of a dual-stack listener is met from the address it knows', async () => {
    await using ftp = await startActive({ listen_address: '::' });
    await using data = await listenForData();
    await using client = await FtpClient.connect(ftp.port, '127.0.0.5');
    await client.authenticate();
    await client.expect(200, `PORT ${data.portArgument}`);
    await client.expect(150, 'STOR file');
    const connection = await data.next();
    assert.equal(connection.socket.remoteAddress, '127.0.0.5');
    connection.socket.end('met');
    assert.equal((await client.reply()).code, 226);
  });

  test('nobody else is connected to, whatever data_peer says, and no privileged port', async () => {
    await using ftp = await startActive({ data_peer: 'any' });
    await using stranger = await listenForData('127.0.0.9');
    await using client = await FtpClient.logIn(ftp.port);
    for (const line of [
      `PORT ${stranger.portArgument}`,
      `EPRT ${stranger.eprt}`,
      'PORT 127,0,0,1,0,21',
      'PORT 127,0,0,1,3,255',
      'EPRT |1|127.0.0.1|1023|',
    ]) {
      await client.expect(504, line);
      await client.expect(425, 'LIST');
    }
    await client.expect(200, 'PORT 127,0,0,1,4,0');
    assert.equal(stranger.sockets.length, 0);
  });

  test('mistakes are 501 and end nothing', async () => {
    await using ftp = await startActive();
    await using client = await FtpClient.logIn(ftp.port);
    for (const line of ['PORT', 'PORT 127,0,0,1,300,999', 'EPRT', 'EPRT |1|127.0.0.1|x|']) {
      await client.expect(501, line);
    }
    assert.match((await client.expect(522, 'EPRT |2|::1|51201|')).text, /\(1\)/);
    await client.expect(200, 'NOOP');
  });

  test('after EPSV ALL nothing but EPSV opens data connections', async () => {
    await using ftp = await startActive();
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(200, 'EPSV ALL');
    for (const line of ['PORT 127,0,0,1,200,1', 'EPRT |1|127.0.0.1|51201|', 'PASV']) {
      await client.expect(501, line);
    }
    assert.equal((await client.store('file', Buffer.from('x'))).code, 226);
  });

  test('a port nobody listens on is 425, and the session goes on', async () => {
    await using ftp = await startActive();
    const gone = await listenForData();
    await gone[Symbol.asyncDispose]();
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(200, `PORT ${gone.portArgument}`);
    await client.expect(150, 'STOR file');
    assert.equal((await client.reply()).code, 425);
    assert.equal((await client.store('file', Buffer.from('x'))).code, 226);
  });

  test('PORT gives up a passive port, and PASV gives up what PORT named', async () => {
    await using ftp = await startActive();
    await using data = await listenForData();
    await using client = await FtpClient.logIn(ftp.port);
    await client.passivePort();
    await client.expect(200, `PORT ${data.portArgument}`);
    const busy = () => ftp.metric('cosftp_passive_ports{state="busy"}');
    assert.equal(await busy(), 0);
    assert.equal((await client.store('file', Buffer.from('x'))).code, 226);
    assert.equal(data.sockets.length, 0);
  });

  test('clients that leave before their connection stands harm nobody', async () => {
    await using ftp = await startActive();
    await using data = await listenForData();
    for (let round = 0; round < 50; round++) {
      const client = await FtpClient.logIn(ftp.port);
      client.send(`PORT ${data.portArgument}`);
      client.send('STOR file');
      if (round % 2 === 0) client.socket.resetAndDestroy();
      else client.socket.end();
    }
    await until('all sessions to end', () => ftp.gateway.sessionCount === 0);
    assert.deepEqual(ftp.keys(), []);
    await using client = await FtpClient.logIn(ftp.port);
    assert.equal((await client.store('file', Buffer.from('x'))).code, 226);
  });

  test('behind a balancer the announced client is the one that is connected to', async () => {
    await using ftp = await startActive({
      proxy_protocol: { mode: 'required', trusted: ['127.0.0.1'] },
    });
    await using data = await listenForData('127.0.0.7');
    await using client = await FtpClient.connectBehind(
      ftp.port,
      proxyLine({ source: '127.0.0.7' }),
    );
    await client.authenticate();
    await client.expect(504, 'PORT 127,0,0,1,200,1');
    await client.expect(200, `PORT ${data.portArgument}`);
    await client.expect(150, 'STOR file');
    (await data.next()).socket.end('seven');
    assert.equal((await client.reply()).code, 226);
    assert.equal(String(await ftp.bytes('file')), 'seven');
  });
});
