/** The control connection over TLS: AUTH and what belongs to it, word by word. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { until } from '#test/support/condition.ts';
import { fakeClock, passUntil } from '#test/support/fake-clock.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway } from '#test/support/gateway.ts';
import { startTlsGateway } from '#test/support/tls-gateway.ts';
import { recordTypes, WireTap } from '#test/support/wire-tap.ts';

describe('without a certificate', () => {
  test('every word of RFC 2228 is refused, and FEAT names none', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.connect(ftp.port);
    await client.expect(502, 'AUTH TLS');
    await client.expect(503, 'PBSZ 0');
    await client.expect(503, 'PROT P');
    await client.expect(533, 'CCC');
    const features = await client.expect(211, 'FEAT');
    assert.doesNotMatch(features.text, /AUTH|PBSZ|PROT/);
  });
});

test('FEAT names AUTH TLS, PBSZ and PROT', async () => {
  await using ftp = await startTlsGateway();
  await using client = await FtpClient.connect(ftp.port);
  const features = (await client.expect(211, 'FEAT')).text.split('\n');
  for (const line of [' AUTH TLS', ' PBSZ', ' PROT']) assert.ok(features.includes(line), line);
});

describe('AUTH', () => {
  for (const mechanism of ['TLS', 'tls', 'SSL', 'TLS-C']) {
    test(`${mechanism} is followed by a handshake, then by the login`, async () => {
      await using ftp = await startTlsGateway();
      await using client = await FtpClient.connect(ftp.port);
      await client.secure({}, mechanism);
      await client.expect(331, 'USER alice');
      await client.expect(230, 'PASS secret');
      await client.expect(257, 'PWD');
    });
  }

  for (const mechanism of ['TLS-P', 'KERBEROS_V4']) {
    test(`${mechanism} is unknown`, async () => {
      await using ftp = await startTlsGateway();
      await using client = await FtpClient.connect(ftp.port);
      await client.expect(504, `AUTH ${mechanism}`);
      await client.expect(331, 'USER alice');
    });
  }

  test('is refused once the connection is protected', async () => {
    await using ftp = await startTlsGateway();
    await using client = await FtpClient.logInSecurely(ftp.port);
    await client.expect(503, 'AUTH TLS');
    await client.expect(257, 'PWD');
  });

  test('logs out, and forgets what was said in clear', async () => {
    await using ftp = await startTlsGateway();
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(250, 'CWD /');
    await client.passivePort();
    await client.secure();
    await client.expect(530, 'PWD');
    await client.expect(503, 'PASS secret');
    await client.expect(331, 'USER alice');
    await client.expect(230, 'PASS secret');
    await client.expect(425, 'LIST');
  });

  test('drops commands that were sent behind it in clear', async () => {
    await using ftp = await startTlsGateway();
    await using client = await FtpClient.connect(ftp.port);
    await client.secure({}, 'TLS\r\nUSER alice\r\nPASS secret');
    assert.equal((await client.command('NOOP')).code, 200, 'no 331 comes first');
    await client.expect(530, 'PWD');
    const dropped = ftp.lines.find((line) => line.msg.endsWith('behind AUTH were dropped'));
    assert.deepEqual([dropped?.level, dropped?.['lines']], ['warn', 2]);
  });

  test('takes a handshake that comes right behind it, in the same segment', async () => {
    await using ftp = await startTlsGateway();
    for (let round = 0; round < 20; round++) {
      await using client = await FtpClient.connect(ftp.port);
      await client.secure();
      await client.expect(200, 'NOOP');
    }
    assert.equal(
      await ftp.metric('cosftp_tls_handshakes_total{channel="control",result="success"}'),
      20,
    );
  });
});

describe('a handshake that fails', () => {
  test('ends the session with a line for debugging and a count, and no error', async () => {
    await using ftp = await startTlsGateway();
    await using client = await FtpClient.connect(ftp.port);
    await client.expect(234, 'AUTH TLS');
    client.send('this is no handshake');
    await once(client.socket, 'close');
    await until('the session to end', () => ftp.gateway.sessionCount === 0);
    const failed = ftp.lines.find((line) => line.msg === 'tls handshake failed');
    assert.equal(failed?.level, 'debug');
    assert.match(String(failed?.['reason']), /ERR_SSL/);
    assert.deepEqual(
      ftp.lines.filter((line) => line.level === 'error'),
      [],
    );
    const count = 'cosftp_tls_handshakes_total{channel="control",result="failed"}';
    assert.equal(await ftp.metric(count), 1);
  });

  test('by silence ends after its own time', async () => {
    await using ftp = await startTlsGateway({ timeouts: { tlsHandshakeMs: 200 } });
    await using client = await FtpClient.connect(ftp.port);
    await client.expect(234, 'AUTH TLS');
    await once(client.socket, 'close');
    const count = 'cosftp_tls_handshakes_total{channel="control",result="timeout"}';
    assert.equal(await ftp.metric(count), 1);
  });

  test('by bytes that drip ends after the same time', async () => {
    await using ftp = await startTlsGateway({ timeouts: { tlsHandshakeMs: 300 } });
    await using client = await FtpClient.connect(ftp.port);
    await client.expect(234, 'AUTH TLS');
    const drip = setInterval(() => client.socket.write(Buffer.from([22])), 20);
    await once(client.socket, 'close');
    clearInterval(drip);
    await until('the session to end', () => ftp.gateway.sessionCount === 0);
  });

  test('because TLS 1.3 alone is offered, where 1.2 is the highest', async () => {
    await using ftp = await startTlsGateway();
    await using client = await FtpClient.connect(ftp.port);
    await assert.rejects(client.secure({ minVersion: 'TLSv1.3' }));
    await until('the session to end', () => ftp.gateway.sessionCount === 0);
  });
});

describe('versions', () => {
  const versions = [
    ['1.0', 'TLSv1'],
    ['1.1', 'TLSv1.1'],
    ['1.2', 'TLSv1.2'],
    ['1.3', 'TLSv1.3'],
  ] as const;
  for (const [word, protocol] of versions) {
    test(`min_version and max_version ${word} speak ${protocol} and nothing else`, async () => {
      await using ftp = await startTlsGateway({ tls: { min_version: word, max_version: word } });
      await using client = await FtpClient.connect(ftp.port);
      await client.secure({
        minVersion: 'TLSv1',
        maxVersion: 'TLSv1.3',
        ciphers: 'DEFAULT:@SECLEVEL=0',
      });
      assert.equal(client.protocol, protocol);
      await client.expect(331, 'USER alice');
    });
  }

  test('1.1 is not spoken by default, whatever the client allows itself', async () => {
    await using ftp = await startTlsGateway();
    await using client = await FtpClient.connect(ftp.port);
    await assert.rejects(
      client.secure({
        minVersion: 'TLSv1',
        maxVersion: 'TLSv1.1',
        ciphers: 'DEFAULT:@SECLEVEL=0',
      }),
    );
  });
});

describe('PBSZ and PROT', () => {
  test('come after AUTH, PROT after PBSZ, before or after the login', async () => {
    await using ftp = await startTlsGateway();
    await using client = await FtpClient.connect(ftp.port);
    await client.expect(503, 'PBSZ 0');
    await client.expect(503, 'PROT P');
    await client.secure();
    await client.expect(503, 'PROT P');
    assert.match((await client.expect(200, 'PBSZ 16384')).text, /PBSZ=0/);
    await client.expect(501, 'PBSZ many');
    await client.expect(200, 'PROT p');
    await client.expect(200, 'PROT C');
    await client.expect(536, 'PROT S');
    await client.expect(536, 'PROT E');
    await client.expect(504, 'PROT X');
  });

  test('CCC is refused', async () => {
    await using ftp = await startTlsGateway();
    await using client = await FtpClient.logInSecurely(ftp.port);
    await client.expect(534, 'CCC');
    await client.expect(257, 'PWD');
  });

  test('PROT P before USER holds for whoever logs in', async () => {
    await using ftp = await startTlsGateway();
    await using client = await FtpClient.connect(ftp.port);
    await client.secure();
    await client.expect(200, 'PBSZ 0');
    await client.expect(200, 'PROT P');
    await client.expect(331, 'USER alice');
    await client.expect(230, 'PASS secret');
    const data = client.protect(await client.openData());
    data.on('secureConnect', () => data.end('not in clear'));
    data.resume();
    await client.expect(150, 'STOR file');
    assert.equal((await client.reply()).code, 226);
    assert.equal(String(await ftp.bytes('file')), 'not in clear');
  });

  test('REIN logs out, keeps TLS and takes PROT back', async () => {
    await using ftp = await startTlsGateway();
    await using client = await FtpClient.logInSecurely(ftp.port);
    await client.expect(220, 'REIN');
    await client.expect(530, 'PWD');
    await client.expect(503, 'PROT P');
  });
});

describe('tls.required', () => {
  test('refuses user names and passwords in clear', async () => {
    await using ftp = await startTlsGateway({ tls: { required: true } });
    await using client = await FtpClient.connect(ftp.port);
    assert.match((await client.expect(530, 'USER alice')).text, /AUTH TLS/);
    await client.expect(530, 'PASS secret');
    await client.expect(211, 'FEAT');
    await client.secure();
    await client.expect(331, 'USER alice');
    await client.expect(230, 'PASS secret');
  });

  test('refuses data in clear, and lets nobody choose it', async () => {
    await using ftp = await startTlsGateway({ tls: { required: true } });
    await using client = await FtpClient.connect(ftp.port);
    await client.secure();
    await client.expect(331, 'USER alice');
    await client.expect(230, 'PASS secret');
    const data = await client.openData();
    assert.match((await client.expect(521, 'STOR file')).text, /PROT P/);
    await client.expect(521, 'LIST');
    await client.expect(200, 'PBSZ 0');
    await client.expect(534, 'PROT C');
    await client.expect(200, 'PROT P');
    data.destroy();
    assert.equal((await client.store('file', Buffer.from('x'))).code, 226);
  });
});

test('QUIT is answered, then TLS ends by close_notify before TCP does', async () => {
  await using ftp = await startTlsGateway();
  const socket = connect(ftp.port, '127.0.0.1');
  await once(socket, 'data');
  socket.write('AUTH TLS\r\n');
  await once(socket, 'data');
  socket.removeAllListeners('data');
  const tap = new WireTap(socket);
  const secured = tlsConnect({ socket: tap, rejectUnauthorized: false });
  await once(secured, 'secureConnect');
  secured.resume();
  secured.write('QUIT\r\n');
  await until('the end', () => tap.hasFin);
  assert.deepEqual(tap.records.slice(-2), [recordTypes.data, recordTypes.alert]);
  secured.destroy();
});

test('a client that leaves the TLS session in order or by reset ends the FTP session', async () => {
  await using ftp = await startTlsGateway();
  const orderly = await FtpClient.logInSecurely(ftp.port);
  const resetting = await FtpClient.logInSecurely(ftp.port);
  orderly.socket.end();
  resetting.reset();
  await until('both sessions to end', () => ftp.gateway.sessionCount === 0);
  const ended = 'cosftp_sessions_total{tls="explicit"}';
  assert.equal(await ftp.metric(ended), 2);
});

test('a login that was given up has its time limit again', async () => {
  const clock = fakeClock();
  await using ftp = await startTlsGateway({ clock, timeouts: { idleMs: 3_600_000 } });
  await using client = await FtpClient.logIn(ftp.port);
  await client.expect(220, 'REIN');
  assert.equal((await passUntil(clock, client.reply())).code, 421);
  assert.ok(clock.monotonicMs() < 3_600_000, 'it is not the idle time');
});
