/** What is worth an Event: changes, never states, so that a settled gateway is silent. Pure. */
import type { FtpGatewayStatus } from '#operator/api/ftp-gateway.ts';
import type { StrayPorts } from './desired-network.ts';
import { childNames } from './names.ts';
import type { Observed } from './observed.ts';
import { isLeaving, type RolloutStep } from './rollout.ts';

export interface PlannedEvent {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
}

export interface EventSources {
  readonly observed: Observed;
  readonly status: FtpGatewayStatus;
  readonly step?: RolloutStep;
  readonly strays?: StrayPorts | undefined;
  readonly warnings?: readonly string[];
}

export function plannedEvents(sources: EventSources): PlannedEvent[] {
  return [
    ...conditionEvents(sources),
    ...addressEvents(sources),
    ...shardEvents(sources),
    ...strayEvents(sources),
    ...warningEvents(sources),
  ];
}

function conditionEvents({ observed, status }: EventSources): PlannedEvent[] {
  return (['Accepted', 'Ready'] as const).flatMap((type): PlannedEvent[] => {
    const before = conditionOf(observed.gateway.status, type);
    const now = conditionOf(status, type);
    if (now === undefined) return [];
    const isChanged = before?.status !== now.status;
    const isNewRefusal = type === 'Accepted' && before?.message !== now.message;
    if (now.status === 'True') {
      const isTold = type === 'Ready' && isChanged;
      return isTold ? [{ type: 'Normal', reason: 'Ready', message: now.message }] : [];
    }
    if (!isChanged && !isNewRefusal) return [];
    // A gateway that was never ready is only on its way.
    if (type === 'Ready' && before?.status !== 'True') return [];
    return [{ type: 'Warning', reason: now.reason, message: now.message }];
  });
}

function addressEvents({ observed, status }: EventSources): PlannedEvent[] {
  const { address } = status;
  const before = observed.gateway.status?.address;
  if (address === undefined || address === before) return [];
  const message = before
    ? `the address is ${address} now, it was ${before}`
    : `the address is ${address}`;
  return [{ type: 'Normal', reason: 'AddressAssigned', message }];
}

/** What is seen, not what is tried: a shard may be refused. */
function shardEvents({ observed, status, step }: EventSources): PlannedEvent[] {
  if (step === undefined) return [];
  const { name: gateway } = observed.gateway.metadata;
  const phasesOf = ({ shards = [] }: FtpGatewayStatus) =>
    new Map(shards.map(({ name, phase }) => [name, phase] as const));
  const [before, now] = [phasesOf(observed.gateway.status ?? {}), phasesOf(status)];
  return step.shards.flatMap((shard): PlannedEvent[] => {
    const name = childNames(gateway).shard(shard.slice);
    if (before.get(name) !== now.get(name) && now.get(name) === 'Draining') {
      return [isLeaving(shard) ? endedByOthers(name) : draining(name)];
    }
    if (before.has(name)) return [];
    return [{ type: 'Normal', reason: 'ShardCreated', message: `${name} is made` }];
  });
}

function draining(name: string): PlannedEvent {
  const message = `${name} takes no new sessions and ends when its transfers have`;
  return { type: 'Normal', reason: 'ShardDraining', message };
}

function endedByOthers(name: string): PlannedEvent {
  const message = `the pod of ${name} is ended by an eviction, a node drain or a person; another shard takes over while it finishes its transfers`;
  return { type: 'Normal', reason: 'ShardReplaced', message };
}

function strayEvents({ strays }: EventSources): PlannedEvent[] {
  if (strays === undefined) return [];
  const list = strays.ports.map(({ port, protocol }) => `${port}/${protocol}`).join(', ');
  const message = `ports ${list} were added to the Service ${strays.service} by somebody else and are removed`;
  return [{ type: 'Warning', reason: 'StrayPortsRemoved', message }];
}

/** Once, when it appears. */
function warningEvents({ observed, warnings = [] }: EventSources): PlannedEvent[] {
  const told = conditionOf(observed.gateway.status, 'Accepted')?.message ?? '';
  return warnings
    .filter((message) => !told.includes(message))
    .map((message) => ({ type: 'Warning', reason: 'AcceptedWithWarning', message }));
}

function conditionOf(status: FtpGatewayStatus | undefined, type: string) {
  return status?.conditions?.find((condition) => condition.type === type);
}
