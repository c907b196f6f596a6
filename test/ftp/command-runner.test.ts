import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { CommandRunner } from '#gateway/ftp/command-runner.ts';
import { until } from '#test/support/condition.ts';

/** A runner over a list, and what it did. */
function setUp(
  execute: (line: string) => Promise<void> | void = () => undefined,
  untilReady: () => Promise<void> = () => Promise.resolve(),
) {
  const waiting: string[] = [];
  const events: string[] = [];
  const runner = new CommandRunner<string>({
    next: () => waiting.shift(),
    execute: async (line) => {
      events.push(`begin ${line}`);
      await execute(line);
      events.push(`end ${line}`);
    },
    untilReady,
    onFault: (error) => events.push(`fault ${String(error)}`),
    onIdle: () => events.push('idle'),
  });
  return { waiting, events, runner };
}

test('one ends before the next begins, also one that came meanwhile', async () => {
  const { waiting, events, runner } = setUp(async (line) => {
    await turn();
    if (line === 'one') waiting.push('two');
    runner.schedule();
  });
  waiting.push('one');
  runner.schedule();
  runner.schedule();
  assert.equal(events.length, 0, 'nothing runs at once');
  await until('the end', () => events.includes('idle'));
  assert.deepEqual(events, ['begin one', 'end one', 'begin two', 'end two', 'idle']);
  assert.equal(runner.isRunning, false);
});

test('it executes only between begin and end, and runs while it waits for the next', async () => {
  const ready = Promise.withResolvers<void>();
  const seen: boolean[] = [];
  const { waiting, events, runner } = setUp(
    () => void seen.push(runner.isExecuting),
    () => ready.promise,
  );
  waiting.push('one');
  runner.schedule();
  await until('the end of it', () => events.includes('end one'));
  await turn();
  assert.deepEqual([runner.isExecuting, runner.isRunning], [false, true]);
  ready.resolve();
  await until('the end', () => events.includes('idle'));
  assert.deepEqual([seen, runner.isRunning], [[true], false]);
});

test('what is thrown stops it until it is scheduled again', async () => {
  const { waiting, events, runner } = setUp((line) => {
    if (line === 'bad') throw new Error('bug');
  });
  waiting.push('bad', 'good');
  runner.schedule();
  await until('the fault', () => events.includes('idle'));
  assert.deepEqual(events, ['begin bad', 'fault Error: bug', 'idle']);
  assert.equal(runner.isExecuting, false);
  runner.schedule();
  await until('the next', () => events.includes('end good'));
});

test('others have a turn in between, however much waits', async () => {
  const { waiting, events, runner } = setUp();
  waiting.push(...Array.from({ length: 1_000 }, (_, index) => `${index}`));
  runner.schedule();
  await turn();
  await turn();
  assert.ok(!events.includes('end 999'));
  await until('the end', () => events.includes('idle'));
  assert.ok(events.includes('end 999'));
});
