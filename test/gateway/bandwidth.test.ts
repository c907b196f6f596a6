/** Bandwidth limits, seen by FTP clients. The gateway's time is virtual; its clients and its store are real. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { burstMs } from '#gateway/transfer/bandwidth.ts';
import { until } from '#test/support/condition.ts';
import { type FakeClock, fakeClock } from '#test/support/fake-clock.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { loadWords, type TestGateway } from '#test/support/gateway.ts';
import { seededRandom } from '#test/support/random.ts';
import { startTlsGateway } from '#test/support/tls-gateway.ts';

const KiB = 1024;
const rate = 256 * KiB;
const burstBytes = (rate * burstMs) / 1000;
/** What a client's TLS or its kernel may hand over in one piece. */
const pieceBytes = 64 * KiB;
const limits = { upload_bytes_per_second: rate, download_bytes_per_second: rate };
const content = Buffer.from(seededRandom(7).bytes(512 * KiB));

const movedBytes = (ftp: TestGateway): number[] => ftp.gateway.transfers.map(({ bytes }) => bytes);
const sum = (numbers: readonly number[]): number => numbers.reduce((one, two) => one + two, 0);

/** Every session of the gateway, as fast as it may, for `ms` of its time. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += 10) {
    await clock.advance(10);
    for (let turns = 0; turns < 5; turns += 1) await turn();
  }
}

/** Lets time pass until the work is done. @returns how long it took, at least. */
async function passUntil<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  let isDone = false;
  const settled = () => {
    isDone = true;
  };
  work.then(settled, settled);
  await until('the end of the work', async () => {
    await pass(clock, 100);
    return isDone;
  });
  return work;
}

const logIn = (port: number, protection: 'clear' | 'TLS') =>
  protection === 'clear' ? FtpClient.logIn(port) : FtpClient.logInSecurely(port);

for (const place of ['gateway', 'account'] as const) {
  for (const protection of ['clear', 'TLS'] as const) {
    for (const dataReading of ['direct', 'copied'] as const) {
      const words = place === 'gateway' ? { words: limits } : { account: limits };
      describe(`a limit of the ${place}, in ${protection}, ${dataReading} reads`, () => {
        test('holds an upload back, which ends as a file like any other', async () => {
          const clock = fakeClock();
          await using ftp = await startTlsGateway({ clock, dataReading, ...words });
          await using client = await logIn(ftp.port, protection);
          const startMs = clock.monotonicMs();
          const stored = client.store('file', content);
          await until('some bytes', () => sum(movedBytes(ftp)) > 0);
          await pass(clock, 500);
          const passedMs = clock.monotonicMs() - startMs;
          const mostBytes = (rate * passedMs) / 1000 + burstBytes + pieceBytes;
          assert.ok(sum(movedBytes(ftp)) <= mostBytes, `${sum(movedBytes(ftp))} of ${mostBytes}`);
          assert.equal((await passUntil(clock, stored)).code, 226);
          assert.ok((await ftp.bytes('file')).equals(content));
          const shortestMs = ((content.length - burstBytes) / rate) * 1000;
          assert.ok(clock.monotonicMs() - startMs >= shortestMs, 'not faster than the limit');
          const waited = await ftp.metric(
            'cosftp_bandwidth_wait_seconds_total{direction="upload"}',
          );
          assert.ok(waited >= shortestMs / 1000 - 1, `waited ${waited} s`);
        });

        test('holds a download back, which comes whole', async () => {
          const clock = fakeClock();
          await using ftp = await startTlsGateway({ clock, dataReading, ...words });
          await ftp.cosd.inspect.put(ftp.cosd.bucket, 'file', content);
          await using client = await logIn(ftp.port, protection);
          const startMs = clock.monotonicMs();
          const read = await passUntil(clock, client.read('RETR file'));
          assert.equal(read.reply.code, 226);
          assert.ok(read.bytes.equals(content));
          const shortestMs = ((content.length - burstBytes) / rate) * 1000;
          assert.ok(clock.monotonicMs() - startMs >= shortestMs, 'not faster than the limit');
        });
      });
    }
  }
}

