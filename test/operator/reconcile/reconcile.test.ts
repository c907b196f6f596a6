import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FtpGatewayStatus } from '#operator/api/ftp-gateway.ts';
import { hostNameRefreshMs } from '#operator/plan/address.ts';
import type { KubernetesObject } from '#operator/plan/manifest.ts';
import { childLabels } from '#operator/plan/names.ts';
import type { Observed } from '#operator/plan/observed.ts';
import type { Plan } from '#operator/plan/plan.ts';
import { childKinds, eventKind, gatewayKind, podKind } from '#operator/reconcile/kinds.ts';
import { namespace, type ReconcileWorld, reconcileWorld } from '#test/support/reconcile-world.ts';

const labels = childLabels('files', 'gateway');
const apiVersions: Readonly<Record<string, string>> = {
  StatefulSet: 'apps/v1',
  PodDisruptionBudget: 'policy/v1',
};

function child({ gateway }: Observed, kind: string, extra: object = {}): KubernetesObject {
  const apiVersion = apiVersions[kind] ?? 'v1';
  const { name, uid } = gateway.metadata;
  const owner = { apiVersion: gateway.apiVersion, kind: 'FtpGateway', name, uid };
  return {
    apiVersion,
    kind,
    metadata: {
      name: 'files',
      namespace,
      labels,
      ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
    },
    ...extra,
  };
}

const status: FtpGatewayStatus = {
  conditions: ['Accepted', 'Programmed', 'Ready'].map((type) => ({
    type,
    status: 'True' as const,
    reason: 'Fine',
    message: 'all is well',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  })),
};

const nothing: Plan = {
  foundation: [],
  beside: [],
  shards: [],
  annotatePods: [],
  remove: [],
  events: [],
  status,
};

const servicePort = { name: 'ftp', port: 21, protocol: 'TCP', targetPort: 'ftp' };

function wholePlan(observed: Observed): Plan {
  const service = child(observed, 'Service', { spec: { ports: [servicePort] } });
  return { ...nothing, foundation: [child(observed, 'ConfigMap', { data: { a: '1' } }), service] };
}

function conditionOf(world: ReconcileWorld, type: string) {
  const live = world.api.get(gatewayKind, namespace, 'files')?.['status'] as FtpGatewayStatus;
  return live.conditions?.find((condition) => condition.type === type);
}

describe('a reconcile', () => {
  test('applies in order, writes the status last, and the second time sends no write', async () => {
    await using world = await reconcileWorld(wholePlan);
    world.putGateway();
    const first = await world.run();
    assert.deepEqual(first.writes, [
      'PATCH configmaps/files',
      'PATCH services/files',
      'PATCH ftpgateways/files/status',
    ]);
    assert.equal(first.requeueAfterMs, 300_000);
    const requests = world.api.requests.length;
    assert.deepEqual((await world.run()).writes, []);
    assert.equal(world.api.requests.length, requests, 'not even a read');
  });

  test('brings back a deleted child and repairs a foreign edit, and nothing else', async () => {
    await using world = await reconcileWorld(wholePlan);
    world.putGateway();
    await world.run();
    world.api.remove(childKinds.ConfigMap, namespace, 'files');
    assert.deepEqual((await world.run()).writes, ['PATCH configmaps/files']);
    const live = world.api.get(childKinds.ConfigMap, namespace, 'files');
    world.api.put(childKinds.ConfigMap, { ...live, data: { a: 'other', b: 'kept' } });
    assert.deepEqual((await world.run()).writes, ['PATCH configmaps/files']);
    assert.deepEqual(world.api.get(childKinds.ConfigMap, namespace, 'files')?.['data'], {
      a: '1',
      b: 'kept',
    });
  });

  test('takes away a field that is no longer wished', async () => {
    let data: Record<string, string> = { a: '1', b: '2' };
    await using world = await reconcileWorld((observed) => ({
      ...nothing,
      foundation: [child(observed, 'ConfigMap', { data })],
    }));
    world.putGateway();
    await world.run();
    data = { a: '1' };
    await world.run();
    assert.deepEqual(world.api.get(childKinds.ConfigMap, namespace, 'files')?.['data'], data);
  });

  test('does nothing for a gateway that is gone or being deleted, and says so', async () => {
    await using world = await reconcileWorld(wholePlan);
    assert.deepEqual(await world.run(), { isGone: true, writes: [] });
    const deletionTimestamp = '2026-01-01T00:00:00Z';
    const metadata = { name: 'files', namespace, deletionTimestamp, finalizers: ['x'] };
    world.api.put(gatewayKind, { metadata, spec: {} });
    assert.deepEqual(await world.run(), { isGone: true, writes: [] });
  });

  test('never reads or writes a Secret', async () => {
    await using world = await reconcileWorld(wholePlan);
    world.putGateway();
    await world.run();
    await world.run();
    assert.ok(world.api.requests.every(({ url }) => !url.includes('secret')));
  });
});

