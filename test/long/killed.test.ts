/** The long form of test/run/killed.test.ts: SIGKILL at thirty random moments. KILL_SEED replays the choices. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { killUploads } from '#test/support/killed-uploads.ts';

const seed = Number(process.env['KILL_SEED'] ?? Date.now() % 1_000_000);
const rounds = 3;
const kills = 10;

for (let round = 0; round < rounds; round++) {
  const own = seed + round;
  test(`${kills} killed gateways leave nothing, and others lose nothing, KILL_SEED=${own}`, async (t) => {
    const { leftOpen, clearedWithinMs } = await killUploads(kills, own);
    t.diagnostic(
      `${kills} kills left ${leftOpen} uploads open, 0 after the next start; ` +
        `that took ${(clearedWithinMs / 1000).toFixed(1)} s at most`,
    );
    assert.ok(leftOpen > 0, 'kills came in the middle of uploads');
  });
}
