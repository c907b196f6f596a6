/** The order in which shards come and go, as a table, and whole ways through it against a small cluster. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { heldSlices, nextStep, settleMs } from '#operator/plan/rollout.ts';
import { nowMs, podsOf, type ShardState, statefulSetsOf } from '#test/support/operator-observed.ts';

function stepFor(replicas: number, states: readonly ShardState[]) {
  const { shards, apply, create, remove, waitMs } = nextStep({
    replicas,
    templateHash: 'new',
    statefulSets: statefulSetsOf(states),
    pods: podsOf(states),
    nowMs,
  });
  return {
    apply,
    create,
    remove: remove.map(({ slice }) => slice),
    held: heldSlices(replicas, shards),
    waitMs,
  };
}

const settled = { readyMs: settleMs };
const starting = {};
const draining = { isDraining: true } as const;
const leaving = { isLeaving: true } as const;
const old = { hash: 'old' };

const cases: readonly {
  title: string;
  replicas: number;
  shards: readonly ShardState[];
  apply: number[];
  create?: number[];
  remove?: number[];
  held: number[];
  waitMs?: number;
}[] = [
  {
    title: 'nothing yet: all shards are made, one slice stays spare',
    replicas: 2,
    shards: [],
    apply: [0, 1],
    create: [0, 1],
    held: [0, 1, 2],
  },
  {
    title: 'all as wished: the same objects, nothing else',
    replicas: 2,
    shards: [
      { slice: 0, ...settled },
      { slice: 1, ...settled },
    ],
    apply: [0, 1],
    held: [0, 1, 2],
  },
  {
    title: 'scale up: the missing ones',
    replicas: 3,
    shards: [{ slice: 1, ...settled }],
    apply: [1, 0, 2],
    create: [0, 2],
    held: [0, 1, 2, 3],
  },
  {
    title: 'scale down: the highest first, whose ports stay',
    replicas: 1,
    shards: [
      { slice: 0, ...settled },
      { slice: 1, ...settled },
      { slice: 2, ...settled },
    ],
    apply: [0],
    remove: [2, 1],
    held: [0, 1, 2],
  },
  {
    title: 'scale down: one that serves nobody before one that serves',
    replicas: 1,
    shards: [
      { slice: 0, ...starting },
      { slice: 1, ...settled },
    ],
    apply: [1],
    remove: [0],
    held: [0, 1],
  },
  {
    title: 'scaled down: the ports of a draining shard stay',
    replicas: 1,
    shards: [
      { slice: 0, ...settled },
      { slice: 2, ...draining },
    ],
    apply: [0],
    held: [0, 1, 2],
  },
  {
    title: 'its pod is gone: its ports go',
    replicas: 1,
    shards: [{ slice: 0, ...settled }],
    apply: [0],
    held: [0, 1],
  },
  {
    title: 'a slice that drains is not given away',
    replicas: 2,
    shards: [
      { slice: 0, ...draining },
      { slice: 1, ...settled },
    ],
    apply: [1, 2],
    create: [2],
    held: [0, 1, 2],
  },
  {
    title: 'a new template: a new shard on the spare slice',
    replicas: 1,
    shards: [{ slice: 0, ...settled, ...old }],
    apply: [1],
    create: [1],
    held: [0, 1],
  },
  {
    title: 'surge: while the new one starts, the old one stays',
    replicas: 1,
    shards: [
      { slice: 0, ...settled, ...old },
      { slice: 1, ...starting },
    ],
    apply: [1],
    held: [0, 1],
  },
  {
    title: 'surge: ready 1 ms too short',
    replicas: 1,
    shards: [
      { slice: 0, ...settled, ...old },
      { slice: 1, readyMs: settleMs - 1 },
    ],
    apply: [1],
    held: [0, 1],
    waitMs: 1,
  },
  {
    title: 'surge: ready long enough, the old one goes',
    replicas: 1,
    shards: [
      { slice: 0, ...settled, ...old },
      { slice: 1, ...settled },
    ],
    apply: [1],
    remove: [0],
    held: [0, 1],
  },
  {
    title: 'rollout of several: waits while the spare slice drains',
    replicas: 2,
    shards: [
      { slice: 0, ...draining },
      { slice: 1, ...settled, ...old },
      { slice: 2, ...settled },
    ],
    apply: [2],
    held: [0, 1, 2],
  },
  {
    title: 'a broken new template takes no serving shard away',
    replicas: 2,
    shards: [
      { slice: 0, ...settled, ...old },
      { slice: 1, ...settled, ...old },
      { slice: 2, ...starting },
    ],
    apply: [2],
    held: [0, 1, 2],
  },
  {
    title: 'a broken old one is replaced at once',
    replicas: 2,
    shards: [
      { slice: 0, ...starting, ...old },
      { slice: 1, ...settled, ...old },
      { slice: 2, ...starting },
    ],
    apply: [2],
    remove: [0],
    held: [0, 1, 2],
  },
  {
    title: 'an evicted shard is replaced on the spare slice at once',
    replicas: 1,
    shards: [{ slice: 0, ...settled, ...leaving }],
    apply: [0, 1],
    create: [1],
    held: [0, 1],
  },
  {
    title: 'an evicted shard that never ran, or has failed, comes back by itself',
    replicas: 2,
    shards: [
      { slice: 0, ...leaving, phase: 'Pending' },
      { slice: 1, ...leaving, phase: 'Failed' },
    ],
    apply: [0, 1],
    held: [0, 1, 2],
  },
  {
    title: 'evicted: as soon as the replacement is made, the old one may not come back',
    replicas: 1,
    shards: [
      { slice: 0, ...leaving },
      { slice: 1, ...starting },
    ],
    apply: [1],
    remove: [0],
    held: [0, 1],
  },
  {
    title: 'two evicted, one spare slice: the other one comes back on its own ports',
    replicas: 3,
    shards: [
      { slice: 0, ...leaving },
      { slice: 1, ...leaving },
      { slice: 2, ...settled },
    ],
    apply: [2, 0, 1, 3],
    create: [3],
    held: [0, 1, 2, 3],
  },
  {
    title: 'evicted while the spare slice drains: stays, and is replaced when that is free',
    replicas: 2,
    shards: [
      { slice: 0, ...leaving },
      { slice: 1, ...settled },
      { slice: 2, ...draining },
    ],
    apply: [1, 0],
    held: [0, 1, 2],
  },
  {
    title: 'evicted while the gateway gets smaller: nothing takes its place',
    replicas: 1,
    shards: [
      { slice: 0, ...settled },
      { slice: 1, ...leaving },
    ],
    apply: [0],
    remove: [1],
    held: [0, 1],
  },
  {
    title: 'an evicted one of an old template is replaced by the new one',
    replicas: 1,
    shards: [{ slice: 0, ...leaving, ...old }],
    apply: [1],
    create: [1],
    held: [0, 1],
  },
  {
    title: 'the new one of a rollout is evicted: the old one stays until there is another',
    replicas: 1,
    shards: [
      { slice: 0, ...settled, ...old },
      { slice: 1, ...leaving },
    ],
    apply: [],
    remove: [1],
    held: [0, 1],
  },
  {
    title: 'stopped: all go',
    replicas: 0,
    shards: [
      { slice: 0, ...settled },
      { slice: 1, ...starting },
    ],
    apply: [],
    remove: [1, 0],
    held: [0, 1],
  },
];

describe('the next step', () => {
  for (const { title, replicas, shards, ...expected } of cases) {
    test(title, () => {
      const wished = { create: [], remove: [], waitMs: undefined, ...expected };
      assert.deepEqual(stepFor(replicas, shards), wished);
    });
  }
});

/** Shards as a cluster keeps them; each turn is 5 s. */
class SmallCluster {
  #shards: ShardState[] = [];

