/**
 * Reads everything the plan looks at. Nearly all of it from caches; host names of load balancers from
 * DNS, and events of StatefulSets from the API server, but only while one of them lacks its pod.
 */
import type { Clock } from '#gateway/kit/clock.ts';
import type { FtpGateway } from '#operator/api/ftp-gateway.ts';
import { childNames } from '#operator/plan/names.ts';
import type {
  Observed,
  ObservedConfigMap,
  ObservedPod,
  ObservedService,
  ObservedStatefulSet,
} from '#operator/plan/observed.ts';
import type { KubeClient } from '#operator/runtime/client.ts';
import type { Caches } from './caches.ts';
import { readCreateFailures } from './failures.ts';
import type { HostNames } from './host-names.ts';
import { childKinds, podKind } from './kinds.ts';

export interface GatherSources {
  readonly caches: Caches;
  readonly client: KubeClient;
  readonly hostNames: HostNames;
  readonly clock: Clock;
}

/** @throws KubeError when the API server is away. */
export async function gather(
  { caches, client, hostNames, clock }: GatherSources,
  gateway: FtpGateway,
  signal: AbortSignal,
): Promise<Observed> {
  const { name, namespace } = gateway.metadata;
  const names = childNames(name);
  const service = caches.get<ObservedService>(childKinds.Service, namespace, names.service);
  const configMap = caches.get<ObservedConfigMap>(childKinds.ConfigMap, namespace, names.configMap);
  const cosdService = caches.get<ObservedService>(childKinds.Service, namespace, names.cosd);
  const statefulSets = caches.listOf<ObservedStatefulSet>(childKinds.StatefulSet, namespace, name);
  const incomplete = statefulSets.filter(lacksPod);
  return {
    gateway,
    ...(service && { service }),
    ...(configMap && { configMap }),
    ...(cosdService && { cosdService }),
    statefulSets,
    pods: caches.listOf<ObservedPod>(podKind, namespace, name),
    resolvedHosts: await resolveHosts(hostNames, service),
    podProblems: await readCreateFailures(client, namespace, incomplete, signal),
    nowMs: clock.now(),
  };
}

/** A StatefulSet of one pod that has made none, by its own word. */
function lacksPod({ metadata, status }: ObservedStatefulSet): boolean {
  return metadata.deletionTimestamp === undefined && (status?.replicas ?? 0) === 0;
}

async function resolveHosts(hostNames: HostNames, service: ObservedService | undefined) {
  const ingress = service?.status?.loadBalancer?.ingress ?? [];
  const hosts = ingress.flatMap(({ ip, hostname }) => (ip || !hostname ? [] : [hostname]));
  const answers = hosts.map(async (host) => [host, await hostNames.resolve(host)] as const);
  const resolved = await Promise.all(answers);
  return Object.fromEntries(resolved.filter(([, addresses]) => addresses.length > 0));
}
