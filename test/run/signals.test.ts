import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, test } from 'node:test';
import { watchStopSignals } from '#gateway/run/signals.ts';
import { fakeClock } from '#test/support/fake-clock.ts';

function watch(onHangup?: () => boolean) {
  const source = new EventEmitter();
  const clock = fakeClock();
  let insisted = 0;
  const onInsist = () => {
    insisted += 1;
  };
  const signals = watchStopSignals({
    clock,
    onInsist,
    source,
    ...(onHangup && { onHangup }),
  });
  return { source, clock, signals, insisted: () => insisted };
}

describe('stop signals', () => {
  test('SIGTERM asks to terminate, SIGINT to interrupt', async () => {
    const terminated = watch();
    terminated.source.emit('SIGTERM');
    assert.equal(await terminated.signals.stopped, 'terminate');
    const interrupted = watch();
    interrupted.source.emit('SIGINT');
    assert.equal(await interrupted.signals.stopped, 'interrupt');
  });

  test('the copy of a Ctrl-C that npm passes on is not a second Ctrl-C', async () => {
    const { source, clock, insisted } = watch();
    source.emit('SIGINT');
    source.emit('SIGINT');
    await clock.advance(999);
    source.emit('SIGINT');
    assert.equal(insisted(), 0);
    await clock.advance(1);
    source.emit('SIGINT');
    assert.equal(insisted(), 1);
  });

  test('SIGHUP stops nothing when it is dealt with', async () => {
    let hangups = 0;
    const { source, signals } = watch(() => {
      hangups += 1;
      return true;
    });
    source.emit('SIGHUP');
    source.emit('SIGHUP');
    source.emit('SIGTERM');
    assert.deepEqual([await signals.stopped, hangups], ['terminate', 2]);
  });

  test('SIGHUP is a request to stop where nobody deals with it: the terminal is gone', async () => {
    for (const onHangup of [undefined, () => false]) {
      const { source, signals } = watch(onHangup);
      source.emit('SIGHUP');
      assert.equal(await signals.stopped, 'interrupt');
    }
  });

  test('dispose leaves no listener', () => {
    const { source, signals } = watch();
    signals.dispose();
    assert.deepEqual(source.eventNames(), []);
  });
});
