/**
 * What gather and apply ask of the caches that the reflectors fill. Small, so that tests can stand in a
 * map; a cache may be some moments behind the API server, never wrong about who owns what it holds.
 */
import type { ResourceKind } from '#operator/runtime/client.ts';

export interface Caches {
  /** As last seen, raw JSON; undefined when not there. */
  get<T>(kind: ResourceKind, namespace: string, name: string): T | undefined;
  /** All objects of the kind that carry the gateway's label. */
  listOf<T>(kind: ResourceKind, namespace: string, gatewayName: string): readonly T[];
}
