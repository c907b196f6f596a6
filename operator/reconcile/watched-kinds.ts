/**
 * One reflector per kind, all telling the same thing: the key of the gateway that has to be looked at.
 * Children and pods are watched by the gateway's label, so that the caches hold nobody else's objects.
 */
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import { labels } from '#operator/plan/names.ts';
import type { CacheChange } from '#operator/runtime/cache.ts';
import type { KubeClient, KubeObject, ResourceKind } from '#operator/runtime/client.ts';
import { Reflector } from '#operator/runtime/reflector.ts';
import type { Caches } from './caches.ts';
import { childKinds, gatewayKind, podKind } from './kinds.ts';

export interface WatchedKindsOptions {
  readonly client: KubeClient;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  /** Told `namespace/name` of the gateway whose part of the world changed. */
  readonly onChange: (key: string) => void;
  readonly onRestart?: (kind: ResourceKind) => void;
}

export class WatchedKinds implements Caches {
  readonly reflectors: readonly Reflector<KubeObject>[];

  constructor(options: WatchedKindsOptions) {
    const { onChange } = options;
    const gateways = new Reflector<KubeObject>({
      ...options,
      kind: gatewayKind,
      onChange: (change) => {
        if (isWish(change)) onChange(change.key);
      },
    });
    const belongings = [...Object.values(childKinds), podKind].map(
      (kind) =>
        new Reflector<KubeObject>({
          ...options,
          kind,
          labelSelector: labels.gateway,
          onChange: ({ object }) => {
            const key = gatewayKeyOf(object);
            if (key !== undefined) onChange(key);
          },
        }),
    );
    this.reflectors = [gateways, ...belongings];
  }

  get<T>(kind: ResourceKind, namespace: string, name: string): T | undefined {
    return this.#cacheOf(kind).get(namespace, name) as T | undefined;
  }

  listOf<T>(kind: ResourceKind, namespace: string, gatewayName: string): readonly T[] {
    const wanted = { [labels.gateway]: gatewayName };
    return this.#cacheOf(kind).list({ namespace, labels: wanted }) as unknown as readonly T[];
  }

  get isSynced(): boolean {
    return this.reflectors.every((reflector) => reflector.isSynced);
  }

  /** Resolves when everything was listed once: before, a missing object means nothing. */
  async synced(): Promise<void> {
    await Promise.all(this.reflectors.map(({ synced }) => synced));
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.reflectors.map((reflector) => reflector.run(signal)));
  }

  #cacheOf(kind: ResourceKind) {
    const found = this.reflectors.find((reflector) => reflector.kind === kind);
    if (!found) throw new Error(`${kind.kind} is not watched`);
    return found.cache;
  }
}

/** A new status is our own word. Looking again for it would make a refusal in new words a busy loop. */
function isWish({ previous, object }: CacheChange<KubeObject>): boolean {
  const before = previous?.metadata;
  const now = object.metadata;
  return (
    before === undefined ||
    before.generation !== now?.generation ||
    before.deletionTimestamp !== now?.deletionTimestamp
  );
}

/** Key of the gateway an object was made for, told by its label. */
function gatewayKeyOf({ metadata }: KubeObject): string | undefined {
  const name = metadata?.labels?.[labels.gateway];
  return name === undefined ? undefined : `${metadata?.namespace ?? ''}/${name}`;
}
