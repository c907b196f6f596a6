/** The KubeClient over HTTP: kinds become paths, options become query parameters, lines become events. */
import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import {
  apiVersionOf,
  type DeleteOptions,
  type KubeClient,
  type KubeObject,
  type ObjectList,
  type ObjectReference,
  type PatchType,
  pathOf,
  type RequestOptions,
  type ResourceKind,
  type Scope,
  type WatchEvent,
  type WatchOptions,
  type WriteOptions,
} from './client.ts';
import { ApiConnection, type ApiConnectionOptions, type ApiRequest } from './connection.ts';
import { type ApiStatus, errorOfStatus, isKubeError, KubeError } from './errors.ts';

export interface JsonClientOptions {
  /** Loaded: `new KubeConfig().loadFromDefault()` finds KUBECONFIG and the pod's ServiceAccount. */
  readonly config: KubeConfig;
  readonly clock: Clock;
  readonly log: Log;
  /** Of objects that are applied, created or replaced. */
  readonly kinds: readonly ResourceKind[];
  /** Default `cos-ftp-gateway-operator`. */
  readonly fieldManager?: string;
  readonly requestTimeoutMs?: number;
  readonly silenceTimeoutMs?: number;
  /** Told of every request, for metrics. */
  readonly onResult?: NonNullable<ApiConnectionOptions['onResult']>;
  /** In [0, 1): spreads the ends of watches. Default Math.random. */
  readonly random?: () => number;
}

export interface JsonClient extends KubeClient {
  /** Ends kept connections; calls under way fail. */
  close(): void;
}

/** Objects per page of a list. */
const pageItems = 500;
/** The API server ends a watch after this and up to as much again. */
const watchSeconds = 300;

const contentTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
} as const satisfies Record<PatchType, string>;

export function createJsonClient(options: JsonClientOptions): JsonClient {
  return new HttpKubeClient(options);
}

class HttpKubeClient implements JsonClient {
  readonly #options: JsonClientOptions;
  readonly #connection: ApiConnection;
  readonly #kinds: ReadonlyMap<string, ResourceKind>;
  readonly #fieldManager: string;

