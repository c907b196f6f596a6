/**
 * Which shards to make and which to end next. A step never takes a ready shard away before enough others
 * are ready, and never gives a slice of ports a second owner: its old pod has to be gone. Pure.
 *
 * A changed pod template is rolled out by surge: a new shard on the spare slice, ready for a while, then
 * the old one is deleted and drains on its own ports. The next one follows when that slice is free.
 *
 * A shard that somebody else ends (an eviction, a node drain, kubectl delete pod) is replaced on the spare
 * slice at once: its StatefulSet would bring it back only after the old pod has drained, or never, when
 * its node is lost.
 */
import { annotations, labels } from './names.ts';
import type { Observed, ObservedPod, ObservedStatefulSet } from './observed.ts';
import { wantedSlices } from './shards.ts';

/** Until a ready pod gets clients: kube-proxy gathers changes for 1 s, balancers take longer. */
export const settleMs = 5_000;

export interface Shard {
  readonly slice: number;
  /** Absent: deleted, and its pod still drains. */
  readonly statefulSet: ObservedStatefulSet | undefined;
  readonly isCurrent: boolean;
  /** Its running pod is about to end. */
  readonly isEnding: boolean;
  /** Undefined: not ready, or about to end. */
  readonly readySinceMs: number | undefined;
}

export interface RolloutStep {
  /** Of which something is still there, by slice. */
  readonly shards: readonly Shard[];
  /** Wanted to stay or to come, made from the present template. */
  readonly apply: readonly number[];
  readonly create: readonly number[];
  readonly remove: readonly Shard[];
  readonly waitMs?: number;
}

export type RolloutSources = Pick<Observed, 'statefulSets' | 'pods' | 'nowMs'> & {
  readonly replicas: number;
  readonly templateHash: string;
};

export function nextStep(sources: RolloutSources): RolloutStep {
  const { replicas } = sources;
  const shards = shardsOf(sources);
  const live = shards.filter(isLive);
  const leaving = shards.filter(isLeaving);
  const free = wantedSlices({ replicas }).filter((slice) => !shards.some((s) => s.slice === slice));
  const hasOutdated = live.some((shard) => isOutdated(shard, replicas));
  const missing = replicas - live.length;
  const surge = missing === 0 && replicas > 0 && hasOutdated ? 1 : 0;
  const create = free.slice(0, Math.max(missing, surge, 0));
  // Until its replacement is there, a shard keeps its StatefulSet, which brings it back on its own ports.
  const kept = leaving.slice(0, Math.max(0, missing));
  const surplus = removals(live, sources);
  const remove = [...leaving.slice(kept.length), ...surplus.remove];
  const apply = [...live, ...kept]
    .filter((shard) => !isOutdated(shard, replicas) && !remove.includes(shard))
    .map(({ slice }) => slice);
  return {
    shards,
    apply: [...apply, ...create],
    create,
    remove,
    ...(surplus.waitMs !== undefined && { waitMs: surplus.waitMs }),
  };
}

/** Slices whose ports have to stay in the Service: wanted, or served by what is still there. */
export function heldSlices(replicas: number, shards: readonly Shard[]): number[] {
  const slices = new Set([...wantedSlices({ replicas }), ...shards.map(({ slice }) => slice)]);
  return [...slices].toSorted((one, other) => one - other);
}

/** There to stay, as far as can be seen: neither deleted nor ended by somebody else. */
export function isLive(shard: Shard): boolean {
  return hasStatefulSet(shard) && !shard.isEnding;
}

/** Ended by somebody else: nobody deleted its StatefulSet. */
export function isLeaving(shard: Shard): boolean {
  return hasStatefulSet(shard) && shard.isEnding;
}

function hasStatefulSet({ statefulSet }: Shard): boolean {
  return statefulSet !== undefined && statefulSet.metadata.deletionTimestamp === undefined;
}

/** Made from another template, or on a slice that a smaller gateway no longer has. */
export function isOutdated({ isCurrent, slice }: Shard, replicas: number): boolean {
  return !isCurrent || slice > replicas;
}

function removals(live: readonly Shard[], { replicas, nowMs }: RolloutSources) {
  const surplus = live.length - replicas;
  if (surplus <= 0) return { remove: [] };
  const outdated = live.filter((shard) => isOutdated(shard, replicas));
  const current = live.filter((shard) => !isOutdated(shard, replicas));
  // A current one that is not ready may be the replacement of an outdated one: outdated ones first.
  const candidates = [outdated, current].flatMap((shards) => shards.toSorted(leastMissedFirst));
  const isSettled = ({ readySinceMs }: Shard) =>
    readySinceMs !== undefined && nowMs - readySinceMs >= settleMs;
  const remove: Shard[] = [];
  for (const shard of candidates.slice(0, surplus)) {
    const staying = live.filter((other) => other !== shard && !remove.includes(other));
    const isMissed = shard.readySinceMs !== undefined;
    if (isMissed && staying.filter(isSettled).length < replicas) break;
    remove.push(shard);
  }
  if (remove.length === surplus) return { remove };
  const waits = live.flatMap(({ readySinceMs = Number.NEGATIVE_INFINITY }) => {
    const leftMs = readySinceMs + settleMs - nowMs;
    return leftMs > 0 ? [leftMs] : [];
  });
  return waits.length > 0 ? { remove, waitMs: Math.max(...waits) } : { remove };
}

/** Those that serve nobody, then the highest slices. */
function leastMissedFirst(one: Shard, other: Shard): number {
  const readiness =
    Number(one.readySinceMs !== undefined) - Number(other.readySinceMs !== undefined);
  return readiness || other.slice - one.slice;
}

function shardsOf({ statefulSets, pods, templateHash }: RolloutSources): Shard[] {
  const slices = new Set([...statefulSets, ...pods].flatMap(sliceOf));
  return [...slices]
    .toSorted((one, other) => one - other)
    .map((slice) => {
      const isOf = (object: ObservedStatefulSet | ObservedPod) => sliceOf(object)[0] === slice;
      const statefulSet = statefulSets.find(isOf);
      const hash = statefulSet?.metadata.annotations?.[annotations.templateHash];
      return {
        slice,
        statefulSet,
        isCurrent: hash === templateHash,
        isEnding: pods.filter(isOf).some(isEnding),
        readySinceMs: pods.filter(isOf).map(readySince)[0],
      };
    });
}

/** None for the embedded COS. */
function sliceOf({ metadata }: ObservedStatefulSet | ObservedPod): number[] {
  const slice = metadata.labels?.[labels.shard] ?? '';
  return /^\d{1,4}$/.test(slice) ? [Number(slice)] : [];
}

/** A pod that has failed or never ran ends at once, and its StatefulSet brings it back at once. */
function isEnding({ metadata, status }: ObservedPod): boolean {
  return metadata.deletionTimestamp !== undefined && status?.phase === 'Running';
}

function readySince({ metadata, status }: ObservedPod): number | undefined {
  if (metadata.deletionTimestamp !== undefined) return undefined;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status !== 'True') return undefined;
  const since = Date.parse(ready.lastTransitionTime ?? '');
  return Number.isNaN(since) ? 0 : since;
}
