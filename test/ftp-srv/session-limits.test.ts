import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SessionLimits, type SessionLimitValues } from '#gateway/ftp-srv/session-limits.ts';
import { NetworkSet } from '#gateway/kit/networks.ts';

const unlimited: SessionLimitValues = {
  sessionsMax: 0,
  sessionsPerAddressMax: 0,
  exempt: new NetworkSet(['10.0.0.0/8']),
};

function limits(values: Partial<SessionLimitValues> = {}) {
  let now = { ...unlimited, ...values };
  const counted = new SessionLimits(() => now);
  return {
    counted,
    change: (changed: Partial<SessionLimitValues>) => {
      now = { ...now, ...changed };
    },
    enter: (peer: string) => counted.enter({}, peer),
  };
}

test('sessions are let in up to the limit, and a place given back is given again', () => {
  const { counted, enter } = limits({ sessionsMax: 2 });
  const first = {};
  assert.equal(counted.enter(first, '192.0.2.1'), undefined);
  assert.equal(enter('192.0.2.2'), undefined);
  assert.equal(enter('192.0.2.3'), 'max_sessions');
  counted.leave(first);
  counted.leave(first);
  assert.equal(enter('192.0.2.3'), undefined);
  assert.equal(enter('192.0.2.4'), 'max_sessions');
});

test('an address is let in up to its limit, however spelt, and an IPv6 customer by its /64', () => {
  const { enter } = limits({ sessionsPerAddressMax: 1 });
  assert.equal(enter('192.0.2.1'), undefined);
  assert.equal(enter('::ffff:192.0.2.1'), 'max_sessions_per_address');
  assert.equal(enter('192.0.2.2'), undefined);
  assert.equal(enter('2001:db8:0:1::1'), undefined);
  assert.equal(enter('2001:db8:0:1:ffff::2'), 'max_sessions_per_address');
  assert.equal(enter('2001:db8:0:2::1'), undefined);
});

test('addresses that stand for many clients are not counted by themselves, but count in all', () => {
  const { enter } = limits({ sessionsPerAddressMax: 1, sessionsMax: 3 });
  assert.deepEqual(
    [enter('10.0.0.1'), enter('10.0.0.1'), enter('10.0.0.1')],
    [undefined, undefined, undefined],
  );
  assert.equal(enter('10.0.0.1'), 'max_sessions');
});

test('who is refused takes no place', () => {
  const { counted, enter } = limits({ sessionsMax: 1 });
  const first = {};
  counted.enter(first, '192.0.2.1');
  const refused = {};
  for (let round = 0; round < 10; round++) {
    assert.equal(counted.enter(refused, '192.0.2.2'), 'max_sessions');
  }
  counted.leave(refused);
  counted.leave(first);
  assert.equal(enter('192.0.2.2'), undefined);
});

test('an account has up to its limit logged in at once', () => {
  const { counted } = limits();
  const [one, other] = [{}, {}];
  counted.enter(one, '192.0.2.1');
  counted.enter(other, '192.0.2.1');
  assert.equal(counted.logIn(one, 'alice', 1), true);
  assert.equal(counted.logIn(one, 'alice', 1), true, 'again is not once more');
  assert.equal(counted.logIn(other, 'alice', 1), false);
  assert.equal(counted.logIn(other, 'bob', 1), true);
  counted.logOut(one);
  counted.logOut(one);
  assert.equal(counted.logIn(other, 'alice', 1), true);
  counted.leave(other);
  assert.equal(counted.logIn(one, 'alice', 1), true);
});

test('a session that left during its login is not counted', () => {
  const { counted } = limits();
  const gone = {};
  counted.enter(gone, '192.0.2.1');
  counted.leave(gone);
  assert.equal(counted.logIn(gone, 'alice', 1), true);
  const next = {};
  counted.enter(next, '192.0.2.1');
  assert.equal(counted.logIn(next, 'alice', 1), true);
});

test('a changed limit counts for the next session', () => {
  const { enter, change } = limits({ sessionsMax: 1 });
  assert.equal(enter('192.0.2.1'), undefined);
  assert.equal(enter('192.0.2.2'), 'max_sessions');
  change({ sessionsMax: 2 });
  assert.equal(enter('192.0.2.2'), undefined);
  change({ sessionsMax: 1 });
  assert.equal(enter('192.0.2.3'), 'max_sessions');
});
