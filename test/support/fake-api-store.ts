/**
 * The objects behind the fake API server, with the rules controllers rely on: one resourceVersion for all,
 * uid, generation, status written only through its subresource, writes that change nothing change nothing,
 * a history that can be forgotten, and dependents that go with their owner.
 */
import { applyObject, isJson, type Json, jsonPatch, mergePatch } from './fake-api-merge.ts';

export interface StoredObject extends Json {
  metadata: Json & { name: string; namespace?: string; uid: string; resourceVersion: string };
}

/** `/apis/apps/v1/statefulsets`: where a kind's objects are, whatever their namespace. */
export type Collection = string;

export interface Address {
  readonly collection: Collection;
  readonly namespace: string | undefined;
  readonly name: string;
}

export interface Change {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly collection: Collection;
  readonly object: StoredObject;
  readonly previous: StoredObject | undefined;
}

/** Becomes a Status answer. */
export class Refusal extends Error {
  readonly code: number;
  readonly reason: string;

  constructor(code: number, reason: string, message: string) {
    super(message);
    this.code = code;
    this.reason = reason;
  }
}

export interface Write {
  readonly address: Address;
  readonly body: unknown;
  readonly subresource: string | undefined;
}

export class FakeApiStore {
  /** Sees every object before it is stored and may change it, or throw a Refusal. */
  admission: (object: StoredObject, collection: Collection) => void = () => undefined;
  readonly #objects = new Map<string, { collection: Collection; object: StoredObject }>();
  /** Object and manager → what that manager applied last. */
  readonly #applied = new Map<string, Json>();
  readonly #listeners = new Set<(change: Change) => void>();
  #history: Change[] = [];
  #version = 100;
  #uids = 0;
  #forgottenVersion = 0;

  get version(): number {
    return this.#version;
  }

  /** Watches from before this version get 410. */
  get forgottenVersion(): number {
    return this.#forgottenVersion;
  }

  find(address: Address): StoredObject | undefined {
    return this.#objects.get(keyOf(address))?.object;
  }

  get(address: Address): StoredObject {
    const found = this.find(address);
    if (found) return found;
    throw new Refusal(404, 'NotFound', `${address.collection} "${address.name}" not found`);
  }

  all(collection: Collection, namespace?: string): StoredObject[] {
    const chosen = [...this.#objects.values()].filter(
      (entry) =>
        entry.collection === collection &&
        (namespace === undefined || entry.object.metadata.namespace === namespace),
    );
    return chosen
      .map(({ object }) => object)
      .sort((first, second) => (nameOf(first) < nameOf(second) ? -1 : 1));
  }

  /** Changes after `version`, in order. */
  since(version: number): readonly Change[] {
    return this.#history.filter((change) => change.version > version);
  }

  /** Forgets all changes so far: watches from before now get 410. */
  forget(): void {
    this.#version++;
    this.#history = [];
    this.#forgottenVersion = this.#version;
  }

  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  create({ address, body }: Write): StoredObject {
    if (this.find(address)) {
      throw new Refusal(409, 'AlreadyExists', `"${address.name}" already exists`);
    }
    return this.#store(address, undefined, body as Json);
  }

  replace({ address, body, subresource }: Write): StoredObject {
    const live = this.get(address);
    return this.#store(address, live, onlyPart(live, body as Json, subresource));
  }

  merge({ address, body, subresource }: Write): StoredObject {
    const live = this.get(address);
    const patched = mergePatch(live, body) as Json;
    return this.#store(address, live, onlyPart(live, patched, subresource));
  }

  json({ address, body, subresource }: Write): StoredObject {
    const live = this.get(address);
    let patched: Json;
    try {
      patched = jsonPatch(live, body as Parameters<typeof jsonPatch>[1]);
    } catch (error) {
      throw new Refusal(422, 'Invalid', String(error));
    }
    return this.#store(address, live, onlyPart(live, patched, subresource));
  }

  apply(write: Write, manager: string): StoredObject {
    const { address, body, subresource } = write;
    const live = this.find(address);
    if (!live && subresource !== undefined) this.get(address);
    const key = `${keyOf(address)} ${manager} ${subresource ?? ''}`;
    const wished = body as Json;
    const applied = applyObject(live, this.#applied.get(key), wished) as Json;
    const stored = this.#store(
      address,
      live,
      live ? onlyPart(live, applied, subresource) : applied,
    );
    this.#applied.set(key, structuredClone(wished));
    return stored;
  }

