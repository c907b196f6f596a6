/** The memory table of gateway/DESIGN.md against the part plan: what users size their containers by. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { GiB, MiB } from '#gateway/kit/bytes.ts';
import { partPlan, partsMax, reachableBytes } from '#gateway/transfer/plan.ts';

const page = readFileSync(join(import.meta.dirname, '../gateway/DESIGN.md'), 'utf8');
const row = /^\| (\d+) MiB \| (\d+) MiB \| ([\d.]+) GiB \| (\d+) MiB \|$/gm;

test('the memory table of the design page is what the part plan computes', () => {
  const rows = [...page.matchAll(row)].map((match) => match.slice(1).map(Number));
  assert.equal(rows.length, 6);
  for (const [memory = 0, ...told] of rows) {
    const options = { minPartBytes: MiB, memoryBytes: memory * MiB };
    const plan = partPlan({ ...options, limitBytes: 200 * GiB });
    const longest = Number((reachableBytes(options) / GiB).toFixed(1));
    const computed = [plan.partBytesMax / MiB, longest, plan.partBytes(partsMax) / MiB];
    assert.deepEqual(told, computed, `${memory} MiB`);
  }
});
