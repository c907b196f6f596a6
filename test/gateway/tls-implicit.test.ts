/** Implicit FTPS: a port of its own on which TLS comes before the first word. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { until } from '#test/support/condition.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { proxyLine } from '#test/support/proxy-header.ts';
import {
  startTlsGateway,
  type TlsGateway,
  type TlsGatewayOptions,
} from '#test/support/tls-gateway.ts';

const startImplicit = (options: TlsGatewayOptions = {}) =>
  startTlsGateway({ ...options, tls: { implicit_port: 0, ...options.tls } });
const portOf = ({ gateway }: TlsGateway) => gateway.ftpsPort ?? assert.fail('no implicit port');
const handshakes = (result: string) =>
  `cosftp_tls_handshakes_total{channel="control",result="${result}"}`;

test('handshake, greeting, login, and protected data without PBSZ and PROT', async () => {
  await using ftp = await startImplicit();
  await using client = await FtpClient.connectImplicitly(portOf(ftp));
  assert.equal(client.greeting.code, 220);
  await client.authenticate();
  assert.equal((await client.store('file', Buffer.from('implicit'))).code, 226);
  assert.equal(String((await client.read('RETR file')).bytes), 'implicit');
  await client.expect(503, 'AUTH TLS');
  await client.expect(200, 'PROT C');
  await client.expect(220, 'REIN');
  await client.authenticate();
  assert.equal((await client.store('again', Buffer.from('x'))).code, 226, 'PROT P is back');
  client.send('QUIT');
  await once(client.socket, 'close');
  assert.equal(await ftp.metric('cosftp_sessions_total{tls="implicit"}'), 1);
});

test('both ports serve at once, and tls.required is satisfied by the implicit one', async () => {
  await using ftp = await startImplicit({ tls: { required: true } });
  await using explicit = await FtpClient.logInSecurely(ftp.port);
  await using implicit = await FtpClient.connectImplicitly(portOf(ftp));
  await implicit.authenticate();
  await explicit.expect(257, 'PWD');
  await implicit.expect(257, 'PWD');
});

test('with session_reuse required data connections resume the implicit session', async () => {
  await using ftp = await startImplicit({ tls: { session_reuse: 'required' } });
  await using client = await FtpClient.connectImplicitly(portOf(ftp));
  await client.authenticate();
  assert.equal((await client.store('file', Buffer.from('x'))).code, 226);
});

test('a balancer announces its clients before the handshake', async () => {
  await using ftp = await startImplicit({
    words: { proxy_protocol: { mode: 'required', trusted: ['127.0.0.0/8'] } },
  });
  const socket = connect(portOf(ftp), '127.0.0.1');
  socket.write(proxyLine({ source: '198.51.100.7' }));
  const secured = tlsConnect({ socket, rejectUnauthorized: false });
  const [greeting] = (await once(secured, 'data')) as [Buffer];
  assert.match(String(greeting), /^220 /);
  const line = ftp.lines.find(({ msg }) => msg === 'session opened');
  assert.equal(line?.['peer'], '198.51.100.7');
  secured.destroy();
});

describe('a handshake that fails', () => {
  test('is a line for debugging and a count: no session, no error', async () => {
    await using ftp = await startImplicit();
    for (let count = 0; count < 30; count++) {
      const socket = connect(portOf(ftp), '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write('USER alice\r\n');
      await once(socket.resume(), 'close');
    }
    assert.equal(await ftp.metric(handshakes('failed')), 30);
    const loud = ftp.lines.filter(
      ({ level, msg }) => level !== 'debug' && /tls|handshake/.test(msg),
    );
    assert.deepEqual(loud, []);
    assert.equal(ftp.lines.filter(({ msg }) => msg === 'session opened').length, 0);
  });

  test('by leaving or by a reset counts as a timeout', async () => {
    await using ftp = await startImplicit();
    const leaving = connect(portOf(ftp), '127.0.0.1');
    await once(leaving, 'connect');
    leaving.destroy();
    const resetting = connect(portOf(ftp), '127.0.0.1');
    await once(resetting, 'connect');
    resetting.write(Buffer.from([22, 3, 1]));
    resetting.resetAndDestroy();
    const gone = () => ftp.lines.filter(({ msg }) => msg === 'tls handshake failed').length === 2;
    await until('both to be noticed', gone);
    assert.equal(await ftp.metric(handshakes('timeout')), 2);
  });

  test('by silence ends after its own time, whatever the login may take', async () => {
    await using ftp = await startImplicit({ timeouts: { tlsHandshakeMs: 200 } });
    const socket = connect(portOf(ftp), '127.0.0.1').resume();
    await once(socket, 'close');
    assert.equal(await ftp.metric(handshakes('timeout')), 1);
  });
});

test('a thousand silent clients keep nobody out, and one more is closed at once', async () => {
  await using ftp = await startImplicit({ timeouts: { tlsHandshakeMs: 60_000 } });
  let closed = 0;
  const silent = Array.from({ length: 1_025 }, () => {
    const socket = connect(portOf(ftp), '127.0.0.1').resume();
    socket.on('error', () => undefined);
    socket.on('close', () => closed++);
    return socket;
  });
  await until('one to be refused', () => closed === 1, 15_000);
  assert.equal(await ftp.metric('cosftp_sessions_refused_total{reason="tls_handshakes"}'), 1);
  await using explicit = await FtpClient.logInSecurely(ftp.port);
  await explicit.expect(257, 'PWD');
  assert.equal(closed, 1);
  for (const socket of silent) socket.destroy();
});

test('a gateway that ends does not wait for handshakes', async () => {
  const ftp = await startImplicit();
  const socket = connect(portOf(ftp), '127.0.0.1').resume();
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  await ftp[Symbol.asyncDispose]();
  await closed;
});

test('a port that is taken is a sentence with its word', async () => {
  await using ftp = await startImplicit();
  const taken = startImplicit({ tls: { implicit_port: portOf(ftp) } });
  await assert.rejects(taken, /tls.implicit_port \d+: the port is in use/);
});
