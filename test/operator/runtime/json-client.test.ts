import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Clock, systemClock } from '#gateway/kit/clock.ts';
import type { KubeObject, ResourceKind, WatchEvent } from '#operator/runtime/client.ts';
import { isKubeError } from '#operator/runtime/errors.ts';
import { createJsonClient, type JsonClient } from '#operator/runtime/json-client.ts';
import { until } from '#test/support/condition.ts';
import { FakeApiServer, Refusal } from '#test/support/fake-api-server.ts';
import { fakeClock } from '#test/support/fake-clock.ts';
import { recordingLog } from '#test/support/recording-log.ts';

const configMaps: ResourceKind = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly status?: unknown;
}

function configMap(name: string, data: Record<string, string>, labels = {}): ConfigMap {
  const metadata = { name, namespace: 'default', labels };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
}

/** @param clock time limits pass on it; only with a fake one do tests of them not depend on the machine. */
async function setUp(clock: Clock = systemClock) {
  const fake = await FakeApiServer.start();
  const log = recordingLog();
  const results: string[] = [];
  const client = createJsonClient({
    config: fake.config(),
    clock,
    log,
    kinds: [configMaps],
    onResult: (method, result) => results.push(`${method} ${result}`),
  });
  const ref = (name: string) => ({ kind: configMaps, namespace: 'default', name });
  return {
    fake,
    log,
    results,
    client,
    ref,
    async [Symbol.asyncDispose]() {
      client.close();
      await fake[Symbol.asyncDispose]();
    },
  };
}

