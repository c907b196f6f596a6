/**
 * Writes and removes children of a gateway. Sends only what differs from what was observed, and never
 * touches an object that belongs to somebody else. Each step tells how many requests changed something.
 */
import type { KubernetesObject, ObjectReference } from '#operator/plan/manifest.ts';
import type { ResourceKind } from '#operator/runtime/client.ts';
import { isKubeError } from '#operator/runtime/errors.ts';
import { isAsWished, withWishHash } from './difference.ts';
import { childKindOf } from './kinds.ts';
import { assertOwnedBy, isOwnedBy } from './ownership.ts';
import type { ApplyTarget, LiveObject } from './target.ts';

/** @throws KubeError, or ReconcileError when an object of that name is somebody else's. */
export async function applyObject(target: ApplyTarget, object: KubernetesObject): Promise<number> {
  const { client, owner, findLive, log, signal } = target;
  const kind = childKindOf(object.kind);
  const { name } = object.metadata;
  const wished = withWishHash(object);
  const cached = findLive(kind, name);
  if (isAsWished(wished, cached)) return 0;
  // The caches hold only what carries the operator's labels: somebody else's object shows only here.
  const live = cached ?? (await readLive(target, kind, name));
  if (live) assertOwnedBy(owner, { ...live, kind: object.kind });
  await client.apply(wished, { signal });
  log.info({ kind: object.kind, name, was: live ? 'different' : 'missing' }, 'object applied');
  return 1;
}

async function readLive(
  { client, namespace, signal }: ApplyTarget,
  kind: ResourceKind,
  name: string,
) {
  try {
    return await client.get<LiveObject>({ kind, namespace, name }, { signal });
  } catch (error) {
    if (isKubeError(error, 'not-found')) return undefined;
    throw error;
  }
}

/** What is gone already, or is a later object of the same name, needs nothing. @throws KubeError */
export async function removeObject(
  { client, namespace, owner, findLive, log, signal }: ApplyTarget,
  reference: ObjectReference,
): Promise<number> {
  const { name } = reference;
  const kind = childKindOf(reference.kind);
  const live = findLive(kind, name);
  if (!live || !isOwnedBy(owner, live) || live.metadata.deletionTimestamp !== undefined) return 0;
  const { uid } = live.metadata;
  if (reference.uid !== undefined && reference.uid !== uid) return 0;
  try {
    await client.delete({ kind, namespace, name }, { uid, signal });
  } catch (error) {
    if (isKubeError(error, 'conflict')) return 0;
    throw error;
  }
  log.info({ kind: reference.kind, name }, 'object removed');
  return 1;
}
