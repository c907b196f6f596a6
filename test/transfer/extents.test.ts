import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Extent, Extents } from '#gateway/transfer/extents.ts';
import { seededRandom } from '#test/support/random.ts';

describe('Extents', () => {
  test('takes the lowest run that is long enough', () => {
    const extents = new Extents(8);
    assert.deepEqual(extents.take(3), { start: 0, units: 3 });
    assert.deepEqual(extents.take(4), { start: 3, units: 4 });
    extents.give({ start: 0, units: 3 });
    assert.deepEqual(extents.take(1), { start: 0, units: 1 });
    assert.deepEqual(extents.take(2), { start: 1, units: 2 });
    assert.deepEqual(extents.take(1), { start: 7, units: 1 });
    assert.equal(extents.take(1), undefined);
    assert.equal(extents.freeUnits, 0);
  });

  test('joins a run with its neighbours on either side', () => {
    const extents = new Extents(3);
    const [first, second, third] = [extents.take(1), extents.take(1), extents.take(1)];
    assert(first && second && third);
    extents.give(first);
    extents.give(third);
    assert.equal(extents.take(2), undefined);
    extents.give(second);
    assert.deepEqual(extents.take(3), { start: 0, units: 3 });
  });

  test('cuts the longest run to what is wanted', () => {
    const extents = new Extents(10);
    const taken = Array.from({ length: 10 }, () => extents.take(1));
    for (const start of [0, 3, 4, 5, 8, 9]) extents.give({ start, units: 1 });
    assert.equal(taken.length, 10);
    assert.equal(extents.takeLongest(4, 8), undefined);
    assert.deepEqual(extents.takeLongest(3, 8), { start: 3, units: 3 });
    assert.deepEqual(extents.takeLongest(1, 1), { start: 0, units: 1 });
  });

  test('refuses what it did not give away', () => {
    const extents = new Extents(4);
    assert.throws(() => extents.give({ start: 0, units: 1 }), /given back once/);
    const taken = extents.take(2);
    assert(taken);
    extents.give(taken);
    assert.throws(() => extents.give(taken), /given back once/);
  });

  test('never lends a unit twice over many random takes and gives', () => {
    const random = seededRandom(21);
    const extents = new Extents(40);
    const held: Extent[] = [];
    const owned = new Set<number>();
    for (let step = 0; step < 5_000; step++) {
      const units = random.between(1, 6);
      const taken = random.next() < 0.55 ? extents.take(units) : undefined;
      if (taken) {
        for (let unit = taken.start; unit < taken.start + taken.units; unit++) {
          assert(unit < 40 && !owned.has(unit), `step ${step}: unit ${unit}`);
          owned.add(unit);
        }
        held.push(taken);
      } else {
        const [back] = held.splice(random.between(0, held.length - 1), 1);
        if (!back) continue;
        for (let unit = back.start; unit < back.start + back.units; unit++) owned.delete(unit);
        extents.give(back);
      }
      assert.equal(extents.freeUnits, 40 - owned.size);
    }
    for (const back of held) extents.give(back);
    assert.deepEqual(extents.take(40), { start: 0, units: 40 });
  });
});