  delete(address: Address, options: Json = {}): StoredObject {
    const live = this.get(address);
    const wished = (options['preconditions'] as Json | undefined)?.['uid'];
    if (wished !== undefined && wished !== live.metadata.uid) {
      throw new Refusal(409, 'Conflict', `the UID in the precondition is not ${live.metadata.uid}`);
    }
    const finalizers = live.metadata['finalizers'];
    if (Array.isArray(finalizers) && finalizers.length > 0) {
      const deletionTimestamp = live.metadata['deletionTimestamp'] ?? new Date().toISOString();
      return this.#put(address, live, {
        ...live,
        metadata: { ...live.metadata, deletionTimestamp },
      });
    }
    const removed = this.#drop(address, live);
    if (options['propagationPolicy'] !== 'Orphan') this.#dropDependents(live.metadata.uid);
    return removed;
  }

  #dropDependents(uid: string): void {
    for (const { collection, object } of this.#objects.values()) {
      const owners = object.metadata['ownerReferences'];
      const isOwned = Array.isArray(owners) && owners.some((owner: Json) => owner['uid'] === uid);
      const { name, namespace } = object.metadata;
      if (isOwned) this.delete({ collection, namespace, name });
    }
  }

  #drop(address: Address, live: StoredObject): StoredObject {
    this.#version++;
    this.#objects.delete(keyOf(address));
    for (const key of this.#applied.keys()) {
      if (key.startsWith(`${keyOf(address)} `)) this.#applied.delete(key);
    }
    const object = withVersion(live, this.#version);
    this.#tell({ type: 'DELETED', collection: address.collection, object, previous: live });
    return object;
  }

  /** In order of creation, so that two lives alike get the same ones. */
  #newUid(): string {
    this.#uids += 1;
    return `00000000-0000-4000-8000-${String(this.#uids).padStart(12, '0')}`;
  }

  /** Checks the version the writer saw, keeps what only the server sets, and stores what differs. */
  #store(address: Address, live: StoredObject | undefined, wished: Json): StoredObject {
    const metadata = isJson(wished['metadata']) ? wished['metadata'] : {};
    const seen = metadata['resourceVersion'];
    if (live && seen !== undefined && seen !== live.metadata.resourceVersion) {
      throw new Refusal(409, 'Conflict', 'the object has been modified; apply your changes to it');
    }
    const object = structuredClone({
      ...wished,
      metadata: {
        ...metadata,
        name: address.name,
        ...(address.namespace !== undefined && { namespace: address.namespace }),
        uid: live?.metadata.uid ?? this.#newUid(),
        creationTimestamp: live?.metadata['creationTimestamp'] ?? new Date().toISOString(),
        generation: live?.metadata['generation'] ?? 1,
        resourceVersion: live?.metadata.resourceVersion ?? '',
      },
    }) as StoredObject;
    // Writes of an object never touch its status, which has a path of its own.
    if (!live) delete object['status'];
    this.admission(object, address.collection);
    if (live && isSame(live, object)) return live;
    if (live && !isSame(live['spec'], object['spec'])) {
      object.metadata['generation'] = Number(live.metadata['generation']) + 1;
    }
    const isLeaving = object.metadata['deletionTimestamp'] !== undefined;
    const finalizers = object.metadata['finalizers'];
    const isHeld = Array.isArray(finalizers) && finalizers.length > 0;
    if (live && isLeaving && !isHeld) return this.#drop(address, live);
    return this.#put(address, live, object);
  }

  #put(address: Address, live: StoredObject | undefined, object: StoredObject): StoredObject {
    this.#version++;
    const stored = withVersion(object, this.#version);
    const { collection } = address;
    this.#objects.set(keyOf(address), { collection, object: stored });
    this.#tell({ type: live ? 'MODIFIED' : 'ADDED', collection, object: stored, previous: live });
    return stored;
  }

  #tell(change: Omit<Change, 'version'>): void {
    const numbered = { ...change, version: this.#version };
    this.#history.push(numbered);
    for (const listener of this.#listeners) listener(numbered);
  }
}

function onlyPart(live: StoredObject, wished: Json, subresource: string | undefined): Json {
  const seen = isJson(wished['metadata']) ? wished['metadata']['resourceVersion'] : undefined;
  const { status: liveStatus, ...rest } = live;
  if (subresource === 'status') {
    const metadata = { ...live.metadata, resourceVersion: seen ?? live.metadata.resourceVersion };
    return { ...rest, metadata, ...('status' in wished && { status: wished['status'] }) };
  }
  if (subresource === 'scale') {
    const replicas = isJson(wished['spec']) ? wished['spec']['replicas'] : undefined;
    return { ...live, spec: { ...(live['spec'] as Json), replicas } };
  }
  const { status: _ignored, ...written } = wished;
  return { ...written, ...(liveStatus !== undefined && { status: liveStatus }) };
}

function withVersion(object: StoredObject, version: number): StoredObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
}

function keyOf({ collection, namespace, name }: Address): string {
  return `${collection} ${namespace ?? ''}/${name}`;
}

function nameOf({ metadata: { namespace = '', name } }: StoredObject): string {
  return `${namespace}/${name}`;
}

function isSame(first: unknown, second: unknown): boolean {
  if (Array.isArray(first) && Array.isArray(second)) {
    return first.length === second.length && first.every((item, at) => isSame(item, second[at]));
  }
  if (!isJson(first) || !isJson(second)) return first === second;
  const keys = new Set([...Object.keys(first), ...Object.keys(second)]);
  return [...keys].every((key) => isSame(first[key], second[key]));
}
