import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GiB, KiB, MiB } from '#gateway/kit/bytes.ts';
import { BandwidthLimit, burstMs, newFlow } from '#gateway/transfer/bandwidth.ts';
import { Pace } from '#gateway/transfer/pace.ts';
import { type FakeClock, fakeClock } from '#test/support/fake-clock.ts';

const rate = 100 * KiB;
/** What an unused limit lets pass at once. */
const burstBytes = (rate * burstMs) / 1000;

function limitOf(bytesPerSecond = rate) {
  const clock = fakeClock();
  return { clock, limit: new BandwidthLimit(clock, bytesPerSecond) };
}

/** A session that always has more: it moves `stepBytes` whenever it may. */
function greedy(clock: FakeClock, limits: readonly BandwidthLimit[], stepBytes: number) {
  const pace = new Pace({ limits, clock });
  const session = { bytes: 0, pace, isOver: false };
  const move = (): void => {
    while (!session.isOver) {
      session.bytes += stepBytes;
      pace.spend(stepBytes);
      const wait = pace.wait();
      if (wait) return void wait.then(move);
    }
  };
  move();
  return session;
}

function near(actual: number, expected: number, tolerance: number): void {
  const message = `${actual} is not within ${tolerance} of ${expected}`;
  assert.ok(Math.abs(actual - expected) <= tolerance, message);
}

describe('a bandwidth limit', () => {
  for (const [bytes, must] of [
    [burstBytes - 1, 'go on at once'],
    [burstBytes, 'go on at once'],
    [burstBytes + 1, 'wait'],
  ] as const) {
    test(`that was not used lets who moved ${bytes} bytes ${must}`, () => {
      const { limit } = limitOf();
      const flow = newFlow();
      limit.spend(flow, bytes);
      assert.equal(limit.passed(flow) === undefined, must === 'go on at once');
    });
  }

  for (const [atMs, isPassed] of [
    [999, false],
    [1000, true],
    [1001, true],
  ] as const) {
    test(`lets one second's bytes beyond the burst pass: at ${atMs} ms ${isPassed}`, async () => {
      const { clock, limit } = limitOf();
      const flow = newFlow();
      limit.spend(flow, burstBytes + rate);
      await clock.advance(atMs);
      assert.equal(limit.passed(flow) === undefined, isPassed);
    });
  }

  test('of nothing counts nothing and sets no timer', () => {
    const { clock, limit } = limitOf(0);
    const flow = newFlow();
    limit.spend(flow, GiB);
    assert.equal(limit.passed(flow), undefined);
    assert.equal(limit.stepBytes, Infinity);
    assert.equal(clock.pendingTimers, 0);
  });

  for (const [bytesPerSecond, stepBytes] of [
    [KiB, KiB],
    [20 * KiB - 1, KiB],
    [20 * KiB + 20, KiB + 1],
    [20 * MiB - 20, MiB - 1],
    [20 * MiB, MiB],
    [GiB, MiB],
  ] as const) {
    test(`of ${bytesPerSecond} bytes a second goes in steps of ${stepBytes}`, () => {
      assert.equal(limitOf(bytesPerSecond).limit.stepBytes, stepBytes);
    });
  }

  test('keeps its rate over a minute, whatever the steps', async () => {
    for (const stepBytes of [KiB, 5 * KiB, 64 * KiB]) {
      const { clock, limit } = limitOf();
      const session = greedy(clock, [limit], stepBytes);
      await clock.advance(60_000);
      near(session.bytes, 60 * rate + burstBytes, stepBytes);
    }
  });

  test('never lets a pause become a flood', async () => {
    const { clock, limit } = limitOf();
    const flow = newFlow();
    limit.spend(flow, burstBytes + 1);
    await clock.advance(3_600_000);
    limit.spend(flow, burstBytes);
    assert.equal(limit.passed(flow), undefined);
    limit.spend(flow, 1);
    assert.notEqual(limit.passed(flow), undefined);
  });
});

