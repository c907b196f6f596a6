import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WorkQueue } from '#operator/runtime/workqueue.ts';
import { fakeClock } from '#test/support/fake-clock.ts';

function setUp(random = () => 1) {
  const clock = fakeClock();
  const queue = new WorkQueue({ clock, random, firstDelayMs: 1_000, delayMsMax: 300_000 });
  const { signal } = new AbortController();
  return { clock, queue, signal };
}

describe('the work queue', () => {
  test('hands out keys in the order of adding, each once', async () => {
    const { queue, signal } = setUp();
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key);
    assert.equal(queue.depth, 2);
    assert.equal(await queue.take(signal), 'a');
    assert.equal(await queue.take(signal), 'b');
    assert.equal(queue.depth, 0);
  });

  test('gives a key that is worked on to nobody else, and again after its work', async () => {
    const { queue, signal } = setUp();
    queue.add('a');
    await queue.take(signal);
    queue.add('a');
    queue.add('a');
    assert.equal(queue.depth, 0);
    queue.done('a');
    assert.equal(queue.depth, 1);
    await queue.take(signal);
    queue.done('a');
    assert.equal(queue.depth, 0);
  });

  test('wakes one taker per key', async () => {
    const { queue, signal } = setUp();
    const both = Promise.all([queue.take(signal), queue.take(signal)]);
    queue.add('a');
    queue.add('b');
    assert.deepEqual((await both).toSorted(), ['a', 'b']);
  });

  test('lets a taker go when its signal aborts', async () => {
    const { queue } = setUp();
    const stop = new AbortController();
    const taken = assert.rejects(queue.take(stop.signal), /enough/);
    stop.abort(new Error('enough'));
    await taken;
  });

  test('of several delays keeps the earliest, and one timer', async () => {
    const { clock, queue } = setUp();
    queue.addAfter('a', 5_000);
    queue.addAfter('a', 1_000);
    queue.addAfter('a', 3_000);
    assert.equal(clock.pendingTimers, 1);
    await clock.advance(999);
    assert.equal(queue.depth, 0);
    await clock.advance(1);
    assert.equal(queue.depth, 1);
    assert.equal(queue.delayed, 0);
  });

  test('cancels a delay', async () => {
    const { clock, queue } = setUp();
    queue.addAfter('a', 1_000);
    queue.cancel('a');
    await clock.advance(1_000);
    assert.equal(queue.depth, 0);
  });

  test('doubles the pause of a failing key up to the bound, and begins anew after a success', () => {
    const { queue } = setUp();
    const pauses = Array.from({ length: 12 }, () => queue.addAfterFailure('a'));
    assert.deepEqual(pauses.slice(0, 4), [1_000, 2_000, 4_000, 8_000]);
    assert.deepEqual(pauses.slice(8), [256_000, 300_000, 300_000, 300_000]);
    assert.equal(queue.addAfterFailure('b'), 1_000);
    queue.forget('a');
    assert.equal(queue.addAfterFailure('a'), 1_000);
  });

  test('stays bounded after very many failures and never waits less than half', () => {
    const { queue } = setUp(() => 0);
    assert.equal(queue.addAfterFailure('a'), 500);
    for (let failure = 0; failure < 5_000; failure++) queue.addAfterFailure('a');
    assert.equal(queue.addAfterFailure('a'), 150_000);
  });

  test('waits as long as the API server asks for', () => {
    const { queue } = setUp();
    assert.equal(queue.addAfterFailure('a', 30_000), 30_000);
  });
});
