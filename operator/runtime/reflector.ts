/**
 * Keeps a cache of one kind equal to the API server by list and watch, for as long as the process lives:
 * through resets, forgotten versions, refusals and restarts of the API server. Never gives up, never
 * throws, never works in a hot loop.
 */
import { type Clock, sleep } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import { type CacheChange, ObjectCache } from './cache.ts';
import type { KubeClient, KubeObject, ResourceKind } from './client.ts';
import { isKubeError } from './errors.ts';

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly kind: ResourceKind;
  /** Namespaces to look at, each with a watch of its own; empty: all with one. */
  readonly namespaces: readonly string[];
  readonly labelSelector?: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Called for each change after the cache has it; must not block. */
  readonly onChange: (change: CacheChange<T>) => void;
  /** Told each time a watch had to be begun anew after a failure. */
  readonly onRestart?: (kind: ResourceKind) => void;
  /** In [0, 1). Default Math.random. */
  readonly random?: () => number;
}

/** Pauses after failures: doubled each time, spread over the upper half. */
const firstPauseMs = 500;
const pauseMsMax = 15_000;
/** A watch that lived this long was a working one. */
const goodWatchMs = 5_000;
/** After so many failures in a row the version itself is doubted and everything listed anew. */
const failuresBeforeList = 3;

/** How far one namespace's loop has come. */
interface Progress {
  readonly namespace: string | undefined;
  resourceVersion: string | undefined;
  failures: number;
  isListed: boolean;
  contactMs: number;
}

export class Reflector<T extends KubeObject> {
  readonly cache = new ObjectCache<T>();
  readonly #options: ReflectorOptions<T>;
  readonly #parts: readonly Progress[];
  readonly #synced = Promise.withResolvers<void>();

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    const namespaces = options.namespaces.length > 0 ? options.namespaces : [undefined];
    const contactMs = options.clock.monotonicMs();
    this.#parts = namespaces.map((namespace) => ({
      namespace,
      resourceVersion: undefined,
      failures: 0,
      isListed: false,
      contactMs,
    }));
  }

  get kind(): ResourceKind {
    return this.#options.kind;
  }

  /** Whether everything was listed once; from then on an object that is not cached does not exist. */
  get isSynced(): boolean {
    return this.#parts.every(({ isListed }) => isListed);
  }

  /** Resolves as soon as `isSynced`. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  /** Since when the API server has said nothing, bookmarks included, in milliseconds. */
  get silentMs(): number {
    const oldestMs = Math.min(...this.#parts.map(({ contactMs }) => contactMs));
    return this.#options.clock.monotonicMs() - oldestMs;
  }

  /** Runs until the signal aborts, and then resolves. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#parts.map((part) => this.#follow(part, signal)));
  }

  async #follow(part: Progress, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      try {
        if (part.resourceVersion === undefined) await this.#list(part, signal);
        await this.#watch(part, signal);
        // The API server ends each watch after some minutes; one that ends at once is a failure.
        if (clock.monotonicMs() - startedMs < goodWatchMs) part.failures++;
        else part.failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        this.#note(part, error);
      }
      if (part.failures > 0) await this.#pause(part, signal);
    }
  }

  async #list(part: Progress, signal: AbortSignal): Promise<void> {
    const { client, kind } = this.#options;
    const { items, resourceVersion } = await client.list<T>(kind, this.#scope(part, signal));
    part.resourceVersion = resourceVersion;
    this.#heard(part);
    this.#tell(this.cache.replace(items, part.namespace));
    part.isListed = true;
    if (this.isSynced) this.#synced.resolve();
  }

  async #watch(part: Progress, signal: AbortSignal): Promise<void> {
    const { client, kind } = this.#options;
    const { resourceVersion = '' } = part;
    const watch = client.watch<T>(kind, { ...this.#scope(part, signal), resourceVersion });
    for await (const { type, object } of watch) {
      this.#heard(part);
      part.failures = 0;
      if (type === 'DELETED') this.#tell(this.cache.remove(object));
      else if (type !== 'BOOKMARK') this.#tell(this.cache.set(object));
      part.resourceVersion = object.metadata?.resourceVersion ?? part.resourceVersion;
    }
    this.#heard(part);
  }

  #scope({ namespace }: Progress, signal: AbortSignal) {
    return { namespace, labelSelector: this.#options.labelSelector, signal };
  }

  #heard(part: Progress): void {
    part.contactMs = this.#options.clock.monotonicMs();
  }

  #tell(changes: readonly CacheChange<T>[]): void {
    for (const change of changes) {
      try {
        this.#options.onChange(change);
      } catch (error) {
        const { key } = change;
        this.#options.log.error({ error, key, kind: this.kind.kind }, 'change handler failed');
      }
    }
  }

  #note(part: Progress, error: unknown): void {
    const { log, kind, onRestart } = this.#options;
    part.failures++;
    const isGone = isKubeError(error, 'gone');
    if (isGone || part.failures % failuresBeforeList === 0) part.resourceVersion = undefined;
    onRestart?.(kind);
    const fields = { error, kind: kind.kind, namespace: part.namespace, failures: part.failures };
    // Cuts are everyday; only what lasts is worth a warning, and then not at each try.
    if (isGone || part.failures % 4 !== 2) log.debug(fields, 'watch interrupted');
    else log.warn(fields, 'watch fails repeatedly');
  }

  async #pause({ failures }: Progress, signal: AbortSignal): Promise<void> {
    const { clock, random = Math.random } = this.#options;
    const ceilingMs = Math.min(pauseMsMax, firstPauseMs * 2 ** Math.min(failures - 1, 10));
    const pauseMs = (ceilingMs * (1 + random())) / 2;
    try {
      await sleep(clock, pauseMs, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
