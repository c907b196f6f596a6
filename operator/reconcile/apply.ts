/**
 * Carries out a Plan against the API server, in its order: objects, the Service's stray ports, pods'
 * annotations, removals. Sends only what differs from what was observed, so that a second run over a
 * settled gateway writes nothing. Never writes an object that belongs to somebody else, and never touches
 * a pod's template for an annotation.
 */
import type { Plan } from '#operator/plan/plan.ts';
import type { KubeClient, ResourceKind } from '#operator/runtime/client.ts';
import { isAsWished, withWishHash } from './difference.ts';
import { childKindOf, podKind } from './kinds.ts';
import { assertOwnedBy, type OwnedObject, type Owner } from './ownership.ts';

/** Finds a child as the caches hold it. */
export type FindLive = (kind: ResourceKind, name: string) => LiveObject | undefined;

export interface LiveObject extends OwnedObject {
  readonly metadata: OwnedObject['metadata'] & {
    readonly name: string;
    readonly uid: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

export interface ApplyOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly owner: Owner;
  readonly findLive: FindLive;
  readonly signal?: AbortSignal;
}