  constructor(options: JsonClientOptions) {
    this.#options = options;
    this.#fieldManager = options.fieldManager ?? 'cos-ftp-gateway-operator';
    this.#kinds = new Map(
      options.kinds.map((kind) => [`${apiVersionOf(kind)} ${kind.kind}`, kind] as const),
    );
    this.#connection = new ApiConnection({
      ...options,
      onWarning: (warning, { method, path }) =>
        options.log.warn({ warning, method, path }, 'kubernetes api warning'),
    });
  }

  close(): void {
    this.#connection.close();
  }

  async get<T>(ref: ObjectReference, options: RequestOptions = {}): Promise<T> {
    const request: ApiRequest = { method: 'GET', path: pathOf(ref.kind, ref), ...options };
    return (await this.#connection.send(request)) as T;
  }

  async list<T>(kind: ResourceKind, options: Scope & RequestOptions = {}): Promise<ObjectList<T>> {
    const items: T[] = [];
    let resourceVersion = '';
    let next: string | undefined;
    do {
      const page = (await this.#connection.send({
        method: 'GET',
        path: pathOf(kind, { namespace: options.namespace }),
        query: { ...selectors(options), limit: String(pageItems), continue: next },
        signal: options.signal,
      })) as RawList<T>;
      // Items of a list carry neither apiVersion nor kind, those of a watch do: one shape for all.
      for (const item of page.items ?? []) items.push({ ...typeOf(kind), ...item });
      resourceVersion = page.metadata?.resourceVersion ?? '';
      next = page.metadata?.continue || undefined;
    } while (next !== undefined);
    return { items, resourceVersion };
  }

  async *watch<T>(kind: ResourceKind, options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    const { random = Math.random } = this.#options;
    const lines = this.#connection.lines({
      method: 'GET',
      path: pathOf(kind, { namespace: options.namespace }),
      query: {
        ...selectors(options),
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion: options.resourceVersion,
        timeoutSeconds: String(Math.round(watchSeconds * (1 + random()))),
      },
      signal: options.signal,
    });
    for await (const line of lines) yield eventOf<T>(kind, line);
  }

  async apply<T>(object: KubeObject, options: WriteOptions = {}): Promise<T> {
    const kind = this.#kindOf(object);
    const { fieldManager = this.#fieldManager, subresource } = options;
    return (await this.#connection.send({
      method: 'PATCH',
      path: pathOf(kind, { ...placeOf(kind, object), subresource }),
      query: { fieldManager, force: 'true' },
      // JSON is YAML.
      contentType: 'application/apply-patch+yaml',
      body: object,
      signal: options.signal,
    })) as T;
  }

  async patch<T>(
    ref: ObjectReference,
    patchType: PatchType,
    body: unknown,
    options: WriteOptions = {},
  ): Promise<T> {
    const { fieldManager = this.#fieldManager, subresource } = options;
    return (await this.#connection.send({
      method: 'PATCH',
      path: pathOf(ref.kind, { ...ref, subresource }),
      query: { fieldManager },
      contentType: contentTypes[patchType],
      body,
      signal: options.signal,
    })) as T;
  }

  async create<T>(object: KubeObject, options: WriteOptions = {}): Promise<T> {
    const kind = this.#kindOf(object);
    const { namespace } = placeOf(kind, object);
    return (await this.#connection.send({
      method: 'POST',
      path: pathOf(kind, { namespace }),
      query: { fieldManager: options.fieldManager ?? this.#fieldManager },
      body: object,
      signal: options.signal,
    })) as T;
  }

  async replace<T>(object: KubeObject, options: WriteOptions = {}): Promise<T> {
    const kind = this.#kindOf(object);
    const { subresource, fieldManager = this.#fieldManager } = options;
    return (await this.#connection.send({
      method: 'PUT',
      path: pathOf(kind, { ...placeOf(kind, object), subresource }),
      query: { fieldManager },
      body: object,
      signal: options.signal,
    })) as T;
  }

  async delete(ref: ObjectReference, options: DeleteOptions = {}): Promise<void> {
    const { uid, gracePeriodSeconds, propagationPolicy = 'Background' } = options;
    try {
      await this.#connection.send({
        method: 'DELETE',
        path: pathOf(ref.kind, ref),
        body: {
          apiVersion: 'v1',
          kind: 'DeleteOptions',
          propagationPolicy,
          gracePeriodSeconds,
          ...(uid !== undefined && { preconditions: { uid } }),
        },
        signal: options.signal,
      });
    } catch (error) {
      if (!isKubeError(error, 'not-found')) throw error;
    }
  }

  #kindOf({ apiVersion, kind }: KubeObject): ResourceKind {
    const found = this.#kinds.get(`${apiVersion} ${kind}`);
    if (found) return found;
    throw new KubeError('invalid', `the client was not told of ${apiVersion} ${kind}`);
  }
}

interface RawList<T> {
  readonly items?: readonly T[];
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

function typeOf(kind: ResourceKind) {
  return { apiVersion: apiVersionOf(kind), kind: kind.kind };
}

function selectors({ labelSelector, fieldSelector }: Scope) {
  return { labelSelector, fieldSelector };
}

/** A namespaced object without a namespace would be looked for among all of them. */
function placeOf(kind: ResourceKind, { metadata }: KubeObject) {
  const { name, namespace } = metadata ?? {};
  if (name === undefined || name === '') {
    throw new KubeError('invalid', `a ${kind.kind} without a name`);
  }
  if (kind.namespaced && (namespace === undefined || namespace === '')) {
    throw new KubeError('invalid', `the ${kind.kind} ${name} has no namespace`);
  }
  return { name, namespace };
}

const eventTypes: ReadonlySet<unknown> = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK']);

function eventOf<T>(kind: ResourceKind, line: string): WatchEvent<T> {
  const what = `watch of ${kind.plural}`;
  let event: { readonly type?: unknown; readonly object?: unknown };
  try {
    event = JSON.parse(line);
  } catch (cause) {
    throw new KubeError('protocol', `${what}: a line is no JSON`, { cause });
  }
  if (event.type === 'ERROR') throw errorOfStatus(what, event.object as ApiStatus);
  if (!eventTypes.has(event.type) || typeof event.object !== 'object') {
    throw new KubeError('protocol', `${what}: a line is no event`);
  }
  return event as WatchEvent<T>;
}
