/** The short form of `npm run fuzz`: a few thousand hostile lines, replayed by FUZZ_SEED. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCampaign } from './campaign.ts';

const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000);
const lines = 3_000;

test(`hostile lines neither break nor grow the gateway, FUZZ_SEED=${seed}`, async (t) => {
  const result = await runCampaign({ seed, lines });
  t.diagnostic(`${result.lines} lines, ${result.dataConnections} data connections`);
  assert.ok(result.lines >= lines);
  assert.ok(result.securedSessions > 0, 'some sessions went into TLS');
  assert.ok((result.codes.get(226) ?? 0) > 0, 'transfers are among them');
});
