/**
 * The last known state of one kind's objects, as a reflector saw it. It may be behind the API server by
 * a moment, or by as long as that was away; callers must treat its objects as read-only.
 */
import { type KubeObject, keyOf } from './client.ts';

/** What is new about one object. A re-created object is a removal and then an arrival. */
export interface CacheChange<T> {
  /** `namespace/name`, or `name`. */
  readonly key: string;
  readonly type: 'added' | 'changed' | 'removed';
  /** Present state; the last known one if removed. */
  readonly object: T;
  readonly previous: T | undefined;
}

export type Labels = Readonly<Record<string, string>>;

export class ObjectCache<T extends KubeObject> {
  readonly #objects = new Map<string, T>();

  get size(): number {
    return this.#objects.size;
  }

  /** @param namespace undefined for kinds without one. */
  get(namespace: string | undefined, name: string): T | undefined {
    return this.#objects.get(namespace === undefined ? name : `${namespace}/${name}`);
  }

  /** Sorted by key. Absent criteria match everything. */
  list(where: { namespace?: string | undefined; labels?: Labels | undefined } = {}): readonly T[] {
    const wanted = Object.entries(where.labels ?? {});
    const found = [...this.#objects].filter(([, { metadata }]) => {
      if (where.namespace !== undefined && metadata?.namespace !== where.namespace) return false;
      return wanted.every(([name, value]) => metadata?.labels?.[name] === value);
    });
    return found.sort(([first], [second]) => (first < second ? -1 : 1)).map(([, object]) => object);
  }

  /** Takes a new state in. The same state once more changes nothing. */
  set(object: T): CacheChange<T>[] {
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    if (previous && isSameState(previous, object)) return [];
    this.#objects.set(key, object);
    if (!previous) return [{ key, type: 'added', object, previous: undefined }];
    if (previous.metadata?.uid === object.metadata?.uid) {
      return [{ key, type: 'changed', object, previous }];
    }
    return [
      { key, type: 'removed', object: previous, previous },
      { key, type: 'added', object, previous: undefined },
    ];
  }

  /** @param object its last state, which may be newer than the one known. */
  remove(object: T): CacheChange<T>[] {
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    // The removal of an earlier object of this name can come late.
    if (!previous || previous.metadata?.uid !== object.metadata?.uid) return [];
    this.#objects.delete(key);
    return [{ key, type: 'removed', object, previous }];
  }

  /**
   * The result of a list: what it does not hold is gone.
   * @param namespace the only one that was listed; undefined if all were.
   */
  replace(objects: readonly T[], namespace: string | undefined): CacheChange<T>[] {
    const listed = new Set(objects.map(keyOf));
    const gone = this.list({ namespace }).filter((object) => !listed.has(keyOf(object)));
    return [
      ...gone.flatMap((object) => this.remove(object)),
      ...objects.flatMap((object) => this.set(object)),
    ];
  }
}

function isSameState(first: KubeObject, second: KubeObject): boolean {
  const version = first.metadata?.resourceVersion;
  return (
    version !== undefined &&
    version === second.metadata?.resourceVersion &&
    first.metadata?.uid === second.metadata?.uid
  );
}
