/**
 * Carries out a Plan against the API server, in its order: objects, the Service's stray ports, pods'
 * annotations, removals. Sends only what differs from what was observed, so that a second run over a
 * settled gateway writes nothing. Never writes an object that belongs to somebody else, and never touches
 * a pod's template for an annotation.
 */
import type { Log } from '#gateway/kit/log.ts';
import type { KubernetesObject } from '#operator/plan/manifest.ts';
import type { Plan } from '#operator/plan/plan.ts';
import type { KubeClient, ResourceKind } from '#operator/runtime/client.ts';
import { isKubeError } from '#operator/runtime/errors.ts';
import { contains, isAsWished, withWishHash } from './difference.ts';
import { childKindOf, childKinds, podKind } from './kinds.ts';
import { assertOwnedBy, isOwnedBy, type OwnedObject, type Owner } from './ownership.ts';

/** A child or pod as the caches hold it. */
export interface LiveObject extends OwnedObject {
  readonly metadata: LiveMetadata;
  readonly spec?: { readonly ports?: readonly ServicePort[] };
}

interface LiveMetadata {
  readonly name: string;
  readonly uid: string;
  readonly deletionTimestamp?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: NonNullable<OwnedObject['metadata']>['ownerReferences'];
}

interface ServicePort {
  readonly port: number;
  readonly protocol?: string;
}

export interface ApplyTarget {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly owner: Owner;
  readonly findLive: (kind: ResourceKind, name: string) => LiveObject | undefined;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
}

/**
 * @returns how many requests changed something.
 * @throws KubeError or ReconcileError at the first step that fails: later ones may build on it.
 */
export async function applyPlan(target: ApplyTarget, plan: Plan): Promise<number> {
  let changes = 0;
  for (const object of plan.apply) changes += await applyObject(target, object);
  if (plan.removeServicePorts) changes += await removePorts(target, plan.removeServicePorts);
  for (const wish of plan.annotatePods) changes += await annotatePod(target, wish);
  for (const reference of plan.remove) changes += await removeObject(target, reference);
  return changes;
}

async function applyObject(target: ApplyTarget, object: KubernetesObject): Promise<number> {
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

/**
 * Ports that somebody else added survive every apply of ours, also a forced one, because it only decides
 * over what it names; each holds a listener of the load balancer.
 */
async function removePorts(
  { client, namespace, findLive, log, signal }: ApplyTarget,
  { service: name, ports }: NonNullable<Plan['removeServicePorts']>,
): Promise<number> {
  const kind = childKinds.Service;
  const operations = portRemovals(findLive(kind, name), ports);
  if (operations.length === 0) return 0;
  try {
    await client.patch({ kind, namespace, name }, 'json', operations, { signal });
  } catch (error) {
    // A port is not where the cache had it: the Service changed, and its event is on the way.
    if (!isKubeError(error, 'invalid') && !isKubeError(error, 'not-found')) throw error;
    log.info({ service: name, ports, error }, 'stray ports not removed from a changed service');
    return 0;
  }
  log.warn({ service: name, ports }, 'stray ports removed from the service');
  return 1;
}

/**
 * JSON patch operations; from the last port to the first, because a removal moves those behind it, and
 * each behind a test that the port is still where it was seen (else the API server refuses all of it).
 */
export function portRemovals(
  service: LiveObject | undefined,
  strays: readonly ServicePort[],
): readonly Readonly<Record<string, unknown>>[] {
  const live = service?.spec?.ports ?? [];
  const isStray = (one: ServicePort) =>
    strays.some((other) => other.port === one.port && protocolOf(other) === protocolOf(one));
  return live
    .map((port, index) => ({ port, path: `/spec/ports/${index}` }))
    .filter(({ port }) => isStray(port))
    .toReversed()
    .flatMap(({ port, path }) => [
      { op: 'test', path: `${path}/port`, value: port.port },
      { op: 'remove', path },
    ]);
}

function protocolOf({ protocol = 'TCP' }: ServicePort): string {
  return protocol;
}

/** On the running pod: the kubelet brings it into the gateway's file within a second. */
async function annotatePod(
  { client, namespace, findLive, log, signal }: ApplyTarget,
  { name, annotations }: Plan['annotatePods'][number],
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

/** What is gone already, or is a later object of the same name, needs nothing. */
async function removeObject(
  { client, namespace, owner, findLive, log, signal }: ApplyTarget,
  { kind: kindName, name }: Plan['remove'][number],
): Promise<number> {
  const kind = childKindOf(kindName);
  const live = findLive(kind, name);
  if (!live || !isOwnedBy(owner, live) || live.metadata.deletionTimestamp !== undefined) return 0;
  try {
    await client.delete({ kind, namespace, name }, { uid: live.metadata.uid, signal });
  } catch (error) {
    if (isKubeError(error, 'conflict')) return 0;
    throw error;
  }
  log.info({ kind: kindName, name }, 'object removed');
  return 1;
}
