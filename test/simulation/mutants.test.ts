/** A simulation that finds nothing proves nothing: bugs put in on purpose are caught by its short form. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mutants } from './mutants.ts';
import { simulate } from './run.ts';

const runsMax = 200;

for (const { name, seams, caughtAs } of mutants) {
  test(`is caught: ${name}`, async (t) => {
    for (let seed = 1; seed <= runsMax; seed++) {
      const { violations } = await simulate(seed, seams);
      const caught = violations.find((violation) => caughtAs.test(violation));
      if (caught === undefined) continue;
      t.diagnostic(`seed ${seed}: ${caught}`);
      return;
    }
    assert.fail(`${runsMax} runs did not show it`);
  });
}
