/**
 * A small HTTP API server for the operator's tests: get, list with pages and selectors, watch with
 * bookmarks, server-side apply, patches, delete, status. And what real ones do on bad days: connections
 * reset in the middle of a line, 410, refusals, silence, being down and coming back on the same port.
 * It validates nothing: only a real control plane can say whether an object is acceptable.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { apiVersionOf, type ResourceKind } from '#operator/runtime/client.ts';
import { isJson, type Json } from './fake-api-merge.ts';
import {
  type Address,
  type Change,
  type Collection,
  FakeApiStore,
  Refusal,
  type StoredObject,
} from './fake-api-store.ts';

export { Refusal, type StoredObject } from './fake-api-store.ts';

export interface SeenRequest {
  readonly method: string;
  /** With the query. */
  readonly url: string;
  readonly body: unknown;
}

export interface Fault {
  /** Which requests. Default all. */
  readonly matches?: (request: SeenRequest) => boolean;
  /** How many of them. Default 1. */
  readonly times?: number;
  /**
   * `reset` cuts the connection, `reset-after` does what was asked and then cuts it, `silence` never
   * answers, a number is the status answered.
   */
  readonly answer: 'reset' | 'reset-after' | 'silence' | number;
  readonly headers?: Readonly<Record<string, string>>;
}

interface OpenWatch {
  readonly answer: ServerResponse;
  readonly url: URL;
  readonly query: Query;
}

interface Query {
  readonly collection: Collection;
  readonly namespace: string | undefined;
  readonly matches: (object: StoredObject) => boolean;
}

export class FakeApiServer implements AsyncDisposable {
  readonly store = new FakeApiStore();
  /** Every request that arrived, in order. */
  readonly requests: SeenRequest[] = [];
  /** Put into the Warning header of every answer to a write. */
  warning: string | undefined;
  #server: Server | undefined;
  #port = 0;
  readonly #watches = new Set<OpenWatch>();
  #faults: { fault: Fault; left: number }[] = [];

