/** The short form of `npm run sim`; SIM_SEED chooses other runs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCampaign } from './campaign.ts';
import { simulate } from './run.ts';

const first = Number(process.env['SIM_SEED'] ?? 1);
const runs = 200;

test(`226 means stored in ${runs} runs with cuts, kills and a failing store, SIM_SEED=${first}`, async (t) => {
  const failed: string[] = [];
  const report = await runCampaign({
    first,
    runs,
    onViolation: ({ seed, violations }) => failed.push(`--seed ${seed}: ${violations.join('; ')}`),
  });
  t.diagnostic(JSON.stringify(report.tally));
  assert.deepEqual(failed, [], 'npm run sim -- --seed N tells all of a run');
  for (const reply of ['226', '426', '451', 'rename 250', 'kills']) {
    assert.ok((report.tally[reply] ?? 0) > 0, `${reply} is among them`);
  }
});

test('a seed replays its run to the last line', async () => {
  for (const seed of [3, 7, 31]) {
    const [one, again] = [await simulate(seed), await simulate(seed)];
    assert.ok(one.trace.length > 0);
    assert.deepEqual(again.trace, one.trace);
  }
});
