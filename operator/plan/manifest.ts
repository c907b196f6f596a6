/** What all objects made for a gateway have in common: namespace, labels and owner. Pure. */
import { apiVersion, type FtpGateway, gatewayKindName } from '#operator/api/ftp-gateway.ts';
import { type Component, childLabels } from './names.ts';

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

export interface ObjectKind {
  readonly apiVersion: string;
  readonly kind: string;
}

export interface ManifestParts {
  readonly name: string;
  readonly component: Component;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Everything beside metadata. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** Owned by the gateway, so that everything goes when the resource goes. */
export function manifest(
  { metadata }: FtpGateway,
  kind: ObjectKind,
  { name, component, labels, annotations = {}, body }: ManifestParts,
): KubernetesObject {
  return {
    ...kind,
    metadata: {
      name,
      namespace: metadata.namespace,
      labels: { ...childLabels(metadata.name, component), ...labels },
      ...(Object.keys(annotations).length > 0 && { annotations }),
      ownerReferences: [
        {
          apiVersion,
          kind: gatewayKindName,
          name: metadata.name,
          uid: metadata.uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    ...body,
  };
}
