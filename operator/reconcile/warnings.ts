/**
 * Why a shard does not come up, where only Events say so. A StatefulSet accepts any template; when
 * admission (PodSecurity, a quota, a webhook) refuses its pods, or a pod waits for a Secret, an image or a
 * node, neither has a condition with the reason.
 */
import type { ObservedPod, ObservedStatefulSet } from '#operator/plan/observed.ts';
import type { KubeClient } from '#operator/runtime/client.ts';
import { isKubeError } from '#operator/runtime/errors.ts';
import { eventKind } from './kinds.ts';

interface CoreEvent {
  readonly message?: string;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
}

export interface StuckObjects {
  readonly statefulSets: readonly ObservedStatefulSet[];
  readonly pods: readonly ObservedPod[];
}

/** One reason explains all shards of a gateway; more would only be more requests. */
const askedMax = 3;

/**
 * The newest warning about each of those that are stuck, newest first, each only once. Events are kept for
 * an hour or so. Whoever may not read events is told so in such a sentence.
 * @throws KubeError `unavailable` and the like.
 */
export async function readWarnings(
  client: KubeClient,
  namespace: string,
  objects: StuckObjects,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const found: CoreEvent[] = [];
  try {
    for (const fieldSelector of selectorsOf(objects).slice(0, askedMax)) {
      const scope = { namespace, fieldSelector, signal };
      const { items } = await client.list<CoreEvent>(eventKind, scope);
      const [newest] = items.toSorted(newestFirst);
      if (newest) found.push(newest);
    }
  } catch (error) {
    if (!isKubeError(error, 'forbidden')) throw error;
    return [`why cannot be read: ${error.sentence}`];
  }
  const sentences = found.toSorted(newestFirst).map(({ message = '' }) => message);
  return [...new Set(sentences)].filter((text) => text !== '');
}

function selectorsOf({ statefulSets, pods }: StuckObjects): string[] {
  return [
    ...statefulSets
      .filter(lacksPod)
      .map(({ metadata }) => `involvedObject.uid=${metadata.uid},reason=FailedCreate`),
    ...pods
      .filter(waitsToRun)
      .map(({ metadata }) => `involvedObject.uid=${metadata.uid},type=Warning`),
  ];
}

/** A StatefulSet of one pod that has made none, by its own word. */
function lacksPod({ metadata, status }: ObservedStatefulSet): boolean {
  return metadata.deletionTimestamp === undefined && (status?.replicas ?? 0) === 0;
}

function waitsToRun({ metadata, status }: ObservedPod): boolean {
  return metadata.deletionTimestamp === undefined && status?.phase === 'Pending';
}

function newestFirst(first: CoreEvent, second: CoreEvent): number {
  return timeOf(second) - timeOf(first);
}

function timeOf({ lastTimestamp, eventTime }: CoreEvent): number {
  return Date.parse(lastTimestamp ?? eventTime ?? '') || 0;
}