describe('objects of others', () => {
  test('are not overwritten; the status says what to do', async () => {
    await using world = await reconcileWorld(wholePlan);
    world.putGateway();
    const theirs = { metadata: { name: 'files', namespace }, data: { theirs: 'x' } };
    world.api.put(childKinds.ConfigMap, theirs);
    const { writes, requeueAfterMs } = await world.run();
    assert.deepEqual(writes, ['PATCH services/files', 'PATCH ftpgateways/files/status']);
    assert.equal(requeueAfterMs, 60_000);
    assert.equal(conditionOf(world, 'Accepted')?.status, 'True');
    for (const type of ['Programmed', 'Ready']) {
      const condition = conditionOf(world, type);
      assert.equal(condition?.status, 'False');
      assert.equal(condition?.reason, 'ApplyFailed');
      assert.match(condition?.message ?? '', /ConfigMap files exists already.*rename the gateway/);
    }
    assert.deepEqual((await world.run()).writes, [], 'said once');
  });

  test('left from an earlier gateway of the name are waited for', async () => {
    await using world = await reconcileWorld(wholePlan);
    const earlier = { kind: 'FtpGateway', name: 'files', uid: 'earlier', controller: true };
    const metadata = { name: 'files', namespace, labels, ownerReferences: [earlier] };
    world.api.put(childKinds.ConfigMap, { metadata });
    world.putGateway();
    await assert.rejects(world.run(), { kind: 'leftover-object' });
    world.api.remove(childKinds.ConfigMap, namespace, 'files');
    const { writes } = await world.run();
    assert.deepEqual(writes, ['PATCH configmaps/files', 'PATCH ftpgateways/files/status']);
  });

  test('a service port that somebody added goes, the others stay', async () => {
    const strays = [{ port: 8021, protocol: 'TCP' }];
    await using world = await reconcileWorld((observed) => {
      const live = observed.service?.spec?.ports?.some(({ port }) => port === 8021);
      const base = wholePlan(observed);
      return live ? { ...base, removeServicePorts: { service: 'files', ports: strays } } : base;
    });
    world.putGateway();
    await world.run();
    const live = world.api.get(childKinds.Service, namespace, 'files');
    const ports = [{ port: 8021, protocol: 'TCP' }, servicePort];
    world.api.put(childKinds.Service, { ...live, spec: { ports } });
    await world.run();
    await world.run();
    const now = world.api.get(childKinds.Service, namespace, 'files')?.['spec'];
    assert.deepEqual(now, { ports: [servicePort] });
    assert.deepEqual((await world.run()).writes, []);
  });
});

describe('stray ports', () => {
  test('that are no longer where the cache had them are no failure', async () => {
    const strays = [{ port: 8021, protocol: 'TCP' }];
    await using world = await reconcileWorld((observed) => ({
      ...wholePlan(observed),
      foundation: [],
      removeServicePorts: { service: 'files', ports: strays },
    }));
    world.putGateway();
    const metadata = { name: 'files', namespace, labels };
    world.api.put(childKinds.Service, { metadata, spec: { ports: [...strays, servicePort] } });
    const matches = ({ url }: { url: string }) => url.includes('/services/');
    world.api.fail({ matches, answer: 422 });
    await world.run();
    assert.equal(conditionOf(world, 'Programmed')?.status, 'True');
    await world.run();
    const now = world.api.get(childKinds.Service, namespace, 'files')?.['spec'];
    assert.deepEqual(now, { ports: [servicePort] });
  });
});

/** Requests that write an object of that kind. */
const writesOf = (plural: string) => (request: { url: string; method: string }) =>
  request.method !== 'GET' && request.url.includes(`/${plural}/`);

