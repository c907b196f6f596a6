/**
 * Reads everything the plan looks at. Nearly all of it from caches; host names of load balancers from
 * DNS, and events from the API server, but only while a shard does not come up.
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
import type { HostNames } from './host-names.ts';
import { childKinds, podKind } from './kinds.ts';
import { readWarnings } from './warnings.ts';

export interface GatherSources {
  readonly caches: Caches;
  readonly client: KubeClient;
  readonly hostNames: HostNames;
  readonly clock: Clock;
}

/** @throws KubeError when the API server is away, and the reason of the signal. */
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
  const pods = caches.listOf<ObservedPod>(podKind, namespace, name);
  return {
    gateway,
    ...(service && { service }),
    ...(configMap && { configMap }),
    ...(cosdService && { cosdService }),
    statefulSets,
    pods,
    resolvedHosts: await resolveHosts(hostNames, service, signal),
    podProblems: await readWarnings(client, namespace, { statefulSets, pods }, signal),
    nowMs: clock.now(),
  };
}

async function resolveHosts(
  hostNames: HostNames,
  service: ObservedService | undefined,
  signal: AbortSignal,
) {
  const ingress = service?.status?.loadBalancer?.ingress ?? [];
  const hosts = ingress.flatMap(({ ip, hostname }) => (ip || !hostname ? [] : [hostname]));
  const answers = hosts.map(async (host) => [host, await hostNames.resolve(host, signal)] as const);
  const resolved = await Promise.all(answers);
  return Object.fromEntries(resolved.filter(([, addresses]) => addresses.length > 0));
}
