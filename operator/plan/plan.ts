/**
 * From everything observed to everything that has to be done next, in order. Pure: the same observation
 * gives the same plan, and once nothing is left to do the plan wishes what is there.
 */
import type { FtpGatewayStatus } from '#operator/api/ftp-gateway.ts';

/** A manifest: plain JSON. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly OwnerReference[];
  };
  readonly [field: string]: unknown;
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller: true;
  readonly blockOwnerDeletion: true;
}

/** In the gateway's namespace. */
export interface ObjectReference {
  readonly kind: 'StatefulSet' | 'Service' | 'NetworkPolicy' | 'PodDisruptionBudget';
  readonly name: string;
  /** Only this very object. */
  readonly uid?: string;
}

export interface PodAnnotations {
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Ports that somebody else put into a Service: a forced apply leaves them there. */
export interface StrayPorts {
  readonly service: string;
  readonly ports: readonly { readonly port: number; readonly protocol: string }[];
}

export interface PlannedEvent {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
}

export interface Plan {
  /** To be applied in this order: ports of the Service before the shards that use them. */
  readonly apply: readonly KubernetesObject[];
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

export interface OperatorSettings {
  readonly gatewayImage: string;
  readonly gatewayImagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  /** Repositories without tag. */
  readonly allowedRepositories: readonly string[];
}
