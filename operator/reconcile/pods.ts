/** Annotates running pods. Never a template, which would restart them. */
import type { PodAnnotations } from '#operator/plan/pod-annotations.ts';
import { isKubeError } from '#operator/runtime/errors.ts';
import { contains } from './difference.ts';
import { podKind } from './kinds.ts';
import type { ApplyTarget } from './target.ts';

/** @returns how many requests changed something. @throws KubeError; a pod that is gone is no failure. */
export async function annotatePod(
  { client, namespace, findLive, log, signal }: ApplyTarget,
  { name, annotations }: PodAnnotations,
): Promise<number> {
  const pod = findLive(podKind, name);
  if (!pod || contains(pod.metadata.annotations ?? {}, annotations)) return 0;
  try {
    // The uid makes it this pod or none: its successor of the same name is looked at on its own event.
    const body = { metadata: { uid: pod.metadata.uid, annotations } };
    await client.patch({ kind: podKind, namespace, name }, 'merge', body, { signal });
  } catch (error) {
    if (isKubeError(error, 'not-found') || isKubeError(error, 'conflict')) return 0;
    throw error;
  }
  log.info({ pod: name, annotations }, 'pod annotated');
  return 1;
}