describe('the client', () => {
  test('applies, reads, patches and deletes raw JSON', async () => {
    await using world = await setUp();
    const { client, ref } = world;
    const made = await client.apply<ConfigMap>(configMap('a', { x: '1', unknownToModels: '2' }));
    assert.equal(made.data?.['unknownToModels'], '2');
    await client.patch(ref('a'), 'merge', { data: { y: '3' } });
    await client.patch(ref('a'), 'json', [{ op: 'replace', path: '/data/y', value: '4' }]);
    const read = await client.get<ConfigMap>(ref('a'));
    assert.deepEqual(read.data, { x: '1', unknownToModels: '2', y: '4' });
    await client.apply(configMap('a', { x: '1' }));
    assert.deepEqual((await client.get<ConfigMap>(ref('a'))).data, { x: '1', y: '4' });
    await client.delete(ref('a'));
    await client.delete(ref('a'));
    await assert.rejects(client.get(ref('a')), (error) => isKubeError(error, 'not-found'));
  });

  test('writes nothing new when the same object is applied again', async () => {
    await using world = await setUp();
    const first = await world.client.apply(configMap('a', { x: '1' }));
    const second = await world.client.apply(configMap('a', { x: '1' }));
    assert.equal(second.metadata?.resourceVersion, first.metadata?.resourceVersion);
  });

  test('keeps status and the rest apart', async () => {
    await using world = await setUp();
    const { client, ref } = world;
    await client.apply(configMap('a', { x: '1' }));
    await client.patch(
      ref('a'),
      'merge',
      { status: { n: 1 }, data: {} },
      { subresource: 'status' },
    );
    await client.patch(ref('a'), 'merge', { status: { n: 2 } });
    assert.deepEqual((await client.get<ConfigMap>(ref('a'))).status, { n: 1 });
    assert.deepEqual((await client.get<ConfigMap>(ref('a'))).data, { x: '1' });
  });

  test('lists all pages, by label, each item with its kind', async () => {
    await using world = await setUp();
    for (let index = 0; index < 501; index++) {
      world.fake.put(configMaps, { ...configMap(`m${index}`, {}, { part: String(index % 2) }) });
    }
    const all = await world.client.list<ConfigMap>(configMaps);
    assert.equal(all.items.length, 501);
    assert.equal(all.items[0]?.kind, 'ConfigMap');
    const some = await world.client.list(configMaps, {
      namespace: 'default',
      labelSelector: 'part in (1,2)',
    });
    assert.equal(some.items.length, 250);
    assert.equal((await world.client.list(configMaps, { namespace: 'other' })).items.length, 0);
  });

  test('tells a conflict from an object that exists', async () => {
    await using world = await setUp();
    const { client } = world;
    const made = await client.create(configMap('a', {}));
    await assert.rejects(client.create(configMap('a', {})), (error) =>
      isKubeError(error, 'already-exists'),
    );
    await client.replace({ ...configMap('a', { x: '1' }), metadata: made.metadata });
    await assert.rejects(
      client.replace({ ...configMap('a', { x: '2' }), metadata: made.metadata }),
      (error) => isKubeError(error, 'conflict') && error.retryable,
    );
    await assert.rejects(client.delete(world.ref('a'), { uid: 'another' }), (error) =>
      isKubeError(error, 'conflict'),
    );
  });

  test('passes on refusals with the words of the API server', async () => {
    await using world = await setUp();
    world.fake.store.admission = () => {
      throw new Refusal(422, 'Invalid', 'spec.x: too much');
    };
    await assert.rejects(
      world.client.apply(configMap('a', {})),
      (error) =>
        isKubeError(error, 'invalid') && !error.retryable && /too much/.test(error.message),
    );
  });

  for (const [status, kind] of [
    [400, 'invalid'],
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [410, 'gone'],
    [429, 'unavailable'],
    [500, 'unavailable'],
    [503, 'unavailable'],
  ] as const) {
    test(`calls HTTP ${status} ${kind}`, async () => {
      await using world = await setUp();
      world.fake.fail({ answer: status, headers: { 'retry-after': '7' } });
      await assert.rejects(
        world.client.get(world.ref('a')),
        (error) => isKubeError(error, kind) && error.retryAfterMs === 7_000,
      );
    });
  }

  test('calls a reset and a closed port unavailable', async () => {
    await using world = await setUp();
    const { client, fake, ref } = world;
    fake.fail({ answer: 'reset' });
    await assert.rejects(client.get(ref('a')), (error) => isKubeError(error, 'unavailable'));
    await fake.down();
    await assert.rejects(client.get(ref('a')), (error) => isKubeError(error, 'unavailable'));
  });

  test('counts every request by how it ended', async () => {
    await using world = await setUp();
    const { client, fake, ref } = world;
    await client.apply(configMap('a', {}));
    await client.get(ref('b')).catch(() => undefined);
    for (const answer of [422, 500, 'reset'] as const) {
      fake.fail({ answer });
      await client.patch(ref('a'), 'merge', {}).catch(() => undefined);
    }
    assert.deepEqual(world.results, [
      'PATCH success',
      'GET refused',
      'PATCH refused',
      'PATCH failed',
      'PATCH failed',
    ]);
  });

  test('calls half a minute of silence a timeout', async () => {
    const clock = fakeClock();
    await using world = await setUp(clock);
    const { client, fake, ref } = world;
    fake.fail({ answer: 'silence' });
    const asked = assert.rejects(client.get(ref('a')), (error) => isKubeError(error, 'timeout'));
    await until('the request arrived', () => fake.requests.length === 1);
    await clock.advance(29_999);
    assert.equal(clock.pendingTimers, 1, 'still waiting');
    await clock.advance(1);
    await asked;
  });

  test('logs the warnings of the API server', async () => {
    await using world = await setUp();
    world.fake.warning = 'would violate PodSecurity \\"restricted\\"';
    await world.client.apply(configMap('a', {}));
    const [line] = world.log.lines;
    assert.equal(line?.fields['warning'], 'would violate PodSecurity "restricted"');
  });

  test('refuses a kind it was not told of and an object without a place', async () => {
    await using world = await setUp();
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a', namespace: 'b' } };
    await assert.rejects(world.client.apply(secret), /not told of v1 Secret/);
    const homeless = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } };
    await assert.rejects(world.client.apply(homeless), /has no namespace/);
    assert.equal(world.fake.requests.length, 0);
  });

  test('watches from a version on, letters cut between packets included', async () => {
    await using world = await setUp();
    const { client, fake } = world;
    const { resourceVersion } = await client.list(configMaps);
    const stop = new AbortController();
    const events: WatchEvent<ConfigMap>[] = [];
    const watching = (async () => {
      const watch = client.watch<ConfigMap>(configMaps, { resourceVersion, signal: stop.signal });
      for await (const event of watch) events.push(event);
    })();
    await until('the watch is open', () => fake.openWatches === 1);
    await client.apply(configMap('a', { x: '€'.repeat(100_000) }));
    fake.sendBookmarks();
    await client.delete(world.ref('a'));
    await until('three events', () => events.length === 3);
    assert.deepEqual(
      events.map(({ type }) => type),
      ['ADDED', 'BOOKMARK', 'DELETED'],
    );
    assert.equal(events[0]?.object.data?.['x']?.length, 100_000);
    stop.abort(new Error('enough'));
    await assert.rejects(watching, /enough/);
    await until('the watch is closed', () => fake.openWatches === 0);
  });

  test('ends a watch that was reset with an error, and one that ended without', async () => {
    await using world = await setUp();
    const { client, fake } = world;
    const drain = () => drainWatch(client);
    for (const how of ['half-line', 'reset'] as const) {
      const ended = assert.rejects(drain(), (error) => isKubeError(error, 'unavailable'));
      await until('the watch is open', () => fake.openWatches === 1);
      fake.endWatches(how);
      await ended;
      await until('the watch is closed', () => fake.openWatches === 0);
    }
    const ended = drain();
    await until('the watch is open', () => fake.openWatches === 1);
    fake.endWatches('end');
    await ended;
    fake.store.forget();
    await assert.rejects(drain(), (error) => isKubeError(error, 'gone'));
  });

  test('ends a watch that was silent for too long, counted from the last bookmark', async () => {
    const clock = fakeClock();
    await using world = await setUp(clock);
    const { client, fake } = world;
    let bookmarks = 0;
    const ended = assert.rejects(
      drainWatch(client, () => bookmarks++),
      (error) => isKubeError(error, 'timeout'),
    );
    await until('the watch is open', () => fake.openWatches === 1);
    await clock.advance(149_999);
    fake.sendBookmarks();
    await until('the bookmark arrived', () => bookmarks === 1);
    await clock.advance(149_999);
    assert.equal(fake.openWatches, 1);
    await clock.advance(1);
    await ended;
    await until('the watch is closed', () => fake.openWatches === 0);
  });
});

async function drainWatch(client: JsonClient, onEvent = () => {}): Promise<void> {
  for await (const _ of client.watch(configMaps, { resourceVersion: '100' })) onEvent();
}
