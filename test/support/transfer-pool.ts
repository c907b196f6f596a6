/**
 * Part pools of tests: what is released is overwritten, so that a late reader fails its checksum, and
 * every pool must be empty and unwaited for when a test ends.
 */
import assert from 'node:assert/strict';
import { MiB } from '#gateway/kit/bytes.ts';
import type { Clock } from '#gateway/kit/clock.ts';
import { PartPool } from '#gateway/transfer/budget.ts';

const pools = new Set<PartPool>();

export function testPool(clock: Clock, mebibytes = 64): PartPool {
  const pool = new PartPool({ memoryBytes: mebibytes * MiB, clock, poisonReleased: true });
  pools.add(pool);
  return pool;
}

/** For `afterEach`. */
export function assertPoolsEmpty(): void {
  const opened = [...pools];
  pools.clear();
  for (const pool of opened) {
    assert.equal(pool.usedBytes, 0, 'all part memory is given back');
    assert.equal(pool.starters.inUse, 0, 'all starters are given back');
    assert.equal(pool.waiting, 0, 'nobody waits for part memory');
  }
}
