import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Throttle, type ThrottleOptions } from '#gateway/auth/throttle.ts';
import { NetworkSet } from '#gateway/kit/networks.ts';
import { type FakeClock, fakeClock } from '#test/support/fake-clock.ts';

const stranger = '203.0.113.9';
const minuteMs = 60_000;

function build(options: Partial<ThrottleOptions> = {}): { clock: FakeClock; throttle: Throttle } {
  const clock = fakeClock();
  return { clock, throttle: new Throttle({ clock, ...options }) };
}

function fail(throttle: Throttle, address: string, times: number): number[] {
  return Array.from({ length: times }, () => throttle.noteFailure(address));
}

test('answers take longer from the third failure on, up to 8 s', () => {
  const { throttle } = build();
  assert.deepEqual(fail(throttle, stranger, 9), [0, 0, 1000, 2000, 4000, 8000, 8000, 8000, 8000]);
});

describe('the tenth failure within ten minutes', () => {
  test('shuts the address out, the ninth does not', () => {
    const { throttle } = build();
    fail(throttle, stranger, 9);
    assert.equal(throttle.retryAfterMs(stranger), 0);
    throttle.noteFailure(stranger);
    assert.equal(throttle.retryAfterMs(stranger), 10 * minuteMs);
  });

  test('shuts nobody else out', () => {
    const { throttle } = build();
    fail(throttle, stranger, 10);
    assert.equal(throttle.retryAfterMs('203.0.113.10'), 0);
  });

  test('counts only while the first is younger than ten minutes', async () => {
    for (const [laterMs, isShutOut] of [
      [10 * minuteMs - 1, true],
      [10 * minuteMs, false],
    ] as const) {
      const { clock, throttle } = build();
      throttle.noteFailure(stranger);
      await clock.advance(laterMs);
      fail(throttle, stranger, 9);
      assert.equal(throttle.retryAfterMs(stranger) > 0, isShutOut);
    }
  });

  test('is forgiven after ten minutes, and counting begins anew', async () => {
    const { clock, throttle } = build();
    fail(throttle, stranger, 10);
    await clock.advance(10 * minuteMs - 1);
    assert.equal(throttle.retryAfterMs(stranger), 1);
    await clock.advance(1);
    assert.equal(throttle.retryAfterMs(stranger), 0);
    assert.deepEqual(fail(throttle, stranger, 3), [0, 0, 1000]);
  });
});

describe('a success', () => {
  test('forgets the failures before it', () => {
    const { throttle } = build();
    fail(throttle, stranger, 9);
    throttle.noteSuccess(stranger);
    assert.deepEqual(fail(throttle, stranger, 2), [0, 0]);
    assert.equal(throttle.retryAfterMs(stranger), 0);
  });

  test('of an attempt that began before does not end a lock-out', () => {
    const { throttle } = build();
    fail(throttle, stranger, 10);
    throttle.noteSuccess(stranger);
    assert.equal(throttle.retryAfterMs(stranger), 10 * minuteMs);
  });
});

describe('addresses', () => {
  test('behind which many may stand are never counted', () => {
    const { throttle } = build({ exempt: new NetworkSet(['10.0.0.0/8']) });
    assert.deepEqual(
      fail(throttle, '::ffff:10.1.2.3', 20),
      Array.from({ length: 20 }, () => 0),
    );
    assert.equal(throttle.retryAfterMs('10.1.2.3'), 0);
    assert.equal(throttle.addresses, 0);
  });

  const same: readonly (readonly [string, string, boolean])[] = [
    ['203.0.113.9', '::ffff:203.0.113.9', true],
    ['2001:db8::1', '2001:db8::ffff:1', true],
    ['2001:db8::1', '2001:db8:0:0:5::', true],
    ['2001:db8::1', '2001:db8:0:1::1', false],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::', true],
    ['::1', '::2', true],
    ['fe80::1%eth0', 'fe80::2%eth1', true],
  ];
  for (const [one, other, isSame] of same) {
    test(`${one} and ${other} are ${isSame ? 'one' : 'two'}`, () => {
      const { throttle } = build();
      fail(throttle, one, 10);
      assert.equal(throttle.retryAfterMs(other) > 0, isSame);
    });
  }

  test('are remembered up to a bound, the one that failed longest ago is forgotten', () => {
    const { throttle } = build({ addressesMax: 3 });
    for (const last of [1, 2, 3]) fail(throttle, `203.0.113.${last}`, 10);
    throttle.noteFailure('203.0.113.1');
    fail(throttle, '203.0.113.4', 1);
    assert.equal(throttle.addresses, 3);
    assert.ok(throttle.retryAfterMs('203.0.113.1') > 0);
    assert.equal(throttle.retryAfterMs('203.0.113.2'), 0);
    assert.ok(throttle.retryAfterMs('203.0.113.3') > 0);
  });
});