  get serving(): number {
    const isServing = ({ readyMs, isDraining, isLeaving }: ShardState) =>
      readyMs && !isDraining && !isLeaving;
    return this.#shards.filter(isServing).length;
  }

  get slices(): string {
    const marks = this.#shards.map(({ slice, isDraining, isLeaving }) => {
      return `${slice}${isDraining ? 'd' : ''}${isLeaving ? 'e' : ''}`;
    });
    return marks.toSorted().join(' ');
  }

  /** A node drain: the pods end, their StatefulSets stay. */
  evict(...slices: readonly number[]): void {
    this.#shards = this.#shards.map((shard) =>
      slices.includes(shard.slice) ? { ...shard, isLeaving: true } : shard,
    );
  }

  outdate(): void {
    this.#shards = this.#shards.map((shard) => ({ ...shard, hash: 'old' }));
  }

  turn(replicas: number, drained: 'pods end' | 'pods stay' = 'pods end'): void {
    const { create, remove } = stepFor(replicas, this.#shards);
    const kept = this.#shards
      .filter(({ isDraining }) => !isDraining || drained === 'pods stay')
      .map((shard): ShardState => {
        if (remove.includes(shard.slice)) return { slice: shard.slice, isDraining: true };
        // Without being replaced it drains, and its StatefulSet brings it back.
        if (shard.isLeaving && drained === 'pods end') return { slice: shard.slice, hash: 'new' };
        return shard.isDraining || shard.isLeaving
          ? shard
          : { ...shard, readyMs: (shard.readyMs ?? 0) + settleMs };
      });
    this.#shards = [...kept, ...create.map((slice) => ({ slice, hash: 'new' }))];
  }
}

describe('step after step', () => {
  test('a rollout of three shards never has fewer than three serving', () => {
    const cluster = new SmallCluster();
    for (let turn = 0; turn < 4; turn += 1) cluster.turn(3);
    cluster.outdate();
    const seen = Array.from({ length: 16 }, () => {
      assert.ok(cluster.serving >= 3, cluster.slices);
      cluster.turn(3);
      return cluster.slices;
    });
    assert.deepEqual(seen.slice(-2), ['1 2 3', '1 2 3']);
  });

  test('a node with two of three shards is drained: one is replaced at once, the other comes back', () => {
    const cluster = new SmallCluster();
    for (let turn = 0; turn < 4; turn += 1) cluster.turn(3);
    cluster.evict(0, 1);
    const seen = Array.from({ length: 3 }, () => {
      cluster.turn(3, 'pods stay');
      return cluster.slices;
    });
    assert.deepEqual(seen, ['0e 1e 2 3', '0e 1d 2 3', '0e 1d 2 3']);
    for (let turn = 0; turn < 6; turn += 1) cluster.turn(3);
    assert.equal(cluster.serving, 3);
    assert.doesNotMatch(cluster.slices, /[de]/);
  });

  test('from three to one and back while the old ones still drain', () => {
    const cluster = new SmallCluster();
    for (let turn = 0; turn < 4; turn += 1) cluster.turn(3);
    cluster.turn(1);
    assert.equal(cluster.slices, '0 1d 2d');
    cluster.turn(3, 'pods stay');
    assert.equal(cluster.slices, '0 1d 2d 3');
    cluster.turn(3);
    for (let turn = 0; turn < 4; turn += 1) cluster.turn(3);
    assert.equal(cluster.slices, '0 1 3');
  });
});
