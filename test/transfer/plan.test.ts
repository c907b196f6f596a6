import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GiB, MiB, TiB } from '#gateway/kit/bytes.ts';
import { partPlan, partsMax, reachableBytes } from '#gateway/transfer/plan.ts';

const defaults = { minPartBytes: MiB, memoryBytes: 256 * MiB, limitBytes: 200 * GiB };

function mebibytes(options: Partial<typeof defaults>, numbers: readonly number[]) {
  const plan = partPlan({ ...defaults, ...options });
  return numbers.map((number) => plan.partBytes(number) / MiB);
}

function sumOfParts(options: Partial<typeof defaults>): number {
  const plan = partPlan({ ...defaults, ...options });
  let bytes = 0;
  for (let number = 1; number <= partsMax; number++) bytes += plan.partBytes(number);
  return bytes;
}

describe('partPlan', () => {
  test('doubles from the smallest part to 8 MiB and then grows slowly', () => {
    assert.deepEqual(mebibytes({}, [1, 2, 3, 4, 5, 100]), [1, 2, 4, 8, 8, 8]);
    assert.deepEqual(mebibytes({}, [1_000, 5_000, 10_000]), [10, 21, 34]);
  });

  for (const [memory, sizes] of [
    [1, [1, 1, 1, 1]],
    [4, [1, 1, 1, 1]],
    [7, [1, 1, 1, 1]],
    [8, [1, 2, 2, 2]],
    [9, [1, 2, 2, 2]],
    [16, [1, 2, 4, 4]],
    [31, [1, 2, 4, 7]],
    [32, [1, 2, 4, 8]],
  ] as const) {
    test(`keeps a part within a quarter of ${memory} MiB`, () => {
      assert.deepEqual(mebibytes({ memoryBytes: memory * MiB }, [1, 2, 3, 4]), sizes);
      const plan = partPlan({ ...defaults, memoryBytes: memory * MiB });
      const most = Math.max(1, Math.floor(memory / 4)) * MiB;
      assert.equal(plan.partBytesMax, most);
      assert(plan.partBytes(partsMax) <= most);
    });
  }

  for (const [minPartBytes, sizes] of [
    [MiB - 1, [1, 2, 4, 8]],
    [MiB, [1, 2, 4, 8]],
    [MiB + 1, [2, 4, 8, 8]],
    [3 * MiB, [3, 6, 8, 8]],
    [8 * MiB, [8, 8, 8, 8]],
    [20 * MiB, [20, 20, 20, 20]],
    [64 * MiB, [64, 64, 64, 64]],
    [65 * MiB, [64, 64, 64, 64]],
  ] as const) {
    test(`begins with min_part_size ${minPartBytes}, rounded up to whole MiB`, () => {
      assert.deepEqual(mebibytes({ minPartBytes }, [1, 2, 3, 4]), sizes);
    });
  }

  test('has no part after the 10,000th', () => {
    const plan = partPlan(defaults);
    for (const number of [0, 10_001, 1.5]) assert.throws(() => plan.partBytes(number));
    assert.equal(plan.partBytes(1), MiB);
    assert.equal(plan.partBytes(10_000), 34 * MiB);
  });

  test('never shrinks from one part to the next', () => {
    const plan = partPlan(defaults);
    for (let number = 2; number <= partsMax; number++) {
      assert(plan.partBytes(number) >= plan.partBytes(number - 1), `part ${number}`);
    }
  });

  test('names as reachable what its parts come to', () => {
    for (const memory of [1, 8, 9, 33, 64, 100, 256, 1024, 4095]) {
      for (const limitBytes of [MiB, 10 * GiB, 79 * GiB, 200 * GiB, 5 * TiB]) {
        const options = { memoryBytes: memory * MiB, limitBytes };
        assert.equal(
          partPlan({ ...defaults, ...options }).reachableBytes,
          sumOfParts(options),
          `${memory} MiB, limit ${limitBytes}`,
        );
      }
    }
  });

  test('reaches the limit exactly when the memory allows it', () => {
    const most = reachableBytes(defaults);
    for (const [limitBytes, isReached] of [
      [200 * GiB, true],
      [most - MiB, true],
      [most, true],
      [most + GiB, false],
    ] as const) {
      const plan = partPlan({ ...defaults, limitBytes });
      assert.equal(plan.reachableBytes >= limitBytes, isReached, `limit ${limitBytes}`);
      assert(plan.reachableBytes <= most);
    }
  });

  test('does not grow at all when 8 MiB are enough', () => {
    const cruise = 7 * MiB + 9_997 * 8 * MiB;
    const plan = partPlan({ ...defaults, limitBytes: cruise });
    assert.equal(plan.partBytes(partsMax), 8 * MiB);
    assert.equal(plan.reachableBytes, cruise);
    const next = partPlan({ ...defaults, limitBytes: cruise + 1 });
    assert.equal(next.partBytes(partsMax), 9 * MiB);
  });

  test('makes the reach a function of the memory', () => {
    const reach = (memory: number) => reachableBytes({ ...defaults, memoryBytes: memory * MiB });
    assert.equal(reach(4), 10_000 * MiB);
    assert.equal(reach(8), MiB + 9_999 * 2 * MiB);
    let before = 0;
    for (let memory = 4; memory <= 1024; memory += 4) {
      assert(reach(memory) > before, `${memory} MiB`);
      before = reach(memory);
    }
  });
});

describe('a request of the plan', () => {
  test('accepts the smallest part while all later ones can make up for it', () => {
    const { bytes, leastBytes } = partPlan(defaults).request(5, 15 * MiB);
    assert.equal(bytes, 8 * MiB);
    assert.equal(leastBytes, MiB);
  });

  test('insists on the size without which the limit would be out of reach', () => {
    const plan = partPlan(defaults);
    const restParts = 100;
    const before = defaults.limitBytes - restParts * plan.partBytesMax;
    const number = partsMax - restParts;
    assert.deepEqual(plan.request(number, before), { bytes: 33 * MiB, leastBytes: MiB });
    for (const [missing, least] of [
      [34 * MiB - 1, 34],
      [34 * MiB, 34],
      [34 * MiB + 1, 35],
      [64 * MiB, 64],
    ] as const) {
      const request = plan.request(number, before - missing);
      assert.deepEqual(request, { bytes: least * MiB, leastBytes: least * MiB }, `${missing}`);
    }
  });

  test('reaches the end even if every grant is the least that was accepted', () => {
    for (const memory of [8, 64, 256]) {
      const plan = partPlan({ ...defaults, memoryBytes: memory * MiB });
      const goal = Math.min(defaults.limitBytes, plan.reachableBytes);
      let received = 0;
      for (let number = 1; number <= partsMax; number++) {
        received += plan.request(number, received).leastBytes;
      }
      assert(received >= goal, `${memory} MiB: ${received} of ${goal}`);
    }
  });

  for (const [expected, first, second] of [
    [0, 1, 2],
    [MiB, 1, 2],
    [MiB + 1, 2, 2],
    [3 * MiB, 3, 2],
    [8 * MiB, 8, 2],
    [8 * MiB + 1, 8, 2],
    [16 * MiB, 8, 8],
    [GiB, 8, 8],
  ] as const) {
    test(`sizes the first parts for ${expected} announced bytes`, () => {
      const plan = partPlan(defaults);
      assert.equal(plan.request(1, 0, expected).bytes, first * MiB);
      assert.equal(plan.request(2, first * MiB, expected).bytes, second * MiB);
    });
  }
});
