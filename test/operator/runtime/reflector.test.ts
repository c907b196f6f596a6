import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '#gateway/kit/clock.ts';
import type { KubeObject, ResourceKind } from '#operator/runtime/client.ts';
import { createJsonClient } from '#operator/runtime/json-client.ts';
import { Reflector } from '#operator/runtime/reflector.ts';
import { until } from '#test/support/condition.ts';
import { FakeApiServer } from '#test/support/fake-api-server.ts';
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
}

/** The system's clock with all waiting shortened. */
const hastyClock = {
  ...systemClock,
  setTimer: (delayMs: number, fire: () => void) => systemClock.setTimer(delayMs / 50, fire),
};

interface Wishes {
  readonly namespaces?: readonly string[];
  readonly labelSelector?: string;
  readonly onChange?: (change: string) => void;
  readonly silenceTimeoutMs?: number;
}

async function setUp(wishes: Wishes = {}) {
  const fake = await FakeApiServer.start();
  const log = recordingLog();
  const config = fake.config();
  const { silenceTimeoutMs = 60_000 } = wishes;
  const client = createJsonClient({ config, clock: systemClock, log, kinds: [], silenceTimeoutMs });
  const changes: string[] = [];
  const reflector = new Reflector<ConfigMap>({
    client,
    kind: configMaps,
    namespaces: wishes.namespaces ?? [],
    ...(wishes.labelSelector !== undefined && { labelSelector: wishes.labelSelector }),
    clock: hastyClock,
    log,
    onChange: ({ type, key }) => {
      changes.push(`${type} ${key}`);
      wishes.onChange?.(key);
    },
  });
  const stop = new AbortController();
  const running = reflector.run(stop.signal);
  const put = (name: string, value = '', labels = {}, namespace = 'default') =>
    fake.put(configMaps, { metadata: { name, namespace, labels }, data: { value } });
  const valueOf = (name: string) => reflector.cache.get('default', name)?.data?.['value'];
  const lists = () => fake.requests.filter(({ url }) => !url.includes('watch=true')).length;
  return {
    fake,
    log,
    changes,
    reflector,
    put,
    valueOf,
    lists,
    stop,
    running,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      client.close();
      await fake[Symbol.asyncDispose]();
    },
  };
}

