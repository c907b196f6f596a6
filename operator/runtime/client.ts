/**
 * What the operator asks of the Kubernetes API: interfaces only, so that everything above can be tested
 * against anything that keeps them. Objects are the API's raw JSON in both directions; nothing here drops
 * or renames a field.
 */

/** One resource of the API, as discovery would describe it. */
export interface ResourceKind {
  /** '' for the core group. */
  readonly group: string;
  readonly version: string;
  /** Lower case, as in URLs. */
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

export interface ObjectReference {
  readonly kind: ResourceKind;
  /** Required for namespaced kinds. */
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** The part of every API object that this room looks at. */
export interface KubeObject {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
  readonly metadata?: ObjectMetadata | undefined;
}

export interface ObjectMetadata {
  readonly name?: string | undefined;
  readonly namespace?: string | undefined;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  /** Counts changes of the spec, where the kind has one. */
  readonly generation?: number | undefined;
  readonly deletionTimestamp?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

export interface ObjectList<T> {
  readonly items: readonly T[];
  /** Where a watch that misses nothing begins. */
  readonly resourceVersion: string;
}

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  /** Of a BOOKMARK only metadata.resourceVersion means something. */
  readonly object: T;
}

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface Scope {
  /** Absent: all namespaces. */
  readonly namespace?: string | undefined;
  /** For example `app=x,tier in (a,b)`. */
  readonly labelSelector?: string | undefined;
  /** For example `metadata.name=x`. */
  readonly fieldSelector?: string | undefined;
}

export interface WriteOptions extends RequestOptions {
  /** Writes only that part of the object. */
  readonly subresource?: 'status' | 'scale' | undefined;
  /** Default the client's own. */
  readonly fieldManager?: string | undefined;
}

export interface DeleteOptions extends RequestOptions {
  /** Deletes only this very object, not a later one of its name: else KubeError `conflict`. */
  readonly uid?: string | undefined;
  readonly gracePeriodSeconds?: number | undefined;
  /** What happens to the objects it owns. Default Background: the garbage collector removes them. */
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan' | undefined;
}

export interface WatchOptions extends Scope, RequestOptions {
  /** From a list or an earlier event. */
  readonly resourceVersion: string;
}

/** `json`: RFC 6902, an array of operations. `merge`: RFC 7386. */
export type PatchType = 'json' | 'merge';

/**
 * Every call rejects with KubeError, or with the signal's reason once that aborts, and ends by itself
 * after a time limit. Nothing is retried in here. Kinds of objects given whole (apply, create, replace)
 * are looked up among those the client was made with.
 */
export interface KubeClient {
  /** @throws KubeError `not-found`. */
  get<T>(ref: ObjectReference, options?: RequestOptions): Promise<T>;
  /** Page by page until the end, so that a large cluster answers in pieces. */
  list<T>(kind: ResourceKind, options?: Scope & RequestOptions): Promise<ObjectList<T>>;
  /**
   * Changes after `resourceVersion`, bookmarks among them. Ends when the API server ends it, which it does
   * every few minutes; throws KubeError `gone` when the changes are no longer kept, `unavailable` when the
   * connection breaks or stays silent.
   */
  watch<T>(kind: ResourceKind, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** Server-side apply with force: creates the object or sets exactly the fields it names. */
  apply<T = KubeObject>(object: KubeObject, options?: WriteOptions): Promise<T>;
  patch<T = KubeObject>(
    ref: ObjectReference,
    patchType: PatchType,
    body: unknown,
    options?: WriteOptions,
  ): Promise<T>;
  /** @throws KubeError `already-exists`. */
  create<T = KubeObject>(object: KubeObject, options?: WriteOptions): Promise<T>;
  /** Puts the whole object. With metadata.resourceVersion: KubeError `conflict` if it has changed. */
  replace<T = KubeObject>(object: KubeObject, options?: WriteOptions): Promise<T>;
  /** An object that is not there counts as deleted. */
  delete(ref: ObjectReference, options?: DeleteOptions): Promise<void>;
}

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf(kind: ResourceKind): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
}

/** `namespace/name`, or `name` for objects without a namespace. */
export function keyOf(object: KubeObject): string {
  const { namespace, name = '' } = object.metadata ?? {};
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

/** URL path of a kind, of a namespace's part of it, of one object, or of its subresource. */
export function pathOf(
  kind: ResourceKind,
  place: { namespace?: string | undefined; name?: string; subresource?: string | undefined } = {},
): string {
  const root = kind.group === '' ? '/api' : `/apis/${kind.group}`;
  const inNamespace = kind.namespaced && place.namespace !== undefined;
  const parts = [
    ...(inNamespace ? ['namespaces', place.namespace ?? ''] : []),
    kind.plural,
    ...(place.name === undefined ? [] : [place.name]),
    ...(place.subresource === undefined ? [] : [place.subresource]),
  ];
  return [root, kind.version, ...parts.map(encodeURIComponent)].join('/');
}