describe('sessions that share a limit', () => {
  test('get the same, though one moves a lot more at a time', async () => {
    const { clock, limit } = limitOf();
    const small = greedy(clock, [limit], 4 * KiB);
    const large = greedy(clock, [limit], 64 * KiB);
    await clock.advance(60_000);
    near(small.bytes, 30 * rate, 64 * KiB + burstBytes);
    near(large.bytes, 30 * rate, 64 * KiB + burstBytes);
  });

  test('let one with little to send go before thirty that never end', async () => {
    const { clock, limit } = limitOf();
    for (let count = 0; count < 30; count += 1) greedy(clock, [limit], limit.stepBytes);
    await clock.advance(10_000);
    const little = newFlow();
    for (let round = 0; round < 20; round += 1) {
      limit.spend(little, 100);
      await clock.advance(100);
      assert.equal(limit.passed(little), undefined, `round ${round}`);
      await clock.advance(500);
    }
  });

  test('do not starve behind many that come and go', async () => {
    const { clock, limit } = limitOf();
    const lasting = greedy(clock, [limit], 5 * KiB);
    await clock.advance(1000);
    const before = lasting.bytes;
    for (let second = 0; second < 30; second += 1) {
      const passing = [1, 2, 3].map(() => greedy(clock, [limit], 5 * KiB));
      await clock.advance(1000);
      for (const session of passing) {
        session.isOver = true;
        session.pace.close();
      }
    }
    near(lasting.bytes - before, (30 * rate) / 4, 3 * rate);
  });

  test('of one step each do not starve one with a large step', async () => {
    const { clock, limit } = limitOf();
    const large = newFlow();
    limit.spend(large, 64 * KiB);
    for (let count = 0; count < 200 && limit.passed(large); count += 1) {
      for (let newcomers = 0; newcomers < 3; newcomers += 1) limit.spend(newFlow(), 5 * KiB);
      await clock.advance(100);
    }
    assert.equal(limit.passed(large), undefined);
  });

  test('leave what one does not use to the others', async () => {
    const { clock, limit: gateway } = limitOf();
    const account = new BandwidthLimit(clock, rate / 10);
    const slow = greedy(clock, [account, gateway], KiB);
    const fast = greedy(clock, [gateway], 5 * KiB);
    await clock.advance(60_000);
    near(slow.bytes, 6 * rate, rate / 10);
    near(fast.bytes, 54 * rate, rate / 2);
  });

  test('wait no longer for one that is gone', async () => {
    const { clock, limit } = limitOf();
    const [gone, next] = [newFlow(), newFlow()];
    limit.spend(gone, 100 * rate);
    const left = limit.passed(gone);
    limit.spend(next, KiB);
    limit.leave(gone);
    await left;
    await clock.advance(10);
    assert.equal(limit.passed(next), undefined);
    assert.equal(limit.waiting, 0);
    assert.equal(clock.pendingTimers, 0);
  });
});

describe('a limit that changes', () => {
  test('counts at once, up and down', async () => {
    const { clock, limit } = limitOf();
    const session = greedy(clock, [limit], KiB);
    for (const factor of [1, 4, 0.5]) {
      limit.change(rate * factor);
      const before = session.bytes;
      await clock.advance(10_000);
      near(session.bytes - before, 10 * rate * factor, burstBytes * Math.max(1, factor) + KiB);
    }
  });

  test('to nothing lets everybody go on', async () => {
    const { clock, limit } = limitOf();
    const flows = [newFlow(), newFlow()];
    for (const flow of flows) limit.spend(flow, 100 * rate);
    limit.change(0);
    for (const flow of flows) assert.equal(limit.passed(flow), undefined);
    assert.equal(clock.pendingTimers, 0);
  });

  test('from very slow to very fast is no credit for the time before', async () => {
    const { clock, limit } = limitOf(KiB);
    const flow = newFlow();
    limit.spend(flow, 100 * KiB);
    await clock.advance(60_000);
    limit.change(MiB);
    const other = newFlow();
    limit.spend(other, MiB);
    assert.notEqual(limit.passed(other), undefined);
  });
});

test('a pace tells how long it waited, all limits at once', async () => {
  const clock = fakeClock();
  const limits = [new BandwidthLimit(clock, rate), new BandwidthLimit(clock, 2 * rate)];
  const waits: number[] = [];
  const pace = new Pace({ limits, clock, onWaited: (seconds) => waits.push(seconds) });
  pace.spend(burstBytes + rate);
  const wait = pace.wait();
  assert.notEqual(wait, undefined);
  await clock.advance(999);
  assert.deepEqual(waits, []);
  await clock.advance(1);
  await wait;
  assert.deepEqual(waits, [1]);
  assert.equal(pace.wait(), undefined);
});
