/** How many sessions there may be, and how long they may take, from the client's side. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { until } from '#test/support/condition.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway, type TestGateway } from '#test/support/gateway.ts';
import { proxyLine } from '#test/support/proxy-header.ts';

const refusedFor = (ftp: TestGateway, reason: string) =>
  ftp.metric(`cosftp_sessions_refused_total{reason="${reason}"}`);

describe('sessions over', () => {
  test('max_sessions are told 421, and a free place is given again', async () => {
    await using ftp = await startTestGateway({ words: { max_sessions: 2 } });
    const first = await FtpClient.connect(ftp.port);
    await using second = await FtpClient.connect(ftp.port);
    for (let round = 0; round < 5; round++) {
      await using third = await FtpClient.connect(ftp.port);
      assert.equal(third.greeting.code, 421);
      assert.match(third.greeting.text, /Too many sessions/);
    }
    await first[Symbol.asyncDispose]();
    await until('a place', async () => {
      await using next = await FtpClient.connect(ftp.port);
      return next.greeting.code === 220;
    });
    await second.expect(200, 'NOOP');
    assert.ok((await refusedFor(ftp, 'max_sessions')) >= 5);
    const told = ftp.lines.filter(({ msg }) => msg === 'session refused');
    assert.equal(told.length, 1, 'a flood of clients is no flood of lines');
  });

  test('max_sessions_per_address are told 421 by the announced address, others are let in', async () => {
    await using ftp = await startTestGateway({
      words: {
        max_sessions_per_address: 2,
        proxy_protocol: { mode: 'required', trusted: ['127.0.0.1'] },
      },
    });
    const from = (source: string) => FtpClient.connectBehind(ftp.port, proxyLine({ source }));
    await using one = await from('192.0.2.1');
    await using two = await from('192.0.2.1');
    await using three = await from('192.0.2.1');
    await using other = await from('192.0.2.2');
    const codes = [one, two, three, other].map(({ greeting }) => greeting.code);
    assert.deepEqual(codes, [220, 220, 421, 220]);
    const privates = [await from('10.0.0.1'), await from('10.0.0.1'), await from('10.0.0.1')];
    for (const client of privates) {
      assert.equal(client.greeting.code, 220, 'a private network may hide many clients');
      await client[Symbol.asyncDispose]();
    }
    assert.equal(await refusedFor(ftp, 'max_sessions_per_address'), 1);
  });

  test('the limit of one account are told 530 and may log in as another, or later', async () => {
    await using ftp = await startTestGateway({
      words: {
        max_sessions_per_account: 1,
        accounts: [
          { user: 'alice', password: 'secret' },
          { user: 'bob', password: 'secret', max_sessions: 2 },
        ],
      },
    });
    await using first = await FtpClient.logIn(ftp.port);
    await using second = await FtpClient.connect(ftp.port);
    await second.expect(331, 'USER alice');
    assert.match((await second.expect(530, 'PASS secret')).text, /all its sessions/);
    await second.expect(503, 'PASS secret');
    await second.authenticate('bob');
    await using third = await FtpClient.logIn(ftp.port, 'bob');
    await third.expect(331, 'USER alice');
    await third.expect(530, 'PASS secret');
    await first.expect(220, 'REIN');
    await third.authenticate('alice');
    assert.equal(await refusedFor(ftp, 'max_sessions_per_account'), 2);
    assert.equal(await ftp.metric('cosftp_logins_total{result="limited"}'), 2);
  });
});

test('a flood of refused clients is cut off instead of answered, and does not keep its places', async () => {
  await using ftp = await startTestGateway({ words: { max_sessions: 1 } });
  await using first = await FtpClient.connect(ftp.port);
  let answered = 0;
  let over = 0;
  const flood = Array.from({ length: 400 }, () => {
    // Half-open: nobody answers the goodbye, so that each is kept for its whole time.
    const socket = connect({ port: ftp.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => undefined);
    socket.on('data', (text) => {
      assert.match(String(text), /^421 /);
      answered += 1;
    });
    socket
      .once('end', () => (over += 1))
      .once('close', () => (over += socket.readableEnded ? 0 : 1));
    return socket;
  });
  await until('all to be refused', () => over === flood.length);
  assert.equal(answered, 256);
  for (const socket of flood) socket.destroy();
  await until('the refused to be gone', () => ftp.gateway.sessionCount === 1);
  await first.expect(200, 'NOOP');
});

test('commands without a login are answered only so many times', async () => {
  await using ftp = await startTestGateway();
  await using client = await FtpClient.connect(ftp.port);
  const closed = once(client.socket, 'close');
  client.socket.write('NOOP\r\n'.repeat(1000));
  const codes: number[] = [];
  for (let reply = await client.replyOrEnd(); reply; reply = await client.replyOrEnd()) {
    codes.push(reply.code);
  }
  await closed;
  assert.deepEqual(codes, [...Array.from({ length: 500 }, () => 200), 421]);
  await using busy = await FtpClient.logIn(ftp.port);
  for (let round = 0; round < 600; round++) busy.send('NOOP');
  for (let round = 0; round < 600; round++) assert.equal((await busy.reply()).code, 200);
});

test('the times of the configuration count, also when they change', async () => {
  await using ftp = await startTestGateway({ words: { data_connect_seconds: 1 } });
  await using client = await FtpClient.logIn(ftp.port);
  await client.passivePort();
  await client.expect(150, 'STOR file');
  assert.equal((await client.reply()).code, 425);
});
