import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { systemClock } from '#gateway/kit/clock.ts';
import type { KubeClient } from '#operator/runtime/client.ts';
import { createJsonClient } from '#operator/runtime/json-client.ts';
import { Leader, type LeadershipEnd } from '#operator/runtime/leader.ts';
import { leaseKind } from '#operator/runtime/lease.ts';
import { until } from '#test/support/condition.ts';
import { FakeApiServer } from '#test/support/fake-api-server.ts';
import { type FakeClock, fakeClock } from '#test/support/fake-clock.ts';
import { recordingLog } from '#test/support/recording-log.ts';

const answerMsMax = 30_000;

async function steps(
  clock: FakeClock,
  durationMs: number,
  settle: () => Promise<void>,
): Promise<void> {
  const stepMs = 500;
  for (let passedMs = 0; passedMs < durationMs; passedMs += stepMs) {
    await clock.advance(stepMs);
    await settle();
  }
}

/** One operator with a clock of its own, so that each can be held still. */
function candidate(fake: FakeApiServer, identity: string) {
  const clock = fakeClock();
  const log = recordingLog();
  const config = fake.config();
  const http = createJsonClient({ config, clock: systemClock, log, kinds: [leaseKind] });
  let inFlight = 0;
  const counted = <T>(call: Promise<T>): Promise<T> => {
    inFlight++;
    return call.finally(() => {
      inFlight--;
    });
  };
  const client: KubeClient = {
    list: (...call) => http.list(...call),
    watch: (...call) => http.watch(...call),
    apply: (...call) => http.apply(...call),
    patch: (...call) => http.patch(...call),
    delete: (...call) => http.delete(...call),
    get: (...call) => counted(http.get(...call)),
    create: (...call) => counted(http.create(...call)),
    replace: (...call) => counted(http.replace(...call)),
  };
  const place = { namespace: 'default', name: 'operator' };
  const leader = new Leader({ client, ...place, identity, clock, log });
  const stop = new AbortController();
  const world = {
    clock,
    leader,
    log,
    stop,
    starts: 0,
    isWorking: false,
    end: undefined as LeadershipEnd | undefined,
    running: Promise.resolve(),
    /** Lets time pass in steps, each after the answers to the one before. @throws without them. */
    async pass(durationMs: number) {
      await steps(clock, durationMs, async () => {
        const endMs = performance.now() + answerMsMax;
        // A look at the lease is followed by a write of it: twice nothing is nothing.
        for (let idle = 0; idle < 2; ) {
          assert.ok(performance.now() < endMs, 'the API server did not answer');
          await turn();
          idle = inFlight === 0 ? idle + 1 : 0;
        }
      });
    },
    /** The same while nothing is answered: a look that is under way stays so. */
    async passUnanswered(durationMs: number) {
      await steps(clock, durationMs, async () => {
        for (let turns = 0; turns < 20 && inFlight === 0; turns++) await turn();
      });
    },
  };
  const work = (signal: AbortSignal) => {
    world.starts++;
    world.isWorking = true;
    return new Promise<void>((resolve) => {
      const onAbort = () => {
        world.isWorking = false;
        resolve();
      };
      signal.addEventListener('abort', onAbort, { once: true });
    });
  };
  world.running = leader.lead(work, stop.signal).then((end) => {
    world.end = end;
    http.close();
  });
  return world;
}

function holderOf(fake: FakeApiServer): unknown {
  const spec = fake.get(leaseKind, 'default', 'operator')?.['spec'];
  return (spec as { holderIdentity?: unknown } | undefined)?.holderIdentity;
}

