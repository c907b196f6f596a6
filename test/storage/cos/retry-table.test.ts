/** How requests that fail are sent again, kind by kind, through the real SDK and the embedded COS. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { FaultAct } from '#gateway/cosd/fault-script.ts';
import { pauseCeilingMs } from '#gateway/kit/retry.ts';
import { meaningOfKind } from '#gateway/storage/cos/error-table.ts';
import { type RetryableKind, retryOfKind } from '#gateway/storage/cos/retry-table.ts';
import { StoreError } from '#gateway/storage/object-store.ts';
import { openTestStore } from '../../support/storage-store.ts';

const kinds = Object.keys(retryOfKind) as RetryableKind[];
const bytes = Buffer.from('some bytes');

const failures = {
  throttled: { do: 'error', status: 503, code: 'SlowDown' },
  unavailable: { do: 'error', status: 500, code: 'InternalError' },
  network: { do: 'reset', at: 'request' },
  timeout: { do: 'error', status: 400, code: 'RequestTimeout' },
  corrupt: { do: 'error', status: 400, code: 'BadDigest' },
} as const satisfies Record<RetryableKind, FaultAct>;

describe('the table of retries', () => {
  it('has every kind of failure that can pass, and no other', () => {
    const retryable = Object.entries(meaningOfKind).filter(([, meaning]) => meaning.retryable);
    assert.deepEqual(kinds.toSorted(), retryable.map(([kind]) => kind).toSorted());
  });

  it('is the one of the design page', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../gateway/DESIGN.md'), 'utf8');
    for (const kind of kinds) {
      const { attemptsMax, firstDelayMs, delayMsMax } = retryOfKind[kind];
      const told = new RegExp(
        `^\\| ${kind} \\|.*\\| (\\d+) \\| ([\\d.]+) s, (\\d+) s \\|$`,
        'm',
      ).exec(page);
      const numbers = told?.slice(1).map(Number);
      assert.deepEqual(numbers, [attemptsMax, firstDelayMs / 1000, delayMsMax / 1000], kind);
    }
  });

  for (const kind of kinds) {
    it(`gives a store that is ${kind} a bounded time, pauses included`, () => {
      const policy = retryOfKind[kind];
      const attempts = Array.from({ length: policy.attemptsMax - 1 }, (_, index) => index + 1);
      const pausesMs = attempts.reduce((sum, count) => sum + pauseCeilingMs(policy, count), 0);
      assert.ok(pausesMs <= 30_000 && pausesMs < policy.deadlineMs, `${pausesMs} ms`);
    });
  }
});

describe('a request', () => {
  for (const kind of kinds) {
    const { attemptsMax } = retryOfKind[kind];
    const quick = { firstDelayMs: 1, delayMsMax: 2 };
    for (const [failing, isStored] of [
      [attemptsMax - 1, true],
      [attemptsMax, false],
    ] as const) {
      it(`that fails ${failing} times, ${kind}, is ${isStored ? 'done' : 'given up'}`, async () => {
        await using test = await openTestStore(
          [{ operation: 'PutObject', act: failures[kind], times: failing }],
          { retryPolicy: quick },
        );
        const outcome = await test.store.put('file', bytes).catch((error: unknown) => error);
        if (isStored) assert.ok(!(outcome instanceof Error), String(outcome));
        else assert.ok(outcome instanceof StoreError && outcome.kind === kind, String(outcome));
        assert.equal(test.cosd.requests().PutObject, attemptsMax);
        assert.deepEqual(
          test.repeats,
          Array.from({ length: attemptsMax - 1 }, () => kind),
        );
        assert.equal(test.cosd.inspect.keys(test.cosd.bucket).length, isStored ? 1 : 0);
      });
    }
  }
});