describe('a refusal', () => {
  const annotations = { 'cosftp.io/masquerade-address': '203.0.113.7' };

  /** Something of everything: a ConfigMap and a Service, a budget, a shard, a pod, a removal. */
  async function worldOfAll() {
    const world = await reconcileWorld((observed) => ({
      ...wholePlan(observed),
      beside: [child(observed, 'PodDisruptionBudget')],
      shards: [child(observed, 'StatefulSet')],
      annotatePods: [{ name: 'files-shard-0-0', annotations }],
      remove: [{ kind: 'StatefulSet', name: 'old' }],
    }));
    const { uid } = world.putGateway().metadata;
    world.api.put(podKind, { metadata: { name: 'files-shard-0-0', namespace, labels } });
    const ownerReferences = [{ kind: 'FtpGateway', name: 'files', uid, controller: true }];
    world.api.put(childKinds.StatefulSet, {
      metadata: { name: 'old', namespace, labels, ownerReferences },
    });
    return world;
  }

  test('is told in the status with object and words of the API server, and as an event, once', async () => {
    await using world = await reconcileWorld(wholePlan);
    world.putGateway();
    world.api.fail({ matches: writesOf('services'), answer: 422, times: 2 });
    const { isRefused, requeueAfterMs } = await world.run();
    assert.deepEqual([isRefused, requeueAfterMs], [true, 60_000]);
    for (const type of ['Programmed', 'Ready']) {
      const { status, reason, message } = conditionOf(world, type) ?? {};
      assert.deepEqual(
        [status, reason, message],
        ['False', 'ApplyFailed', 'Service files: as the test wished'],
      );
    }
    await world.run();
    assert.deepEqual(
      world.told.map(({ type, reason }) => `${type} ${reason}`),
      ['Warning ApplyFailed'],
    );
    const last = await world.run();
    assert.equal(last.isRefused, undefined);
    assert.equal(conditionOf(world, 'Programmed')?.status, 'True');
  });

  test('of what nothing stands on keeps nothing else back', async () => {
    await using world = await worldOfAll();
    world.api.fail({ matches: writesOf('poddisruptionbudgets'), answer: 403 });
    assert.deepEqual((await world.run()).writes, [
      'PATCH configmaps/files',
      'PATCH services/files',
      'PATCH poddisruptionbudgets/files',
      'PATCH statefulsets/files',
      'PATCH pods/files-shard-0-0',
      'DELETE statefulsets/old',
      'PATCH ftpgateways/files/status',
    ]);
  });

  test('of what shards stand on keeps shards back, and nothing else', async () => {
    await using world = await worldOfAll();
    world.api.fail({ matches: writesOf('configmaps'), answer: 403 });
    assert.deepEqual((await world.run()).writes, [
      'PATCH configmaps/files',
      'PATCH services/files',
      'PATCH poddisruptionbudgets/files',
      'PATCH pods/files-shard-0-0',
      'DELETE statefulsets/old',
      'PATCH ftpgateways/files/status',
    ]);
    assert.ok((await world.run()).writes.includes('PATCH statefulsets/files'));
  });

  test('is told together with the others', async () => {
    await using world = await worldOfAll();
    world.api.fail({ matches: writesOf('services'), answer: 422 });
    world.api.fail({ matches: writesOf('pods'), answer: 403 });
    await world.run();
    assert.equal(
      conditionOf(world, 'Programmed')?.message,
      'Service files: as the test wished; Pod files-shard-0-0: as the test wished',
    );
  });

  test('by a webhook that does not answer (500) is told as well', async () => {
    await using world = await reconcileWorld(wholePlan);
    world.putGateway();
    world.api.fail({ matches: writesOf('services'), answer: 500 });
    assert.equal((await world.run()).isRefused, true);
    assert.match(conditionOf(world, 'Programmed')?.message ?? '', /^Service files: /);
  });

  test('that passes by itself is thrown for another try when the rest is done, and changes no status', async () => {
    await using world = await worldOfAll();
    world.api.fail({ matches: writesOf('configmaps'), answer: 409 });
    await assert.rejects(world.run(), { kind: 'conflict' });
    assert.deepEqual(
      world.api.get(podKind, namespace, 'files-shard-0-0')?.metadata['annotations'],
      {
        ...annotations,
      },
    );
    assert.equal(world.api.get(gatewayKind, namespace, 'files')?.['status'], undefined);
  });
});

