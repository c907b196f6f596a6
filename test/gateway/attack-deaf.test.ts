/** Clients that ask for much and read nothing: what they asked for is not fetched, and time is up for them. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '#test/support/condition.ts';
import { type FakeClock, fakeClock } from '#test/support/fake-clock.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway, type TestGateway } from '#test/support/gateway.ts';
import { startGatewayProgram } from '#test/support/gateway-program.ts';

const MiB = 1024 * 1024;
const stallMs = 120_000;
/** Three ranges of 8 MiB: one on its way to the client and two read ahead. */
const heldBytesMax = 24 * MiB;
/** Times HELP: far more than the kernel takes for a client that does not read. */
const asked = 20_000;
const replies = 'cosftp_replies_total{class="2xx"}';

type Count = () => number | Promise<number>;

/** Resolves when a count that has begun stays the same for a while: whatever could move has moved. */
async function settled(what: string, count: Count): Promise<number> {
  let last = 0;
  const isQuiet = async () => {
    const before = await count();
    await pause(500);
    last = await count();
    return before > 0 && last === before;
  };
  await until(`${what} to settle`, isQuiet, 60_000);
  return last;
}

/** Asks, and reads nothing of the data. */
async function ask(client: FtpClient, command: string): Promise<Socket> {
  const data = await client.openData();
  data.pause();
  await client.expect(150, command);
  return data;
}

/** The stall timer ends it, not a moment earlier, and nothing of it is left but its session. */
async function assertEnds(ftp: TestGateway, client: FtpClient, clock: FakeClock): Promise<void> {
  await clock.advance(stallMs - 1);
  await client.expect(200, 'NOOP');
  assert.equal(ftp.gateway.transfers.length, 1);
  await clock.advance(1);
  const { code, text } = await client.reply();
  assert.equal(code, 426);
  assert.match(text, /stalled/);
  await client.expect(200, 'NOOP');
  await until('its memory to be given back', async () => {
    return (await ftp.metric('cosftp_upload_buffer_bytes')) === 0;
  });
}

describe('data that nobody reads', () => {
  test('of RETR is not fetched, holds little memory, and ends with the stall timer', async () => {
    const clock = fakeClock();
    await using ftp = await startTestGateway({ clock });
    const bytes = Buffer.alloc(64 * MiB, 'deaf');
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'large', bytes);
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'small', 'content');
    await using client = await FtpClient.logIn(ftp.port);
    const data = await ask(client, 'RETR large');
    const sent = () => ftp.gateway.transfers[0]?.bytes ?? 0;
    const sentBytes = await settled('sending', sent);
    assert.ok(sentBytes < 32 * MiB, `${sentBytes} bytes are with the kernel`);
    const heldBytes = await ftp.metric('cosftp_upload_buffer_bytes');
    assert.ok(heldBytes <= heldBytesMax, `${heldBytes} bytes`);
    await using other = await FtpClient.logIn(ftp.port);
    assert.equal(String((await other.read('RETR small')).bytes), 'content');
    await assertEnds(ftp, client, clock);
    data.destroy();
  });

  test('of LIST is not asked for, and ends with the stall timer', async () => {
    const clock = fakeClock();
    await using ftp = await startTestGateway({ clock });
    const count = 100_000;
    const names = Array.from({ length: count }, (_, index) => `${'n'.repeat(200)}-${index}`);
    ftp.cosd.inspect.fill(ftp.cosd.bucket, names, 'x');
    await using client = await FtpClient.logIn(ftp.port);
    const data = await ask(client, 'LIST');
    const pages = await settled('listing', () => ftp.cosd.requests().GetBucket);
    assert.ok(pages < count / 1000 / 2, `${pages} pages were asked for`);
    await assertEnds(ftp, client, clock);
    data.destroy();
  });
});

describe('replies that nobody reads', () => {
  test('are not made: the client is served when it reads, in the memory of a few', async (t) => {
    if (process.platform !== 'linux') return t.skip('memory is read from /proc');
    await using gateway = await startGatewayProgram();
    const { port, program } = gateway;
    await using client = await FtpClient.logIn(port);
    const beforeBytes = program.rssBytes();
    program.forgetPeak();
    client.socket.pause();
    client.socket.write('HELP\r\n'.repeat(asked));
    const made = await settled('answering', () => gateway.metric(replies));
    assert.ok(made < asked, `${made} replies`);
    const grownBytes = program.peakRssBytes() - beforeBytes;
    t.diagnostic(`${(grownBytes / MiB).toFixed(1)} MiB more`);
    assert.ok(grownBytes < 16 * MiB, `${grownBytes} bytes`);
    await using other = await FtpClient.logIn(port);
    assert.equal((await other.store('file', Buffer.from('x'))).code, 226);
    client.socket.resume();
    for (let count = 0; count < asked; count++) assert.equal((await client.reply()).code, 214);
  });

  test('end their session after a minute', async () => {
    const clock = fakeClock();
    await using ftp = await startTestGateway({ clock });
    await using client = await FtpClient.logIn(ftp.port);
    client.socket.pause();
    client.socket.write('HELP\r\n'.repeat(asked));
    const made = await settled('answering', () => ftp.metric(replies));
    assert.ok(made < asked, `${made} replies`);
    await clock.advance(59_999);
    assert.equal(ftp.gateway.sessionCount, 1);
    await until('the session to be gone', async () => {
      await clock.advance(1);
      return ftp.gateway.sessionCount === 0;
    });
    client.socket.destroy();
  });
});
