import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SparseLog } from '#gateway/kit/sparse-log.ts';
import { fakeClock } from '#test/support/fake-clock.ts';
import { recordingLog } from '#test/support/recording-log.ts';

test('the first line is told at once, the rest with the next one that may be told', async () => {
  const clock = fakeClock();
  const log = recordingLog();
  const sparse = new SparseLog(log, clock, 1000);
  for (let count = 0; count < 5; count++) sparse.warn({ count }, 'refused');
  sparse.warn({}, 'another');
  await clock.advance(999);
  sparse.warn({ count: 5 }, 'refused');
  await clock.advance(1);
  sparse.warn({ count: 6 }, 'refused');
  sparse.warn({ count: 7 }, 'refused');
  await clock.advance(2000);
  sparse.warn({ count: 8 }, 'refused');
  await clock.advance(2000);
  sparse.warn({ count: 9 }, 'refused');
  assert.deepEqual(
    log.lines.map(({ message, fields }) => [message, fields['count'], fields['unsaid']]),
    [
      ['refused', 0, undefined],
      ['another', undefined, undefined],
      ['refused', 6, 5],
      ['refused', 8, 1],
      ['refused', 9, undefined],
    ],
  );
});
