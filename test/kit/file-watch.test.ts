/** When a file is looked at: at events, every second, never twice at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FileWatch } from '#gateway/kit/file-watch.ts';
import { fakeClock } from '#test/support/fake-clock.ts';

/** Looks that end when the test says so. */
function watched() {
  const clock = fakeClock();
  const state = { looks: 0, running: 0, runningMax: 0, end: () => undefined as void };
  const directory = { canWatch: true, watches: 0, tell: () => {}, lose: () => {} };
  const watch = new FileWatch({
    path: '/etc/cosftp/gateway.json',
    clock,
    async look() {
      state.looks += 1;
      state.running += 1;
      state.runningMax = Math.max(state.runningMax, state.running);
      await new Promise<void>((resolve) => {
        state.end = resolve;
      });
      state.running -= 1;
    },
    watch(path, onEvent, onLost) {
      assert.equal(path, '/etc/cosftp');
      if (!directory.canWatch) throw new Error('no such directory');
      directory.watches += 1;
      directory.tell = onEvent;
      directory.lose = onLost;
      return { close: () => undefined };
    },
  });
  const endLook = async () => {
    state.end();
    await clock.advance(0);
  };
  return { clock, watch, state, directory, endLook };
}

test('events during a look are one more look after it', async () => {
  const { watch, state, directory, endLook } = watched();
  void watch.start();
  for (let events = 0; events < 5; events++) directory.tell();
  await endLook();
  assert.equal(state.looks, 2);
  await endLook();
  assert.deepEqual([state.looks, state.runningMax], [2, 1]);
  watch.close();
});

test('without events the next look is a second after the last one ended', async () => {
  const { clock, watch, state, endLook } = watched();
  void watch.start();
  await clock.advance(5_000);
  assert.equal(state.looks, 1);
  await endLook();
  await clock.advance(999);
  assert.equal(state.looks, 1);
  await clock.advance(1);
  assert.equal(state.looks, 2);
  watch.close();
});

test('a directory that cannot be watched, or no longer, is tried again every second', async () => {
  const { clock, watch, directory, endLook } = watched();
  directory.canWatch = false;
  void watch.start();
  await endLook();
  directory.canWatch = true;
  await clock.advance(1_000);
  assert.equal(directory.watches, 1);
  await endLook();
  directory.lose();
  await clock.advance(1_000);
  assert.equal(directory.watches, 2);
  watch.close();
});

test('once closed nothing is looked at and no timer is left', async () => {
  const { clock, watch, state, directory, endLook } = watched();
  const started = watch.start();
  watch.close();
  directory.tell();
  await endLook();
  await started;
  await watch.look();
  assert.deepEqual([state.looks, clock.pendingTimers, watch.isClosed], [1, 0, true]);
});
