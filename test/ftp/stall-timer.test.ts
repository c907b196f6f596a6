import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StallTimer } from '#gateway/ftp/stall-timer.ts';
import { fakeClock } from '#test/support/fake-clock.ts';

const timeoutMs = 1000;

function startTimer() {
  const clock = fakeClock();
  let stalls = 0;
  const timer = new StallTimer(clock, timeoutMs, () => {
    stalls += 1;
  });
  timer.start();
  return { clock, timer, stalls: () => stalls };
}

describe('a stall timer', () => {
  for (const [silentMs, stalls] of [
    [timeoutMs - 1, 0],
    [timeoutMs, 1],
    [timeoutMs + 1, 1],
  ] as const) {
    test(`after ${silentMs} ms of silence has fired ${stalls} times`, async () => {
      const { clock, stalls: fired } = startTimer();
      await clock.advance(silentMs);
      assert.equal(fired(), stalls);
    });
  }

  test('counts from the last progress, to the millisecond', async () => {
    const { clock, timer, stalls } = startTimer();
    await clock.advance(999);
    timer.progress();
    await clock.advance(999);
    assert.equal(stalls(), 0);
    await clock.advance(1);
    assert.equal(stalls(), 1);
  });

  test('rests while we do not read, and starts from zero afterwards', async () => {
    const { clock, timer, stalls } = startTimer();
    await clock.advance(900);
    timer.rest();
    await clock.advance(60_000);
    assert.equal(stalls(), 0);
    assert.equal(clock.pendingTimers, 0);
    timer.start();
    await clock.advance(999);
    assert.equal(stalls(), 0);
    await clock.advance(1);
    assert.equal(stalls(), 1);
  });

  test('fires once, and holds no timer afterwards', async () => {
    const { clock, stalls } = startTimer();
    await clock.advance(10 * timeoutMs);
    assert.equal(stalls(), 1);
    assert.equal(clock.pendingTimers, 0);
  });
});