describe('a reflector', () => {
  test('has what was there before and follows what happens after', async () => {
    await using world = await setUp();
    await world.reflector.synced;
    world.put('a', '1');
    await until('a arrived', () => world.valueOf('a') === '1');
    world.put('a', '2');
    await until('a changed', () => world.valueOf('a') === '2');
    world.fake.remove(configMaps, 'default', 'a');
    await until('a went', () => world.reflector.cache.size === 0);
    assert.deepEqual(world.changes, ['added default/a', 'changed default/a', 'removed default/a']);
    assert.equal(world.lists(), 1);
  });

  for (const how of ['end', 'reset', 'half-line'] as const) {
    test(`misses nothing when its watch ends by ${how}`, async () => {
      await using world = await setUp();
      await until('the watch is open', () => world.fake.openWatches === 1);
      for (let round = 1; round <= 5; round++) {
        world.fake.endWatches(how);
        world.put('a', `${round}`);
        await until('the change arrived', () => world.valueOf('a') === `${round}`);
        await until('the watch is open', () => world.fake.openWatches === 1);
      }
      assert.equal(world.changes.length, 5);
      assert.equal(world.lists(), 1);
    });
  }

  test('lists anew after 410 and tells removals it never saw', async () => {
    await using world = await setUp();
    world.put('old');
    world.put('kept');
    await until('both are known', () => world.reflector.cache.size === 2);
    await world.fake.down();
    world.fake.remove(configMaps, 'default', 'old');
    world.put('new');
    world.fake.store.forget();
    await world.fake.up();
    await until('new is known', () => world.valueOf('new') !== undefined);
    assert.deepEqual(world.changes.slice(2), ['removed default/old', 'added default/new']);
  });

  test('needs no new list after 410 when bookmarks kept its version fresh', async () => {
    await using world = await setUp();
    await until('the watch is open', () => world.fake.openWatches === 1);
    world.fake.put({ ...configMaps, plural: 'others' }, { metadata: { name: 'x' } });
    world.fake.store.forget();
    world.fake.sendBookmarks();
    world.put('a', '1');
    await until('a arrived', () => world.valueOf('a') === '1');
    world.fake.endWatches('reset');
    world.put('a', '2');
    await until('a changed', () => world.valueOf('a') === '2');
    assert.equal(world.lists(), 1);
  });

  test('survives an API server that is down for a while', async () => {
    await using world = await setUp();
    world.put('a', '1');
    await until('a arrived', () => world.valueOf('a') === '1');
    await world.fake.down();
    world.put('a', '2');
    await until('it was noticed', () => world.log.messages('warn').length > 0);
    assert.equal(world.valueOf('a'), '1');
    await world.fake.up();
    await until('a changed', () => world.valueOf('a') === '2');
  });

  test('starts while the API server is down, and answers refusals with patience', async () => {
    await using world = await setUp();
    world.fake.fail({ answer: 403, times: 3 });
    world.fake.fail({ answer: 500, times: 2 });
    await world.fake.down();
    assert.equal(world.reflector.isSynced, false);
    await until('it failed', () => world.log.messages('debug').length > 2);
    await world.fake.up();
    await world.reflector.synced;
    assert.equal(world.reflector.isSynced, true);
  });

  test('opens a silent watch anew', async () => {
    await using world = await setUp({ silenceTimeoutMs: 100 });
    const watches = () => world.fake.requests.length - world.lists();
    await until('three watches', () => watches() >= 3);
    world.put('a', '1');
    await until('a arrived', () => world.valueOf('a') === '1');
  });

  test('tells nothing about events that come twice', async () => {
    await using world = await setUp();
    world.put('a', '1');
    await until('a arrived', () => world.valueOf('a') === '1');
    world.fake.repeat(configMaps, 'default', 'a');
    world.fake.repeat(configMaps, 'default', 'a');
    world.put('b');
    await until('b arrived', () => world.valueOf('b') !== undefined);
    assert.deepEqual(world.changes, ['added default/a', 'added default/b']);
  });

  test('tells a re-created object from a changed one, also across a list', async () => {
    await using world = await setUp();
    world.put('a', '1');
    await until('a arrived', () => world.valueOf('a') === '1');
    await world.fake.down();
    world.fake.remove(configMaps, 'default', 'a');
    world.put('a', '2');
    world.fake.store.forget();
    await world.fake.up();
    await until('a is the new one', () => world.valueOf('a') === '2');
    assert.deepEqual(world.changes, ['added default/a', 'removed default/a', 'added default/a']);
  });

  test('goes on when a handler throws', async () => {
    await using world = await setUp({
      onChange: () => {
        throw new Error('broken handler');
      },
    });
    world.put('a', '1');
    world.put('b', '1');
    await until('both arrived', () => world.reflector.cache.size === 2);
    assert.deepEqual(world.log.messages('error'), [
      'change handler failed',
      'change handler failed',
    ]);
  });

  test('keeps to its namespaces and labels', async () => {
    await using world = await setUp({ namespaces: ['one', 'two'], labelSelector: 'app=x' });
    await world.reflector.synced;
    world.put('a', '', { app: 'x' }, 'one');
    world.put('b', '', { app: 'x' }, 'two');
    world.put('c', '', { app: 'x' }, 'three');
    world.put('d', '', { app: 'y' }, 'one');
    const { cache } = world.reflector;
    await until('both are known', () => cache.size === 2);
    assert.deepEqual(
      cache.list({ namespace: 'one', labels: { app: 'x' } }).map((o) => o.metadata?.name),
      ['a'],
    );
    world.put('a', '', { app: 'y' }, 'one');
    await until('a has left', () => cache.size === 1);
  });

  test('asks at most a few times while nothing works', async () => {
    await using world = await setUp();
    await until('the watch is open', () => world.fake.openWatches === 1);
    world.fake.fail({ answer: 500, times: 1_000 });
    const before = world.fake.requests.length;
    world.fake.endWatches('reset');
    await until('some tries', () => world.fake.requests.length > before + 5);
    // 0.5, 1, 2, 4, 8 s at least by half, with time running fifty times as fast.
    assert.ok(world.reflector.silentMs > 150, `${world.reflector.silentMs} ms`);
  });
});
