/**
 * What running pods are told by annotations, which restart nothing: the address, whose annotation is a
 * file in the pod, and that their configuration changed, because the kubelet brings a changed ConfigMap
 * into a pod only when it looks at that pod (every minute or so), and a changed annotation makes it look.
 * Never a template's annotations: those would restart the shard. Pure.
 *
 * Of a pod that is ending the kubelet refreshes no volume at all (volumemanager,
 * desired_state_of_world_populator.go), so it is told nothing: it keeps the address it had.
 */
import type { AddressChoice } from './address.ts';
import { configKey } from './desired-config.ts';
import { shortHash } from './hash.ts';
import { annotations, labels } from './names.ts';
import type { Observed, ObservedConfigMap, ObservedPod } from './observed.ts';

export interface PodAnnotations {
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface PodNews {
  /** Only pods that have to be told something. */
  readonly pods: readonly PodAnnotations[];
  /** Until the second telling of a configuration is due. */
  readonly waitMs?: number;
}

/**
 * The kubelet may see the annotation before its own watch has brought the ConfigMap, and then looks in
 * vain: it is told a second time.
 */
export const tellAgainMs = 5_000;

/** Between the hash and the time of the first telling; absent once told twice. */
const separator = '@';

export function podNews(observed: Observed, { address }: AddressChoice): PodNews {
  const shards = observed.pods.filter(isRunningShard);
  const config = configHash(observed.configMap);
  const told = shards.map((pod) => ({ pod, config: configNews(pod, config, observed.nowMs) }));
  const pods = told.flatMap(({ pod, config: news }) => {
    const differing = { ...addressNews(pod, address), ...news.annotation };
    if (Object.keys(differing).length === 0) return [];
    return [{ name: pod.metadata.name, annotations: differing }];
  });
  const waits = told.flatMap(({ config: { waitMs } }) => (waitMs === undefined ? [] : [waitMs]));
  return { pods, ...(waits.length > 0 && { waitMs: Math.min(...waits) }) };
}

/** Of what the API server has, not of what is wished: nobody may be sent to look for what is not there. */
function configHash(configMap: ObservedConfigMap | undefined): string | undefined {
  const text = configMap?.data?.[configKey];
  return text === undefined ? undefined : shortHash(text);
}

/** An address that is gone stays told. */
function addressNews({ metadata }: ObservedPod, address: string | undefined) {
  const name = annotations.masqueradeAddress;
  return address === undefined || metadata.annotations?.[name] === address
    ? {}
    : { [name]: address };
}

interface ConfigNews {
  readonly annotation?: Readonly<Record<string, string>>;
  readonly waitMs?: number;
}

function configNews(
  { metadata }: ObservedPod,
  hash: string | undefined,
  nowMs: number,
): ConfigNews {
  const name = annotations.configHash;
  const told = metadata.annotations?.[name];
  if (hash === undefined || told === hash) return {};
  const [toldHash, toldAt = ''] = told?.split(separator) ?? [];
  if (toldHash !== hash) {
    const first = `${hash}${separator}${new Date(nowMs).toISOString()}`;
    return { annotation: { [name]: first }, waitMs: tellAgainMs };
  }
  const elapsedMs = nowMs - Date.parse(toldAt);
  // A time that cannot be, from another clock or another hand, is no reason to wait.
  if (elapsedMs >= 0 && elapsedMs < tellAgainMs) return { waitMs: tellAgainMs - elapsedMs };
  return { annotation: { [name]: hash } };
}

/** Not the embedded COS. */
function isRunningShard({ metadata }: ObservedPod): boolean {
  return metadata.labels?.[labels.shard] !== undefined && metadata.deletionTimestamp === undefined;
}