describe('outages', () => {
  for (const answer of [503, 429, 401, 'reset'] as const) {
    test(`end the run at once, change no status, and are tried again: ${answer}`, async () => {
      await using world = await reconcileWorld(wholePlan);
      world.putGateway();
      world.api.fail({ matches: ({ method }) => method === 'PATCH', answer });
      await assert.rejects(world.run(), { retryable: true });
      assert.equal(world.api.writes.length, 1);
      assert.equal(world.api.get(gatewayKind, namespace, 'files')?.['status'], undefined);
    });
  }

  test('a missing right to read events is told in their place', async () => {
    const seen: (readonly string[])[] = [];
    await using world = await reconcileWorld((observed) => {
      seen.push(observed.podProblems);
      return nothing;
    });
    world.putGateway();
    world.api.put(childKinds.StatefulSet, {
      metadata: { name: 'files-shard-0', namespace, labels },
    });
    world.api.fail({ matches: ({ url }) => url.includes('/events'), answer: 403 });
    await world.run();
    assert.deepEqual(seen, [['why cannot be read: as the test wished']]);
  });

  test('events of StatefulSets without pods and of pods that wait are read, and only then', async () => {
    const seen: (readonly string[])[] = [];
    await using world = await reconcileWorld((observed) => {
      seen.push(observed.podProblems);
      return nothing;
    });
    world.putGateway();
    const metadata = { name: 'files-shard-0', namespace, labels };
    const { uid } = world.api.put(childKinds.StatefulSet, { metadata }).metadata;
    const event = (name: string, reason: string, message: string, lastTimestamp: string) =>
      world.api.put(eventKind, {
        metadata: { name, namespace },
        involvedObject: { uid },
        reason,
        message,
        lastTimestamp,
      });
    event('a', 'FailedCreate', 'older', '2026-01-01T00:00:00Z');
    event('b', 'FailedCreate', 'violates PodSecurity', '2026-01-01T00:00:01Z');
    event('c', 'SuccessfulCreate', 'created', '2026-01-01T00:00:02Z');
    await world.run();
    world.api.put(childKinds.StatefulSet, { metadata, status: { replicas: 1 } });
    await world.run();
    const podMetadata = { name: 'files-shard-0-0', namespace, labels };
    const waiting = world.api.put(podKind, { metadata: podMetadata, status: { phase: 'Pending' } });
    world.api.put(eventKind, {
      metadata: { name: 'd', namespace },
      involvedObject: { uid: waiting.metadata.uid },
      type: 'Warning',
      reason: 'FailedMount',
      message: 'secret "cos-key" not found',
    });
    await world.run();
    world.api.put(podKind, { metadata: podMetadata, status: { phase: 'Running' } });
    await world.run();
    assert.deepEqual(seen, [['violates PodSecurity'], [], ['secret "cos-key" not found'], []]);
  });
});

describe('pods', () => {
  test('get the annotation while they run, once', async () => {
    const annotations = { 'cosftp.io/masquerade-address': '203.0.113.7' };
    await using world = await reconcileWorld(({ pods }) => ({
      ...nothing,
      annotatePods: pods.map(({ metadata }) => ({ name: metadata.name, annotations })),
    }));
    world.putGateway();
    world.api.put(podKind, { metadata: { name: 'files-shard-0-0', namespace, labels } });
    const { writes } = await world.run();
    assert.deepEqual(writes[0], 'PATCH pods/files-shard-0-0');
    const pod = world.api.get(podKind, namespace, 'files-shard-0-0');
    assert.deepEqual(pod?.metadata['annotations'], annotations);
    assert.deepEqual((await world.run()).writes, []);
  });

  test('that are gone meanwhile are no failure', async () => {
    await using world = await reconcileWorld(() => ({
      ...nothing,
      annotatePods: [{ name: 'gone-0', annotations: { a: 'b' } }],
    }));
    world.putGateway();
    assert.deepEqual((await world.run()).writes, ['PATCH ftpgateways/files/status']);
  });
});

describe('what is removed', () => {
  test('is only what is ours', async () => {
    await using world = await reconcileWorld(() => ({
      ...nothing,
      remove: [
        { kind: 'StatefulSet', name: 'ours' },
        { kind: 'StatefulSet', name: 'theirs' },
        { kind: 'StatefulSet', name: 'gone' },
      ],
    }));
    const { uid } = world.putGateway().metadata;
    const owner = { kind: 'FtpGateway', name: 'files', uid, controller: true };
    const put = (name: string, ownerReferences: object[]) =>
      world.api.put(childKinds.StatefulSet, {
        metadata: { name, namespace, labels, ownerReferences },
      });
    put('ours', [owner]);
    put('theirs', []);
    const { writes } = await world.run();
    assert.deepEqual(writes, ['DELETE statefulsets/ours', 'PATCH ftpgateways/files/status']);
  });
});

describe('host names and events', () => {
  test('of load balancers are resolved, and again when the plan wants to look again', async () => {
    const seen: Observed['resolvedHosts'][] = [];
    await using world = await reconcileWorld((observed) => {
      seen.push(observed.resolvedHosts);
      return { ...nothing, requeueAfterMs: hostNameRefreshMs };
    });
    world.putGateway();
    const loadBalancer = { ingress: [{ hostname: 'lb.example.test' }] };
    const metadata = { name: 'files', namespace, labels };
    world.api.put(childKinds.Service, { metadata, status: { loadBalancer } });
    assert.equal((await world.run()).requeueAfterMs, hostNameRefreshMs);
    world.dns.set('lb.example.test', ['203.0.113.7']);
    await world.clock.advance(hostNameRefreshMs);
    await world.run();
    assert.deepEqual(seen, [{}, { 'lb.example.test': ['203.0.113.7'] }]);
  });

  test('events are told once per change', async () => {
    let message = 'one';
    await using world = await reconcileWorld(() => ({
      ...nothing,
      events: [{ type: 'Normal', reason: 'AddressAssigned', message }],
    }));
    world.putGateway();
    await world.run();
    await world.run();
    message = 'two';
    await world.run();
    assert.deepEqual(
      world.told.map((event) => event.message),
      ['one', 'two'],
    );
  });
});
