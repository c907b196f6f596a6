/**
 * Why pods of a shard were never made. A StatefulSet accepts any template; when admission (PodSecurity, a
 * quota, a webhook) refuses its pods, only an event `FailedCreate` of the StatefulSet says so.
 */
import type { ObservedStatefulSet } from '#operator/plan/observed.ts';
import type { KubeClient } from '#operator/runtime/client.ts';
import { isKubeError } from '#operator/runtime/errors.ts';
import { eventKind } from './kinds.ts';

interface CoreEvent {
  readonly message?: string;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
}

/** One refusal explains all shards of a gateway; more would only be more requests. */
const askedMax = 3;

/**
 * The newest such sentence of each, newest first, each only once. Events are kept for an hour or so.
 * Whoever may not read events is told so in such a sentence.
 * @param statefulSets those that lack their pod.
 * @throws KubeError `unavailable` and the like.
 */
export async function readCreateFailures(
  client: KubeClient,
  namespace: string,
  statefulSets: readonly ObservedStatefulSet[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const found: CoreEvent[] = [];
  try {
    for (const { metadata } of statefulSets.slice(0, askedMax)) {
      const { items } = await client.list<CoreEvent>(eventKind, {
        namespace,
        fieldSelector: `involvedObject.uid=${metadata.uid},reason=FailedCreate`,
        signal,
      });
      const newest = items.toSorted((first, second) => timeOf(second) - timeOf(first))[0];
      if (newest) found.push(newest);
    }
  } catch (error) {
    if (!isKubeError(error, 'forbidden')) throw error;
    return [`why their pods are missing cannot be read: ${error.sentence}`];
  }
  const sorted = found.toSorted((first, second) => timeOf(second) - timeOf(first));
  return [...new Set(sorted.map(({ message = '' }) => message))].filter((text) => text !== '');
}

function timeOf({ lastTimestamp, eventTime }: CoreEvent): number {
  return Date.parse(lastTimestamp ?? eventTime ?? '') || 0;
}
