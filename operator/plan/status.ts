/**
 * What the resource tells about itself: four conditions, each with a sentence a person can act on, the
 * address and the shards. A condition's time changes only with its status. Pure.
 */
import type {
  FtpGateway,
  FtpGatewayCondition,
  FtpGatewaySpec,
  FtpGatewayStatus,
  ShardStatus,
} from '#operator/api/ftp-gateway.ts';
import type { AddressChoice } from './address.ts';
import { childNames, gatewaySelector, labels } from './names.ts';
import type { Observed } from './observed.ts';
import { podProblems } from './pod-problems.ts';
import { isLive, isOutdated, type RolloutStep, type Shard } from './rollout.ts';
import { formatSlice, portSlice } from './shards.ts';

export type ConditionType = 'Accepted' | 'Programmed' | 'AddressAssigned' | 'Ready';

interface Verdict {
  readonly status: 'True' | 'False';
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
}

type Verdicts = Readonly<Record<ConditionType, Verdict>>;

export interface StatusSources {
  readonly observed: Observed;
  readonly spec: FtpGatewaySpec;
  readonly address: AddressChoice;
  readonly step: RolloutStep;
  /** Why nothing can run yet although the resource is good. */
  readonly obstacle: string | undefined;
  readonly warnings: readonly string[];
}

export function gatewayStatus(sources: StatusSources): FtpGatewayStatus {
  const { observed, spec, address, step } = sources;
  const { gateway } = observed;
  const live = step.shards.filter(isLive);
  return {
    ...(gateway.metadata.generation && { observedGeneration: gateway.metadata.generation }),
    ...(address.address && { address: address.address }),
    replicas: live.length,
    readyReplicas: live.filter(isReady).length,
    selector: `${gatewaySelector(gateway.metadata.name)},${labels.component}=gateway`,
    conditions: conditions(observed, verdicts(sources)),
    shards: step.shards.map((shard) => shardStatus(gateway, spec, shard)),
  };
}

/** A resource that cannot be served: what runs is left as it is, and its address is followed. */
export function refusedStatus(
  observed: Observed,
  problems: readonly string[],
  address?: AddressChoice,
): FtpGatewayStatus {
  const { gateway } = observed;
  const left = 'the resource is not accepted; what runs is left as it is';
  const before = gateway.status?.conditions ?? [];
  const kept = (type: ConditionType): Verdict => {
    const known = before.find((condition) => condition.type === type);
    const status = known?.status === 'True' ? 'True' : 'False';
    return { status, reason: 'NotAccepted', message: left };
  };
  return {
    ...gateway.status,
    ...(address?.address && { address: address.address }),
    ...(gateway.metadata.generation && { observedGeneration: gateway.metadata.generation }),
    conditions: conditions(observed, {
      Accepted: { status: 'False', reason: 'Invalid', message: problems.join('; ') },
      Programmed: { status: 'False', reason: 'NotAccepted', message: left },
      AddressAssigned: address ? addressAssigned(address) : kept('AddressAssigned'),
      Ready: kept('Ready'),
    }),
  };
}

function verdicts({ observed, spec, address, step, obstacle, warnings }: StatusSources): Verdicts {
  return {
    Accepted: {
      status: 'True',
      reason: warnings.length > 0 ? 'AcceptedWithWarning' : 'Accepted',
      message: ['the resource can be served', ...warnings].join('; '),
    },
    Programmed: programmed(spec, step, obstacle),
    AddressAssigned: addressAssigned(address),
    Ready: ready(observed, spec, address, step),
  };
}

function addressAssigned({ address, reason, message }: AddressChoice): Verdict {
  return { status: address ? 'True' : 'False', reason, message };
}

function programmed(
  { replicas }: FtpGatewaySpec,
  { shards, remove }: RolloutStep,
  obstacle: string | undefined,
): Verdict {
  if (obstacle) return { status: 'False', reason: 'Waiting', message: obstacle };
  const live = shards.filter(isLive).filter((shard) => !remove.includes(shard));
  const outdated = live.filter((shard) => isOutdated(shard, replicas)).length;
  if (outdated > 0) {
    const message = `${outdated} of ${live.length} shards are to be replaced, one after the other`;
    return { status: 'False', reason: 'RollingOut', message };
  }
  if (live.length !== replicas) {
    const message = `${live.length} of ${replicas} shards are made`;
    return { status: 'False', reason: 'Scaling', message };
  }
  return { status: 'True', reason: 'Programmed', message: 'all objects are as wished' };
}

function ready(
  observed: Observed,
  { replicas }: FtpGatewaySpec,
  address: AddressChoice,
  { shards }: RolloutStep,
): Verdict {
  if (replicas === 0) {
    return { status: 'False', reason: 'Stopped', message: 'replicas is 0: nothing runs' };
  }
  const count = shards.filter(isLive).filter(isReady).length;
  if (count < replicas) {
    const [problem] = podProblems(observed);
    const message = `${count} of ${replicas} shards are ready${problem ? `: ${problem}` : ''}`;
    return { status: 'False', reason: 'ShardsNotReady', message };
  }
  if (!address.address) return { status: 'False', reason: 'NoAddress', message: address.message };
  const message = `${replicas} of ${replicas} shards are ready at ${address.address}`;
  return { status: 'True', reason: 'Ready', message };
}

function shardStatus(gateway: FtpGateway, spec: FtpGatewaySpec, shard: Shard): ShardStatus {
  return {
    name: childNames(gateway.metadata.name).shard(shard.slice),
    ports: formatSlice(portSlice(spec, shard.slice)),
    phase: phaseOf(shard, spec.replicas),
  };
}

function phaseOf(shard: Shard, replicas: number): ShardStatus['phase'] {
  if (!isLive(shard)) return 'Draining';
  if (isOutdated(shard, replicas)) return 'Outdated';
  return isReady(shard) ? 'Ready' : 'Starting';
}

function isReady({ readySinceMs }: Shard): boolean {
  return readySinceMs !== undefined;
}

function conditions({ gateway, nowMs }: Observed, wanted: Verdicts): FtpGatewayCondition[] {
  const before = gateway.status?.conditions ?? [];
  return Object.entries(wanted).map(([type, verdict]) => {
    const known = before.find((condition) => condition.type === type);
    const isSame = known?.status === verdict.status;
    return {
      type,
      ...verdict,
      ...(gateway.metadata.generation && { observedGeneration: gateway.metadata.generation }),
      lastTransitionTime: isSame ? known.lastTransitionTime : formatTime(nowMs),
    };
  });
}

/** Whole seconds, as the API server keeps them. */
function formatTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
