import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '#gateway/kit/clock.ts';
import { silentLog } from '#gateway/kit/log.ts';
import { childLabels } from '#operator/plan/names.ts';
import { childKinds, gatewayKind, podKind } from '#operator/reconcile/kinds.ts';
import { WatchedKinds } from '#operator/reconcile/watched-kinds.ts';
import { createJsonClient } from '#operator/runtime/json-client.ts';
import { until } from '#test/support/condition.ts';
import { FakeApiServer } from '#test/support/fake-api-server.ts';

const labels = childLabels('files', 'gateway');
const namespace = 'ftp';

async function watching(namespaces: readonly string[] = []) {
  await using stack = new AsyncDisposableStack();
  const api = stack.use(await FakeApiServer.start());
  const log = silentLog;
  const client = createJsonClient({ config: api.config(), clock: systemClock, log, kinds: [] });
  stack.defer(() => client.close());
  const keys: string[] = [];
  const onChange = (key: string) => void keys.push(key);
  const watched = new WatchedKinds({ client, namespaces, clock: systemClock, log, onChange });
  const end = new AbortController();
  const running = watched.run(end.signal);
  stack.defer(async () => {
    end.abort();
    await running;
  });
  await watched.synced();
  const owned = stack.move();
  return { api, keys, watched, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

describe('what is watched', () => {
  test('tells the gateway of a gateway, of its children and of its pods', async () => {
    await using world = await watching();
    assert.ok(world.watched.isSynced);
    const told = async (what: string) => {
      await until(what, () => world.keys.length > 0);
      return world.keys.splice(0);
    };
    world.api.put(gatewayKind, { metadata: { name: 'files', namespace } });
    assert.deepEqual(await told('the gateway'), ['ftp/files']);
    world.api.put(childKinds.Service, { metadata: { name: 'any', namespace, labels } });
    assert.deepEqual(await told('the service'), ['ftp/files']);
    world.api.put(podKind, { metadata: { name: 'files-shard-0-0', namespace, labels } });
    assert.deepEqual(await told('the pod'), ['ftp/files']);
    world.api.remove(childKinds.Service, namespace, 'any');
    assert.deepEqual(await told('the removal'), ['ftp/files']);
    assert.equal(world.watched.listOf(podKind, namespace, 'files').length, 1);
    assert.equal(world.watched.listOf(podKind, namespace, 'other').length, 0);
    assert.equal(world.watched.get(childKinds.Service, namespace, 'any'), undefined);
  });

  test('is no new status of a gateway, but a new spec and a deletion', async () => {
    await using world = await watching();
    const metadata = { name: 'files', namespace, finalizers: ['example.com/x'] };
    world.api.put(gatewayKind, { metadata, spec: { replicas: 1 } });
    world.api.put(gatewayKind, { metadata, spec: { replicas: 1 }, status: { replicas: 1 } });
    world.api.put(gatewayKind, { metadata, spec: { replicas: 2 } });
    world.api.remove(gatewayKind, namespace, 'files');
    world.api.put(gatewayKind, { metadata: { name: 'last', namespace } });
    await until('the last one', () => world.keys.includes('ftp/last'));
    assert.deepEqual(world.keys, ['ftp/files', 'ftp/files', 'ftp/files', 'ftp/last']);
  });

  test('is nothing without the label, and nothing outside the namespaces', async () => {
    await using world = await watching([namespace]);
    world.api.put(childKinds.ConfigMap, { metadata: { name: 'theirs', namespace } });
    world.api.put(gatewayKind, { metadata: { name: 'files', namespace: 'elsewhere' } });
    world.api.put(gatewayKind, { metadata: { name: 'last', namespace } });
    await until('the gateway', () => world.keys.length > 0);
    assert.deepEqual(world.keys, ['ftp/last']);
    assert.equal(world.watched.get(childKinds.ConfigMap, namespace, 'theirs'), undefined);
  });
});
