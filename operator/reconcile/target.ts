/** What every step of an apply works with: the API server, whose gateway it is, and what is there. */
import type { Log } from '#gateway/kit/log.ts';
import type { KubeClient, ResourceKind } from '#operator/runtime/client.ts';
import type { OwnedObject, Owner } from './ownership.ts';

export interface ApplyTarget {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly owner: Owner;
  /** As the caches hold it. */
  readonly findLive: (kind: ResourceKind, name: string) => LiveObject | undefined;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** A child or pod. */
export interface LiveObject extends OwnedObject {
  readonly metadata: LiveMetadata;
  readonly spec?: { readonly ports?: readonly ServicePort[] };
}

interface LiveMetadata {
  readonly name: string;
  readonly uid: string;
  readonly deletionTimestamp?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: NonNullable<OwnedObject['metadata']>['ownerReferences'];
}

export interface ServicePort {
  readonly port: number;
  readonly protocol?: string;
}