describe('leader election', () => {
  test('makes the first one the leader, and renews every two seconds', async () => {
    await using fake = await FakeApiServer.start();
    const one = candidate(fake, 'one');
    await until('one leads', () => one.isWorking);
    assert.equal(holderOf(fake), 'one');
    const before = fake.writes.length;
    await one.pass(10_000);
    await until('five renewals', () => fake.writes.length - before >= 5);
    const renewals = fake.writes.length - before;
    assert.ok(renewals <= 6, `${renewals} renewals`);
    assert.equal(one.leader.isLeader, true);
    one.stop.abort();
    await one.running;
    assert.equal(one.end, 'stopped');
  });

  test('hands over at once when the leader stops in order', async () => {
    await using fake = await FakeApiServer.start();
    const one = candidate(fake, 'one');
    await until('one leads', () => one.isWorking);
    const two = candidate(fake, 'two');
    await until('two has seen it', () => two.leader.holder === 'one');
    await two.pass(14_000);
    assert.equal(two.isWorking, false);
    one.stop.abort();
    await one.running;
    assert.equal(holderOf(fake), '');
    await two.pass(2_000);
    await until('two leads', () => two.isWorking);
    two.stop.abort();
    await two.running;
  });

  test('takes over from a dead leader, after the lease and not before', async () => {
    await using fake = await FakeApiServer.start();
    const one = candidate(fake, 'one');
    await until('one leads', () => one.isWorking);
    const two = candidate(fake, 'two');
    await until('two has seen it', () => two.leader.holder === 'one');
    // The clock of one stands still: it is dead. Whatever time it had written means nothing.
    await two.pass(14_500);
    assert.equal(two.starts, 0);
    await two.pass(2_500);
    await until('two leads', () => two.isWorking);
    assert.equal(holderOf(fake), 'two');
    // One wakes up, finds another holder and stops working.
    await one.pass(2_000);
    await until('one has ended', () => one.end !== undefined);
    assert.equal(one.end, 'lost');
    assert.equal(one.isWorking, false);
    assert.equal(holderOf(fake), 'two');
    two.stop.abort();
    await two.running;
  });

  test('gives up when the API server is away, before another one may begin', async () => {
    await using fake = await FakeApiServer.start();
    const one = candidate(fake, 'one');
    await until('one leads', () => one.isWorking);
    await fake.down();
    await one.pass(9_500);
    assert.equal(one.isWorking, true);
    await one.pass(1_000);
    await until('one has ended', () => one.end !== undefined);
    assert.equal(one.end, 'lost');
    assert.deepEqual(one.log.messages('error'), ['leadership lost']);
  });

  test('rides out an API server that is away for less', async () => {
    await using fake = await FakeApiServer.start();
    const one = candidate(fake, 'one');
    await until('one leads', () => one.isWorking);
    await fake.down();
    await one.pass(8_000);
    await fake.up();
    await one.pass(20_000);
    assert.equal(one.isWorking, true);
    assert.equal(one.starts, 1);
    one.stop.abort();
    await one.running;
  });

  test('gives up too when the API server takes requests and answers none', async () => {
    await using fake = await FakeApiServer.start();
    const one = candidate(fake, 'one');
    await until('one leads', () => one.isWorking);
    fake.fail({ answer: 'silence', times: 1_000 });
    await one.passUnanswered(10_500);
    await until('one has ended', () => one.end !== undefined);
    assert.equal(one.end, 'lost');
  });

  test('lets only one of several begin', async () => {
    await using fake = await FakeApiServer.start();
    const all = ['one', 'two', 'three', 'four'].map((name) => candidate(fake, name));
    const working = () => all.filter(({ isWorking }) => isWorking);
    await until('one leads', () => working().length > 0);
    for (const each of all) await each.pass(4_000);
    assert.equal(working().length, 1);
    for (const each of all) each.stop.abort();
    await Promise.all(all.map(({ running }) => running));
  });

  test('waits without a lead when it is told to stop before', async () => {
    await using fake = await FakeApiServer.start();
    const one = candidate(fake, 'one');
    await until('one leads', () => one.isWorking);
    const two = candidate(fake, 'two');
    await until('two has seen it', () => two.leader.holder === 'one');
    two.stop.abort();
    await two.running;
    assert.equal(two.end, 'stopped');
    assert.equal(two.starts, 0);
    one.stop.abort();
    await one.running;
  });
});
