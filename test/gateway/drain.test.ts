/** An orderly end: who is still served, who is told to go, and when it is over. Time is virtual. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '#test/support/condition.ts';
import { type FakeClock, fakeClock } from '#test/support/fake-clock.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway, type TestGateway } from '#test/support/gateway.ts';

const options = { acceptMs: 10_000, deadlineMs: 60_000, idleMs: 15_000 };

interface Drain {
  isOver: boolean;
}

async function startDrain(
  ftp: TestGateway,
  clock: FakeClock,
  changes: object = {},
): Promise<Drain> {
  const drain = { isOver: false };
  void ftp.gateway.drain({ ...options, ...changes }).then(() => {
    drain.isOver = true;
  });
  await clock.advance(0);
  return drain;
}

/** Virtual polls until real sockets have done their part. */
async function polls(clock: FakeClock, what: string, holds: () => boolean): Promise<void> {
  await until(what, async () => {
    if (!holds()) await clock.advance(100);
    return holds();
  });
}

const ready = async (ftp: TestGateway) =>
  (await fetch(`http://127.0.0.1:${ftp.gateway.adminPort}/readyz`)).status;

const metric = async (ftp: TestGateway, name: string) => {
  const text = await (await fetch(`http://127.0.0.1:${ftp.gateway.adminPort}/metrics`)).text();
  return new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1];
};

describe('a drain', () => {
  test('serves new sessions for acceptMs and greets them 421 from then on', async () => {
    const clock = fakeClock();
    await using ftp = await startTestGateway({ clock });
    const drain = await startDrain(ftp, clock);
    await clock.advance(options.acceptMs - 1);
    await using late = await FtpClient.logIn(ftp.port);
    assert.equal((await late.store('late', Buffer.from('x'))).code, 226);
    await clock.advance(1);
    await using refused = await FtpClient.connect(ftp.port);
    assert.equal(refused.greeting.code, 421);
    assert.equal((await late.store('later', Buffer.from('x'))).code, 226, 'passive ports go on');
    assert.equal(await ready(ftp), 200);
    assert.equal(await metric(ftp, 'cosftp_draining'), '1');
    assert.equal(drain.isOver, false);
    late.send('QUIT');
    await polls(clock, 'the end', () => drain.isOver);
  });

  test('with nobody there lasts acceptMs, and no time at all without it', async () => {
    const clock = fakeClock();
    await using ftp = await startTestGateway({ clock });
    const drain = await startDrain(ftp, clock);
    await clock.advance(options.acceptMs - 1);
    assert.equal(drain.isOver, false);
    await clock.advance(1);
    assert.equal(drain.isOver, true);
    assert.equal((await startDrain(ftp, clock, { acceptMs: 0 })).isOver, true);
  });

  test('keeps a session that was idle before while new ones are served, then says 421', async () => {
    const clock = fakeClock();
    await using ftp = await startTestGateway({ clock });
    await using client = await FtpClient.logIn(ftp.port);
    await clock.advance(100_000);
    const drain = await startDrain(ftp, clock);
    await clock.advance(options.acceptMs - 1);
    await client.expect(200, 'NOOP');
    await clock.advance(options.idleMs - 1_000);
    await client.expect(200, 'NOOP');
    await clock.advance(options.idleMs - 100);
    assert.equal(client.replies.length, 0);
    await clock.advance(200);
    assert.equal((await client.reply()).text, '421 Server is stopping');
    await polls(clock, 'the end', () => drain.isOver);
  });

  test('counts idle time from the end of a transfer, and a transfer is never idle', async () => {
    const clock = fakeClock();
    await using ftp = await startTestGateway({ clock });
    await using client = await FtpClient.logIn(ftp.port);
    const data = await client.beginStore('slow');
    data.write('first ');
    const drain = await startDrain(ftp, clock);
    await clock.advance(options.acceptMs + options.idleMs + 10_000);
    data.end('last');
    assert.equal((await client.reply()).code, 226);
    await clock.advance(options.idleMs - 200);
    assert.equal((await client.store('next', Buffer.from('x'))).code, 226);
    assert.equal((await ftp.bytes('slow')).toString(), 'first last');
    await clock.advance(options.idleMs + 100);
    assert.equal((await client.reply()).code, 421);
    await polls(clock, 'the end', () => drain.isOver);
  });

  test('cuts what still runs at the deadline and leaves nothing open in the store', async () => {
    const clock = fakeClock();
    await using ftp = await startTestGateway({ clock });
    await using client = await FtpClient.logIn(ftp.port);
    const data = await client.beginStore('endless');
    data.write(Buffer.alloc(3 * 1024 * 1024));
    await until('a part', () => ftp.openUploads() === 1);
    const drain = await startDrain(ftp, clock);
    await clock.advance(options.deadlineMs - 100);
    assert.equal(client.replies.length, 0);
    await clock.advance(200);
    await polls(clock, 'the end', () => drain.isOver);
    assert.equal((await client.reply()).code, 426);
    assert.deepEqual([ftp.openUploads(), ftp.keys()], [0, []]);
    assert.ok(ftp.lines.some(({ msg }) => msg === 'drain deadline passed'));
  });

  test('ends although probes keep connecting', async () => {
    const clock = fakeClock();
    await using ftp = await startTestGateway({ clock });
    const drain = await startDrain(ftp, clock);
    await using client = await FtpClient.logIn(ftp.port);
    await clock.advance(options.acceptMs);
    await using probe = await FtpClient.connect(ftp.port);
    await using other = await FtpClient.connect(ftp.port);
    assert.deepEqual([probe.greeting.code, other.greeting.code], [421, 421]);
    client.send('QUIT');
    await polls(clock, 'the end', () => drain.isOver);
  });
});

describe('readiness', () => {
  test('needs one passive port, and neither the store nor an address', async () => {
    const words = { masquerade_address_file: '/nowhere/address' };
    await using ftp = await startTestGateway({ words });
    await ftp.cosd.close();
    assert.equal(await ready(ftp), 200);
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(425, 'PASV');
    await client.expect(229, 'EPSV');
    assert.equal(await metric(ftp, 'cosftp_masquerade_info\\{source="none"\\}'), '1');
    await client.store('x', Buffer.from('x')).catch(() => undefined);
    const connections = (mode: string, result: string) =>
      metric(ftp, `cosftp_data_connections_total\\{mode="${mode}",result="${result}"\\}`);
    assert.equal(await connections('pasv', 'no-address'), '1');
    assert.equal(await connections('epsv', 'connected'), '1');
    assert.equal(await metric(ftp, 'cosftp_data_connect_wait_seconds_count'), '1');
    await using none = await startTestGateway({ passivePorts: 0 });
    assert.equal(await ready(none), 503);
  });
});
