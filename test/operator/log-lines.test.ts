import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KindError } from '#gateway/kit/errors.ts';
import { createLogLines } from '#operator/log-lines.ts';
import { fakeClock } from '#test/support/fake-clock.ts';

function recorded(level: 'debug' | 'info' | 'warn' | 'error') {
  const lines: string[] = [];
  const log = createLogLines({ level, clock: fakeClock(), write: (line) => lines.push(line) });
  return { lines, log };
}

class SampleError extends KindError<'gone'> {}

test('a line is one JSON object with the fields of its log and its own', () => {
  const { lines, log } = recorded('info');
  log.child({ gateway: 'ftp/files' }).info({ changed: 2 }, 'reconciled');
  const time = '2026-01-01T00:00:00.000Z';
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    [{ level: 'info', time, gateway: 'ftp/files', changed: 2, msg: 'reconciled' }],
  );
  assert.ok(lines[0]?.endsWith('}\n'));
});

test('lines under the level are not written', () => {
  const { lines, log } = recorded('warn');
  log.debug({}, 'a');
  log.info({}, 'b');
  log.warn({}, 'c');
  log.error({}, 'd');
  assert.equal(lines.length, 2);
});

test('an expected error is its kind and sentence, another one has its stack', () => {
  const { lines, log } = recorded('info');
  const expected = new SampleError('gone', 'too old', { hint: 'list again' });
  log.error({ error: expected }, 'a');
  log.error({ error: new TypeError('odd', { cause: expected }) }, 'b');
  const [first, second] = lines.map((line) => JSON.parse(line).error);
  assert.deepEqual(first, { kind: 'gone', message: 'too old', hint: 'list again' });
  assert.equal(second.name, 'TypeError');
  assert.match(second.stack, /log-lines/);
  assert.deepEqual(second.cause, first);
});
