import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Round } from '#bench/rounds.ts';
import type { Goal, Row } from '#bench/row.ts';
import { median, summarise } from '#bench/summary.ts';

const round = (ours: number, theirs: number): Round => ({
  gateway: { speed: ours },
  'relay-node': { speed: theirs },
});

function row(goal: Goal): Row {
  return {
    name: 'row',
    title: 'a row',
    contenders: ['gateway', 'relay-node'],
    rounds: 3,
    goals: [goal],
    measure: () => Promise.resolve({}),
  };
}

describe('the summary of a row', () => {
  test('takes ratios inside each round, not of the medians', () => {
    const rounds = [round(100, 100), round(10, 5), round(60, 20)];
    const [speed] = summarise(row({ figure: 'speed', of: 'ratio', atLeast: 2 }), rounds);
    assert.deepEqual(speed, {
      figure: 'speed',
      medians: { gateway: 60, 'relay-node': 20 },
      ratio: { median: 2, least: 1, most: 3 },
      goal: { text: '≥ 2 × relay-node', isMet: true },
    });
  });

  const goals: readonly (readonly [Goal, boolean])[] = [
    [{ figure: 'speed', of: 'ratio', atLeast: 2.01 }, false],
    [{ figure: 'speed', of: 'ratio', atMost: 2 }, true],
    [{ figure: 'speed', of: 'value', atLeast: 10 }, true],
    [{ figure: 'speed', of: 'value', atMost: 9.9 }, false],
    [{ figure: 'another', of: 'value', atMost: 1 }, false],
  ];
  for (const [goal, isMet] of goals) {
    test(`${JSON.stringify(goal)} is ${isMet ? 'met' : 'missed'}`, () => {
      const told = summarise(row(goal), [round(10, 5)]).map((each) => each.goal?.isMet);
      assert.deepEqual(told, goal.figure === 'speed' ? [isMet] : [undefined]);
    });
  }

  test('the median of an even number is between the middle two', () => {
    assert.equal(median([4, 1, 3, 2]), 2.5);
    assert.equal(median([3, 1, 2]), 2);
  });
});
