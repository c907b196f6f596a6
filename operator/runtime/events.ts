/**
 * Events that `kubectl describe` shows beside an object. The same event again becomes a count of the one
 * that is there, and one object gets only so many in a time, so that a loop cannot fill etcd. Telling is
 * never worth a failure: nothing here throws.
 */
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import type { KubeClient, KubeObject, ResourceKind } from './client.ts';
import { isKubeError } from './errors.ts';
import { microTime } from './lease.ts';

export const reportedEventKind: ResourceKind = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

export interface Happening {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, for machines. */
  readonly reason: string;
  /** What was done or tried, CamelCase. Default `Reconcile`. */
  readonly action?: string;
  /** A sentence; cut at 1024 bytes. */
  readonly message: string;
}

export interface EventsOptions {
  /** Must know `reportedEventKind`. */
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  /** For example `cosftp.io/operator`. */
  readonly controller: string;
  /** The pod's name. */
  readonly instance: string;
  /** In [0, 1). Default Math.random. */
  readonly random?: () => number;
}

interface Series {
  readonly name: string;
  readonly firstMs: number;
  count: number;
  writtenMs: number;
}

interface Allowance {
  left: number;
  sinceMs: number;
}

/** After this an event is told anew. Shorter than the hour for which the API server keeps one. */
const seriesMs = 30 * 60_000;
/** A growing count is written at most so often. */
const countEveryMs = 60_000;
/** Events at once for one object, and how long it takes until one more is allowed. */
const burst = 25;
const refillMs = 300_000;
/** Objects and series remembered; the oldest go first. */
const rememberedMax = 2_048;
/** validation.go of events.k8s.io: noteLengthLimit. */
const noteBytesMax = 1_024;

export class Events {
  readonly #options: EventsOptions;
  readonly #series = new Map<string, Series>();
  readonly #allowances = new Map<string, Allowance>();

  constructor(options: EventsOptions) {
    this.#options = options;
  }

  /** @param regarding an object as the API server gave it, with apiVersion, kind and uid. */
  async tell(regarding: KubeObject, happening: Happening, signal?: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    const uid = regarding.metadata?.uid ?? '';
    const key = JSON.stringify([uid, happening.type, happening.reason, happening.message]);
    const known = this.#series.get(key);
    const nowMs = clock.monotonicMs();
    try {
      if (known && nowMs - known.firstMs < seriesMs) {
        await this.#count(regarding, known, signal);
      } else if (this.#mayTell(uid)) {
        const name = this.#newName(regarding);
        remember(this.#series, key, { name, firstMs: nowMs, count: 1, writtenMs: nowMs });
        await this.#create(regarding, happening, name, signal);
      }
    } catch (error) {
      if (isKubeError(error, 'not-found')) this.#series.delete(key);
      if (!signal?.aborted) log.warn({ error, reason: happening.reason }, 'event not recorded');
    }
  }

  async #count(regarding: KubeObject, series: Series, signal?: AbortSignal): Promise<void> {
    const { clock, client } = this.#options;
    series.count++;
    const nowMs = clock.monotonicMs();
    if (nowMs - series.writtenMs < countEveryMs) return;
    series.writtenMs = nowMs;
    const namespace = namespaceOf(regarding);
    const body = { series: { count: series.count, lastObservedTime: microTime(clock) } };
    const ref = { kind: reportedEventKind, namespace, name: series.name };
    await client.patch(ref, 'merge', body, { signal });
  }

  async #create(
    regarding: KubeObject,
    { action = 'Reconcile', message, reason, type }: Happening,
    name: string,
    signal?: AbortSignal,
  ): Promise<void> {
    const { client, clock, controller, instance } = this.#options;
    const { apiVersion, kind, metadata = {} } = regarding;
    const { uid, resourceVersion } = metadata;
    const event = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name, namespace: namespaceOf(regarding) },
      eventTime: microTime(clock),
      reportingController: controller,
      reportingInstance: instance,
      type,
      reason,
      action,
      note: cut(message, noteBytesMax),
      regarding: {
        apiVersion,
        kind,
        name: metadata.name,
        namespace: metadata.namespace,
        uid,
        resourceVersion,
      },
    };
    await client.create(event, { signal });
  }

  #mayTell(uid: string): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    const known = this.#allowances.get(uid) ?? { left: burst, sinceMs: nowMs };
    const refilled = Math.floor((nowMs - known.sinceMs) / refillMs);
    const left = Math.min(burst, known.left + refilled);
    const sinceMs = left === burst ? nowMs : known.sinceMs + refilled * refillMs;
    remember(this.#allowances, uid, { left: Math.max(0, left - 1), sinceMs });
    return left > 0;
  }

  /** As other clients name theirs: the object's name and something that is not there yet. */
  #newName({ metadata }: KubeObject): string {
    const { clock, random = Math.random } = this.#options;
    const part = Math.floor(random() * 0x1_0000_0000).toString(16);
    return `${(metadata?.name ?? 'object').slice(0, 200)}.${clock.now().toString(16)}${part}`;
  }
}

/** Objects without a namespace have their events in `default`. */
function namespaceOf({ metadata }: KubeObject): string {
  return metadata?.namespace ?? 'default';
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > rememberedMax && oldest !== undefined) map.delete(oldest);
}

function cut(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= bytesMax) return text;
  // A letter cut in two would become U+FFFD.
  return `${bytes
    .subarray(0, bytesMax - 3)
    .toString('utf8')
    .replace(/\uFFFD+$/, '')}…`;
}
