/** What the operator may observe, for tests of the plan: a gateway with shards in any state. */
import type { FtpGateway } from '#operator/api/ftp-gateway.ts';
import type { KubernetesObject } from '#operator/plan/manifest.ts';
import { annotations, labels } from '#operator/plan/names.ts';
import type { Observed, ObservedPod, ObservedStatefulSet } from '#operator/plan/observed.ts';
import { type Plan, plan } from '#operator/plan/plan.ts';
import type { OperatorSettings } from '#operator/plan/settings.ts';
import { storedGateway } from './operator-gateways.ts';

export const nowMs = Date.parse('2026-01-02T03:04:05Z');

export const settings: OperatorSettings = {
  gatewayImage: 'registry.example.com/cos-ftp-gateway:1.0.0',
  gatewayImagePullPolicy: 'IfNotPresent',
  allowedRepositories: ['registry.example.com/cos-ftp-gateway'],
};

export function observe(changes: Partial<Observed> = {}): Observed {
  return {
    gateway: storedGateway(),
    statefulSets: [],
    pods: [],
    resolvedHosts: {},
    podProblems: [],
    nowMs,
    ...changes,
  };
}

export interface ShardState {
  readonly slice: number;
  readonly hash?: string;
  /** How long its pod has been ready; absent: it is not. */
  readonly readyMs?: number;
  /** The StatefulSet is deleted, its pod about to end. */
  readonly isDraining?: true;
  /** Its pod is about to end, and nobody deleted the StatefulSet. */
  readonly isLeaving?: true;
  /** Of the pod. Default Running. */
  readonly phase?: 'Pending' | 'Running' | 'Failed';
}

export function statefulSetsOf(states: readonly ShardState[]): ObservedStatefulSet[] {
  return states
    .filter(({ isDraining }) => !isDraining)
    .map(({ slice, hash = 'new' }) => ({
      metadata: {
        name: `inbox-shard-${slice}`,
        uid: `uid-of-shard-${slice}`,
        labels: { [labels.shard]: String(slice) },
        annotations: { [annotations.templateHash]: hash },
      },
    }));
}

export function podsOf(states: readonly ShardState[]): ObservedPod[] {
  return states.map(({ slice, readyMs, isDraining, isLeaving, phase = 'Running' }) => ({
    metadata: {
      name: `inbox-shard-${slice}-0`,
      labels: { [labels.shard]: String(slice) },
      ...((isDraining ?? isLeaving) && { deletionTimestamp: time(nowMs) }),
    },
    status: {
      phase,
      hostIP: '10.0.0.7',
      conditions: [
        {
          type: 'Ready',
          status: readyMs === undefined ? 'False' : 'True',
          lastTransitionTime: time(nowMs - (readyMs ?? 0)),
        },
      ],
    },
  }));
}

/** The template hash of what the plan makes for this gateway. */
export function wishedHash(gateway: FtpGateway): string {
  const [shard] = planFor({ gateway }).shards;
  return shard?.metadata.annotations?.[annotations.templateHash] ?? '';
}

/** Everything a plan writes, in its order. */
export function objectsOf({ foundation, beside, shards }: Plan): readonly KubernetesObject[] {
  return [...foundation, ...beside, ...shards];
}

export function planFor(changes: Partial<Observed>): Plan {
  return plan(observe(changes), settings);
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
