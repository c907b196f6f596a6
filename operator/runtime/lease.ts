/** The record of an election, as coordination.k8s.io/v1 keeps it. Pure but for the clock. */
import type { Clock } from '#gateway/kit/clock.ts';
import type { KubeObject, ResourceKind } from './client.ts';

export const leaseKind: ResourceKind = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};

export interface Lease extends KubeObject {
  readonly spec?: LeaseSpec;
}

export interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  /** MicroTime: RFC 3339 with six digits after the point. */
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

export interface LeaseParts {
  /** With the resourceVersion of the record it replaces. */
  readonly metadata: KubeObject['metadata'];
  readonly clock: Clock;
  readonly leaseMs: number;
}

/** Renewed now. */
export function leaseWith(spec: LeaseSpec, { metadata, clock, leaseMs }: LeaseParts): Lease {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    ...(metadata && { metadata }),
    spec: {
      ...spec,
      renewTime: microTime(clock),
      leaseDurationSeconds: Math.ceil(leaseMs / 1000),
    },
  };
}

/** The API's MicroTime, which refuses three digits after the point. */
export function microTime(clock: Clock): string {
  return new Date(clock.now()).toISOString().replace('Z', '000Z');
}
