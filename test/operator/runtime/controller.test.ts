import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Controller, type Reconcile, type ReconcileOutcome } from '#operator/runtime/controller.ts';
import { KubeError } from '#operator/runtime/errors.ts';
import { WorkQueue } from '#operator/runtime/workqueue.ts';
import { until } from '#test/support/condition.ts';
import { fakeClock } from '#test/support/fake-clock.ts';
import { recordingLog } from '#test/support/recording-log.ts';

function setUp(reconcile: Reconcile, workers = 2) {
  const clock = fakeClock();
  const log = recordingLog();
  const queue = new WorkQueue({ clock, random: () => 1 });
  const outcomes: ReconcileOutcome[] = [];
  const metrics = { reconciled: (outcome: ReconcileOutcome) => void outcomes.push(outcome) };
  const options = { reconcile, queue, clock, log, metrics, workers, random: () => 0 };
  const controller = new Controller({ ...options, resyncMs: 60_000, timeoutMs: 5_000 });
  const stop = new AbortController();
  const running = controller.run(stop.signal);
  return {
    clock,
    log,
    queue,
    outcomes,
    running,
    stop,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

describe('a controller', () => {
  test('works on several keys at once, never twice on one', async () => {
    const working: string[] = [];
    const gate = Promise.withResolvers<void>();
    await using world = setUp(async (key) => {
      working.push(key);
      await gate.promise;
      return {};
    });
    for (const key of ['a', 'b', 'c']) world.queue.add(key);
    await until('two are at work', () => working.length === 2);
    world.queue.add('a');
    await turn();
    assert.deepEqual(working, ['a', 'b']);
    gate.resolve();
    await until('all are done', () => world.outcomes.length === 4);
    assert.deepEqual(working, ['a', 'b', 'c', 'a']);
  });

  test('tries a failed key again with growing pauses and then forgets the failures', async () => {
    let failures = 3;
    let runs = 0;
    await using world = setUp(async () => {
      runs++;
      if (failures-- > 0) throw new KubeError('unavailable', 'away');
      return {};
    });
    world.queue.add('a');
    await until('the first run failed', () => world.outcomes.length === 1);
    for (const [pauseMs, after] of [
      [1_000, 2],
      [2_000, 3],
      [4_000, 4],
    ] as const) {
      await world.clock.advance(pauseMs - 1);
      assert.equal(runs, after - 1);
      await world.clock.advance(1);
      await until('the next run ended', () => world.outcomes.length === after);
    }
    assert.deepEqual(world.outcomes, ['error', 'error', 'error', 'success']);
    assert.equal(world.queue.failuresOf('a'), 0);
    const [line] = world.log.lines.filter(({ level }) => level === 'error');
    assert.equal(line?.fields['key'], 'a');
    assert.equal(line?.fields['reconcileId'], '1');
  });

  test('counts a conflict apart and does not call it an error', async () => {
    await using world = setUp(async () => {
      throw new KubeError('conflict', 'changed');
    });
    world.queue.add('a');
    await until('it ended', () => world.outcomes.length === 1);
    assert.deepEqual(world.outcomes, ['conflict']);
    assert.deepEqual(world.log.messages('error'), []);
  });

  test('looks again when asked to, else after the resync time, and never at what is gone', async () => {
    const results = [{ requeueAfterMs: 2_000 }, {}, { isGone: true }];
    let runs = 0;
    await using world = setUp(async () => results[runs++] ?? {});
    world.queue.add('a');
    await until('it ran', () => world.outcomes.length === 1);
    await world.clock.advance(1_999);
    assert.equal(runs, 1);
    await world.clock.advance(1);
    await until('it ran again', () => world.outcomes.length === 2);
    await world.clock.advance(60_000);
    await until('it ran a third time', () => world.outcomes.length === 3);
    await world.clock.advance(600_000);
    assert.equal(runs, 3);
    assert.deepEqual(world.outcomes, ['requeue', 'success', 'success']);
  });

  test('counts a run as done that asks for nothing earlier than the resync time', async () => {
    const results = [59_999, 60_000, 60_001].map((requeueAfterMs) => ({ requeueAfterMs }));
    await using world = setUp(async () => results.pop() ?? {}, 1);
    for (const key of ['a', 'b', 'c']) world.queue.add(key);
    await until('all ran', () => world.outcomes.length === 3);
    assert.deepEqual(world.outcomes, ['success', 'success', 'requeue']);
  });

  test('looks at what was refused with growing pauses, and not later than asked to', async () => {
    let runs = 0;
    await using world = setUp(async () => {
      runs++;
      return runs < 4 ? { isRefused: true, requeueAfterMs: 3_000 } : {};
    });
    world.queue.add('a');
    await until('it ran', () => world.outcomes.length === 1);
    for (const [pauseMs, after] of [
      [1_000, 2],
      [2_000, 3],
      [3_000, 4],
    ] as const) {
      await world.clock.advance(pauseMs - 1);
      assert.equal(runs, after - 1);
      await world.clock.advance(1);
      await until('the next run ended', () => world.outcomes.length === after);
    }
    assert.deepEqual(world.outcomes, ['refused', 'refused', 'refused', 'success']);
    assert.equal(world.queue.failuresOf('a'), 0);
  });

  test('ends a run that takes too long', async () => {
    await using world = setUp(
      (_key, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        }),
    );
    world.queue.add('a');
    await until('it is at work', () => world.queue.working === 1);
    await world.clock.advance(5_000);
    await until('it ended', () => world.outcomes.length === 1);
    assert.deepEqual(world.outcomes, ['error']);
  });

  test('stops after the runs under way, which see the signal', async () => {
    let isTold = false;
    const gate = Promise.withResolvers<void>();
    await using world = setUp(async (_key, { signal }) => {
      await gate.promise;
      isTold = signal.aborted;
      return {};
    });
    world.queue.add('a');
    await until('it is at work', () => world.queue.working === 1);
    let isStopped = false;
    const stopped = world.running.then(() => {
      isStopped = true;
    });
    world.stop.abort();
    await turn();
    assert.equal(isStopped, false);
    gate.resolve();
    await stopped;
    assert.equal(isTold, true);
    assert.equal(world.clock.pendingTimers, 0);
  });
});
