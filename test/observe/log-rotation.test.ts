import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LogRotation, rotatedFileName } from '#gateway/observe/log-rotation.ts';

const start = new Date(2026, 2, 1, 13, 5, 9);

const names = {
  never: 'cos_v5.log.2026-03-01',
  daily: 'cos_v5.log.2026-03-01',
  hourly: 'cos_v5.log.2026-03-01_13',
  every_minute: 'cos_v5.log.2026-03-01_13-05',
  every_second: 'cos_v5.log.2026-03-01_13-05-09',
} as const satisfies Record<LogRotation, string>;

for (const [rotate, name] of Object.entries(names)) {
  test(`a file rotated ${rotate} is called ${name}`, () => {
    assert.equal(rotatedFileName('cos_v5.log', rotate as LogRotation, start, 1), name);
  });
}

test('a second file of the same interval gets a number', () => {
  assert.equal(rotatedFileName('cos_v5.log', 'daily', start, 2), 'cos_v5.log.2026-03-01.2');
});