describe('a transfer that waits for its limit', () => {
  const slow = { upload_bytes_per_second: KiB, download_bytes_per_second: KiB };

  test('does not look like a client that stalls', async () => {
    const clock = fakeClock();
    await using ftp = await startTlsGateway({
      clock,
      words: { ...slow, stall_seconds: 5 },
    });
    await using client = await FtpClient.logIn(ftp.port);
    const stored = client.store('file', content.subarray(0, 16 * KiB));
    assert.equal((await passUntil(clock, stored)).code, 226);
    assert.ok(clock.monotonicMs() > 12_000);
  });

  test('is aborted at once', async () => {
    const clock = fakeClock();
    await using ftp = await startTlsGateway({ clock, words: slow });
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'file', content);
    await using client = await FtpClient.logIn(ftp.port);
    const up = await client.beginStore('new');
    up.write(content);
    await until('some bytes', () => sum(movedBytes(ftp)) > 0);
    client.send('ABOR');
    assert.equal((await client.reply()).code, 426);
    assert.equal((await client.reply()).code, 226);
    await client.openData();
    await client.expect(150, 'RETR file');
    client.send('ABOR');
    assert.equal((await client.reply()).code, 426);
    assert.equal((await client.reply()).code, 226);
    assert.equal(clock.monotonicMs(), 0);
    assert.deepEqual(ftp.keys(), ['file']);
  });

  for (const [what, end, result] of [
    ['its client leaves', (client: FtpClient) => client.reset(), 'control-lost'],
    [
      'a drain reaches its deadline',
      (_client: FtpClient, ftp: TestGateway) =>
        void ftp.gateway.drain({ acceptMs: 0, deadlineMs: 0, idleMs: 0 }),
      'drain',
    ],
  ] as const) {
    test(`ends at once when ${what}`, async () => {
      const clock = fakeClock();
      await using ftp = await startTlsGateway({ clock, words: slow });
      await using client = await FtpClient.logIn(ftp.port);
      const up = await client.beginStore('new');
      up.write(content);
      await until('some bytes', () => sum(movedBytes(ftp)) > 0);
      end(client, ftp);
      await until('the end', async () => {
        await clock.advance(0);
        return ftp.lines.some((line) => line['reason'] === result);
      });
      assert.deepEqual(movedBytes(ftp), []);
      assert.deepEqual(ftp.keys(), []);
    });
  }

  test('leaves what it owes to the next one of its session', async () => {
    const clock = fakeClock();
    await using ftp = await startTlsGateway({ clock, words: slow });
    await using client = await FtpClient.logIn(ftp.port);
    const up = await client.beginStore('new');
    up.write(content.subarray(0, 4 * KiB));
    await until('some bytes', () => sum(movedBytes(ftp)) > 0);
    client.send('ABOR');
    assert.equal((await client.reply()).code, 426);
    assert.equal((await client.reply()).code, 226);
    const again = await client.beginStore('new');
    again.end('x');
    await pass(clock, 500);
    assert.deepEqual(movedBytes(ftp), [0]);
    assert.equal((await passUntil(clock, client.reply())).code, 226);
  });

  test('follows a changed configuration while it runs, both ways', async () => {
    const clock = fakeClock();
    await using ftp = await startTlsGateway({ clock, account: slow });
    await using client = await FtpClient.logIn(ftp.port);
    const stored = client.store('file', content);
    await until('some bytes', () => sum(movedBytes(ftp)) > 0);
    const reload = (changes: object) => {
      const accounts = [{ user: 'alice', password: 'secret', ...changes }];
      ftp.gateway.reload(() => loadWords({ ...ftp.words, accounts }).config, 'file');
    };
    reload(limits);
    await pass(clock, 1000);
    const before = sum(movedBytes(ftp));
    assert.ok(before > rate / 2 && before <= rate + burstBytes + 2 * pieceBytes, `${before}`);
    reload({});
    assert.equal((await stored).code, 226);
    assert.ok((await ftp.bytes('file')).equals(content));
  });
});

test('two sessions of an account share its limit, and another account does not notice', async () => {
  const clock = fakeClock();
  await using ftp = await startTlsGateway({
    clock,
    words: {
      accounts: [
        { user: 'alice', password: 'secret', ...limits },
        { user: 'bob', password: 'secret', prefix: 'bob/' },
      ],
    },
  });
  await using one = await FtpClient.logIn(ftp.port);
  await using two = await FtpClient.logInSecurely(ftp.port);
  await using free = await FtpClient.logIn(ftp.port, 'bob');
  const stores = [one.store('one', content), two.store('two', content)];
  await until('both', () => movedBytes(ftp).filter((bytes) => bytes > 0).length === 2);
  assert.equal((await free.store('free', content)).code, 226);
  await pass(clock, 1500);
  const moved = movedBytes(ftp);
  assert.ok(sum(moved) <= 1.5 * rate + burstBytes + 2 * pieceBytes, moved.join(' and '));
  assert.ok(
    Math.min(...moved) > 0.7 * Math.max(...moved),
    `in equal shares: ${moved.join(' and ')}`,
  );
  for (const reply of await passUntil(clock, Promise.all(stores))) assert.equal(reply.code, 226);
});