  static async start(): Promise<FakeApiServer> {
    const fake = new FakeApiServer();
    fake.store.subscribe((change) => {
      for (const watch of fake.#watches) sendChange(watch, change);
    });
    await fake.up();
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** A kubeconfig that leads here. */
  config(): KubeConfig {
    const config = new KubeConfig();
    config.loadFromOptions({
      clusters: [{ name: 'fake', server: this.url, skipTLSVerify: true }],
      users: [{ name: 'test', token: 'test-token' }],
      contexts: [{ name: 'fake', cluster: 'fake', user: 'test', namespace: 'default' }],
      currentContext: 'fake',
    });
    return config;
  }

  /** Listens again after `down`, on the same port. */
  async up(): Promise<void> {
    const server = createServer((request, answer) => {
      this.#serve(request, answer).catch((error: unknown) => answer.destroy(error as Error));
    });
    await new Promise<void>((resolve, reject) => {
      server.on('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Refuses connections and cuts all there are; the objects stay. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }

  /** The next requests that match get this instead of an answer. */
  fail(fault: Fault): void {
    this.#faults.push({ fault, left: fault.times ?? 1 });
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  /** Ends all watches: in order, by a reset, or by a reset after half of a line. */
  endWatches(how: 'end' | 'reset' | 'half-line'): void {
    for (const watch of this.#watches) {
      const { answer } = watch;
      this.#watches.delete(watch);
      if (how === 'end') answer.end();
      else if (how === 'reset') answer.socket?.resetAndDestroy();
      else answer.write('{"type":"ADDED","object":{"meta', () => answer.socket?.resetAndDestroy());
    }
  }

  /** Tells all watches that want to know the present version. */
  sendBookmarks(): void {
    for (const { answer, url } of this.#watches) {
      if (url.searchParams.get('allowWatchBookmarks') !== 'true') continue;
      sendBookmark(answer, this.store.version);
    }
  }

  /** Sends the object's present state to all its watches once more. */
  repeat(kind: ResourceKind, namespace: string | undefined, name: string): void {
    const object = this.store.get(addressOf(kind, namespace, name));
    for (const { answer, query } of this.#watches) {
      if (query.collection === collectionOf(kind)) sendEvent(answer, 'MODIFIED', object);
    }
  }

  /** Creates the object or replaces it, its status included, as some other controller would. */
  put(kind: ResourceKind, object: Json): StoredObject {
    const { name, namespace } = object['metadata'] as { name: string; namespace?: string };
    const address = addressOf(kind, namespace, name);
    const { resourceVersion: _any, ...metadata } = object['metadata'] as Json;
    const body = { apiVersion: apiVersionOf(kind), kind: kind.kind, ...object, metadata };
    const write = { address, body, subresource: undefined };
    if (this.store.find(address)) this.store.replace(write);
    else this.store.create(write);
    const stored = this.store.find(address);
    // Without its last finalizer an object that was deleted is gone.
    if (!stored || !('status' in object)) return stored ?? (body as unknown as StoredObject);
    return this.store.replace({ address, body, subresource: 'status' });
  }

  get(kind: ResourceKind, namespace: string | undefined, name: string): StoredObject | undefined {
    return this.store.find(addressOf(kind, namespace, name));
  }

  all(kind: ResourceKind, namespace?: string): StoredObject[] {
    return this.store.all(collectionOf(kind), namespace);
  }

  remove(kind: ResourceKind, namespace: string | undefined, name: string): void {
    this.store.delete(addressOf(kind, namespace, name));
  }

  /** Requests that could change something, since the beginning. */
  get writes(): readonly SeenRequest[] {
    return this.requests.filter(({ method }) => method !== 'GET');
  }

  async #serve(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    request.on('error', () => answer.destroy());
    const { method = 'GET', url: target = '/' } = request;
    const seen: SeenRequest = { method, url: target, body: await bodyOf(request) };
    this.requests.push(seen);
    if (this.#meetFault(seen, answer)) return;
    const url = new URL(target, this.url);
    try {
      const place = placeOf(url.pathname);
      const isWatch = url.searchParams.get('watch') === 'true';
      if (isWatch) this.#watch(place, url, answer);
      else this.#answer(answer, this.#respond(seen, place, url, request.headers['content-type']));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      sendJson(answer, error.code, statusOf(error));
    }
  }

  #answer(answer: ServerResponse, { code, body }: { code: number; body: unknown }): void {
    const { warning } = this;
    sendJson(answer, code, body, warning === undefined ? {} : { warning: `299 - "${warning}"` });
  }

  #meetFault(seen: SeenRequest, answer: ServerResponse): boolean {
    const entry = this.#faults.find(({ fault }) => fault.matches?.(seen) ?? true);
    if (!entry) return false;
    entry.left--;
    if (entry.left <= 0) this.#faults = this.#faults.filter((other) => other !== entry);
    const { answer: how, headers = {} } = entry.fault;
    if (how === 'silence') return true;
    if (how === 'reset-after') {
      answer.end = () => {
        answer.socket?.resetAndDestroy();
        return answer;
      };
      return false;
    }
    if (how === 'reset') answer.socket?.resetAndDestroy();
    else sendJson(answer, how, statusOf(new Refusal(how, '', 'as the test wished')), headers);
    return true;
  }

  #respond(seen: SeenRequest, place: Place, url: URL, contentType = '') {
    const { body, method } = seen;
    if (place.name === undefined) {
      if (method === 'GET') return { code: 200, body: this.#list(place, url) };
      const name = ((body as Json)['metadata'] as { name: string }).name;
      const write = { address: { ...place, name }, body, subresource: undefined };
      return { code: 201, body: this.store.create(write) };
    }
    const address: Address = { ...place, name: place.name };
    const write = { address, body, subresource: place.subresource };
    switch (method) {
      case 'GET':
        return { code: 200, body: this.store.get(address) };
      case 'PUT':
        return { code: 200, body: this.store.replace(write) };
      case 'DELETE':
        return { code: 200, body: this.store.delete(address, (body ?? {}) as Json) };
      default:
        return this.#patch(write, url, contentType);
    }
  }

  #patch(write: Parameters<FakeApiStore['merge']>[0], url: URL, contentType: string) {
    if (contentType === 'application/apply-patch+yaml') {
      const manager = url.searchParams.get('fieldManager');
      if (!manager) throw new Refusal(422, 'Invalid', 'fieldManager is required for apply patch');
      const code = this.store.find(write.address) ? 200 : 201;
      return { code, body: this.store.apply(write, manager) };
    }
    if (contentType === 'application/merge-patch+json') {
      return { code: 200, body: this.store.merge(write) };
    }
    if (contentType === 'application/json-patch+json') {
      return { code: 200, body: this.store.json(write) };
    }
    throw new Refusal(415, 'UnsupportedMediaType', `content type ${contentType}`);
  }

  #list(place: Place, url: URL) {
    const { matches } = queryOf(place, url);
    const all = this.store.all(place.collection, place.namespace).filter(matches);
    const start = Number(url.searchParams.get('continue') ?? 0);
    const limit = Number(url.searchParams.get('limit') ?? 0) || all.length;
    const end = start + limit;
    const metadata = {
      resourceVersion: String(this.store.version),
      ...(end < all.length && { continue: String(end) }),
    };
    // As the real server does it: items of a list say neither their apiVersion nor their kind.
    const items = all.slice(start, end).map(({ apiVersion: _a, kind: _k, ...item }) => item);
    return { kind: 'List', apiVersion: 'v1', metadata, items };
  }

  #watch(place: Place, url: URL, answer: ServerResponse): void {
    const version = Number(url.searchParams.get('resourceVersion') ?? 0);
    answer.writeHead(200, { 'content-type': 'application/json' });
    answer.flushHeaders();
    if (version < this.store.forgottenVersion) {
      const expired = new Refusal(410, 'Expired', `too old resource version: ${version}`);
      answer.end(`${JSON.stringify({ type: 'ERROR', object: statusOf(expired) })}\n`);
      return;
    }
    const watch: OpenWatch = { answer, url, query: queryOf(place, url) };
    for (const change of this.store.since(version)) sendChange(watch, change);
    this.#watches.add(watch);
    answer.on('close', () => this.#watches.delete(watch));
  }
}

interface Place {
  readonly collection: Collection;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** `/apis/GROUP/VERSION[/namespaces/NAMESPACE]/PLURAL[/NAME[/SUBRESOURCE]]`, `/api/v1/...` */
function placeOf(path: string): Place {
  const parts = path.split('/').slice(1).map(decodeURIComponent);
  const root = parts.splice(0, parts[0] === 'api' ? 2 : 3);
  const isInNamespace = parts[0] === 'namespaces' && parts.length > 2;
  const namespace = isInNamespace ? parts.splice(0, 2)[1] : undefined;
  const [plural, name, subresource] = parts;
  if (plural === undefined) throw new Refusal(404, 'NotFound', `no resource at ${path}`);
  return { collection: `/${[...root, plural].join('/')}`, namespace, name, subresource };
}

function collectionOf(kind: ResourceKind): Collection {
  return `${kind.group === '' ? '/api' : '/apis'}/${apiVersionOf(kind)}/${kind.plural}`;
}

function addressOf(kind: ResourceKind, namespace: string | undefined, name: string): Address {
  return { collection: collectionOf(kind), namespace, name };
}

function queryOf({ collection, namespace }: Place, url: URL): Query {
  const labels = requirementsOf(url.searchParams.get('labelSelector') ?? '');
  const fields = requirementsOf(url.searchParams.get('fieldSelector') ?? '');
  const matches = (object: StoredObject) => {
    const own = (object.metadata['labels'] ?? {}) as Readonly<Record<string, string>>;
    const { name, namespace: where = '' } = object.metadata;
    const known = { ...eventFields(object), 'metadata.name': name, 'metadata.namespace': where };
    return labels.every((holds) => holds(own)) && fields.every((holds) => holds(known));
  };
  return { collection, namespace, matches };
}

/** Events can be chosen by what they are about. */
function eventFields({ reason, type, involvedObject }: StoredObject): Record<string, string> {
  if (typeof reason !== 'string' || !isJson(involvedObject)) return {};
  return { reason, type: String(type), 'involvedObject.uid': String(involvedObject['uid']) };
}

type Requirement = (values: Readonly<Record<string, string>>) => boolean;

function requirementsOf(selector: string): Requirement[] {
  return selector
    .split(/,(?![^(]*\))/)
    .filter((part) => part !== '')
    .map((part) => {
      const set = /^\s*(\S+)\s+(in|notin)\s+\((.*)\)\s*$/.exec(part);
      if (set) {
        const [, key = '', word, list = ''] = set;
        const wanted = list.split(',').map((item) => item.trim());
        return (values) => wanted.includes(values[key] ?? '') === (word === 'in');
      }
      const [, not, key = '', operator, value] = /^(!?)([^=!]+)(==?|!=)?(.*)$/.exec(part) ?? [];
      if (operator === undefined) return (values) => Object.hasOwn(values, key) === (not === '');
      return (values) => (values[key] === value) === (operator !== '!=');
    });
}

/** An object that no longer fits the selector has gone, for that watch. */
function sendChange({ answer, query }: OpenWatch, change: Change): void {
  const { object, previous, collection } = change;
  if (collection !== query.collection) return;
  if (query.namespace !== undefined && object.metadata.namespace !== query.namespace) return;
  const fitted = previous !== undefined && query.matches(previous);
  const fits = change.type !== 'DELETED' && query.matches(object);
  if (!fits && !fitted) return;
  sendEvent(answer, fits ? (fitted ? 'MODIFIED' : 'ADDED') : 'DELETED', object);
}

function sendEvent(answer: ServerResponse, type: string, object: unknown): void {
  answer.write(`${JSON.stringify({ type, object })}\n`);
}

function sendBookmark(answer: ServerResponse, version: number): void {
  sendEvent(answer, 'BOOKMARK', { metadata: { resourceVersion: String(version) } });
}

function sendJson(answer: ServerResponse, code: number, body: unknown, headers: Json = {}): void {
  answer.writeHead(code, { 'content-type': 'application/json', ...(headers as object) });
  answer.end(JSON.stringify(body));
}

function statusOf({ code, reason, message }: Refusal) {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message };
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  request.setEncoding('utf8');
  for await (const chunk of request as AsyncIterable<string>) text += chunk;
  return text === '' ? undefined : JSON.parse(text);
}
