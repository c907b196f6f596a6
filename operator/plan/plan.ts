/**
 * From everything observed to everything that has to be done next, in order. Pure: the same observation
 * gives the same plan, and once nothing is left to do the plan wishes what is there.
 */
import type { FtpGatewaySpec, FtpGatewayStatus } from '#operator/api/ftp-gateway.ts';
import { type AddressChoice, chooseAddress, followAddress, hostNameRefreshMs } from './address.ts';
import { checkGateway, warningsAbout } from './checks.ts';
import { configProblems, gatewayConfig, restartHash } from './desired-config.ts';
import { embeddedCosObjects, embeddedCosReferences } from './desired-cosd.ts';
import { configMap, serviceAccount } from './desired-identity.ts';
import {
  clientService,
  disruptionBudget,
  networkPolicy,
  type StrayPorts,
  strayServicePorts,
} from './desired-network.ts';
import { type ShardSources, shardStatefulSet, templateHash } from './desired-shard.ts';
import { type PlannedEvent, plannedEvents } from './events.ts';
import type { KubernetesObject, ObjectReference } from './manifest.ts';
import { childNames } from './names.ts';
import type { Observed } from './observed.ts';
import { type PodAnnotations, podNews } from './pod-annotations.ts';
import { heldSlices, nextStep, type RolloutSources, type RolloutStep } from './rollout.ts';
import type { OperatorSettings } from './settings.ts';
import { gatewayStatus, refusedStatus } from './status.ts';

export interface Plan {
  /**
   * What shards stand on, in this order: accounts, policies, the Service with their ports, configuration.
   * While one of these is refused no shard may be written: it would get sessions without the rest.
   */
  readonly foundation: readonly KubernetesObject[];
  /** Nothing else needs these. */
  readonly beside: readonly KubernetesObject[];
  /** StatefulSets of the shards that stay or come. */
  readonly shards: readonly KubernetesObject[];
  readonly removeServicePorts?: StrayPorts;
  /** Only pods whose annotation differs. */
  readonly annotatePods: readonly PodAnnotations[];
  /** After everything else; with background propagation, so that pods get their whole grace period. */
  readonly remove: readonly ObjectReference[];
  readonly status: FtpGatewayStatus;
  /** To be told once per change: aggregated by whoever sends them. */
  readonly events: readonly PlannedEvent[];
  /** Look again after this long although nothing may have been reported. */
  readonly requeueAfterMs?: number;
}

/** How often Events are read while a shard is not ready: they come without any other report. */
const warningRefreshMs = 10_000;

export function plan(observed: Observed, settings: OperatorSettings): Plan {
  const { gateway } = observed;
  // The garbage collector takes the children.
  if (gateway.metadata.deletionTimestamp !== undefined) return nothing(gateway.status ?? {});
  const checked = checkGateway(gateway, settings);
  if (!checked.isGood) return refusal(observed, checked.problems);
  const { spec, image } = checked;
  const address = chooseAddress(observed, spec);
  const cosdAddress = observed.cosdService?.spec?.clusterIP;
  const config = gatewayConfig({ spec, address: address.address, cosdAddress });
  const problems = configProblems(spec, config);
  if (problems.length > 0) return refusal(observed, problems);
  const shardSources = { gateway, spec, image, settings, restartHash: restartHash(config) };
  return accepted({ observed, spec, address, config, shardSources });
}

interface Accepted {
  readonly observed: Observed;
  readonly spec: FtpGatewaySpec;
  readonly address: AddressChoice;
  readonly config: object;
  readonly shardSources: ShardSources;
}

function accepted({ observed, spec, address, config, shardSources }: Accepted): Plan {
  const { gateway, service } = observed;
  const obstacle = obstacleOf(observed, spec);
  const step = stepUnless(obstacle, {
    ...observed,
    replicas: spec.replicas,
    templateHash: templateHash(shardSources),
  });
  const slices = heldSlices(spec.replicas, step.shards);
  const wishedService = clientService({ gateway, spec, slices, live: service });
  const strays = strayServicePorts(wishedService, service);
  const shards = step.apply.map((slice) => shardStatefulSet(shardSources, slice));
  const warnings = warningsAbout(spec);
  const status = gatewayStatus({ observed, spec, address, step, obstacle, warnings });
  const news = podNews(observed, address);
  const requeueAfterMs = earliest([
    step.waitMs,
    news.waitMs,
    address.isResolved ? hostNameRefreshMs : undefined,
    (status.readyReplicas ?? 0) < spec.replicas ? warningRefreshMs : undefined,
  ]);
  return {
    foundation: [
      serviceAccount(gateway),
      ...(spec.cos.embedded ? embeddedCosObjects(shardSources) : []),
      networkPolicy(gateway, spec, slices),
      wishedService,
      ...(obstacle ? [] : [configMap(gateway, config)]),
    ],
    beside: [disruptionBudget(gateway, spec)],
    shards: obstacle ? [] : shards,
    ...(strays && { removeServicePorts: strays }),
    annotatePods: news.pods,
    remove: removals(observed, spec, step.remove),
    status,
    events: plannedEvents({ observed, status, step, strays, warnings }),
    ...(requeueAfterMs !== undefined && { requeueAfterMs }),
  };
}

function stepUnless(obstacle: string | undefined, sources: RolloutSources): RolloutStep {
  const step = nextStep(sources);
  return obstacle ? { shards: step.shards, apply: [], create: [], remove: [] } : step;
}

/** What runs is left as it is, and told a new address all the same: the balancer asks nobody. */
function refusal(observed: Observed, problems: readonly string[]): Plan {
  const address = followAddress(observed);
  const status = refusedStatus(observed, problems, address);
  const news = address && podNews(observed, address);
  const requeueAfterMs = earliest([
    news?.waitMs,
    address?.isResolved ? hostNameRefreshMs : undefined,
  ]);
  return {
    ...nothing(status),
    annotatePods: news?.pods ?? [],
    events: plannedEvents({ observed, status }),
    ...(requeueAfterMs !== undefined && { requeueAfterMs }),
  };
}

function nothing(status: FtpGatewayStatus): Plan {
  return {
    foundation: [],
    beside: [],
    shards: [],
    annotatePods: [],
    remove: [],
    status,
    events: [],
  };
}

/** The configuration needs the address of the embedded COS, which the API server gives its Service. */
function obstacleOf({ cosdService }: Observed, { cos }: FtpGatewaySpec): string | undefined {
  if (!cos.embedded || cosdService?.spec?.clusterIP) return undefined;
  return 'the Service of the embedded COS has no address yet';
}

function removals(
  { gateway, cosdService }: Observed,
  { cos }: FtpGatewaySpec,
  shards: RolloutStep['remove'],
): ObjectReference[] {
  const { name } = gateway.metadata;
  const ended = shards.map(({ slice, statefulSet }): ObjectReference => {
    const uid = statefulSet?.metadata.uid;
    return { kind: 'StatefulSet', name: childNames(name).shard(slice), ...(uid && { uid }) };
  });
  return [...ended, ...(!cos.embedded && cosdService ? embeddedCosReferences(name) : [])];
}

function earliest(waitsMs: readonly (number | undefined)[]): number | undefined {
  const known = waitsMs.filter((wait) => wait !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}
