/**
 * The runtime against a real API server, which keeps the fake one honest: from KUBEBUILDER_ASSETS, or the
 * one KUBECONFIG_TEST leads to (rights over namespaces needed; all that is made goes with one of them).
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { KubeConfig } from '@kubernetes/client-node';
import { systemClock } from '#gateway/kit/clock.ts';
import type { KubeObject, ResourceKind } from '#operator/runtime/client.ts';
import { isKubeError } from '#operator/runtime/errors.ts';
import { Events, reportedEventKind } from '#operator/runtime/events.ts';
import { createJsonClient, type JsonClient } from '#operator/runtime/json-client.ts';
import { Leader } from '#operator/runtime/leader.ts';
import { leaseKind } from '#operator/runtime/lease.ts';
import { Reflector } from '#operator/runtime/reflector.ts';
import { until } from '#test/support/condition.ts';
import { controlPlaneAbsence, startControlPlane } from '#test/support/control-plane.ts';
import { recordingLog } from '#test/support/recording-log.ts';
import { startTcpRelay, type TcpRelay } from '#test/support/tcp-relay.ts';

function coreKind(plural: string, kind: string, group = '', namespaced = true): ResourceKind {
  return { group, version: 'v1', plural, kind, namespaced };
}

const namespaces = coreKind('namespaces', 'Namespace', '', false);
const configMaps = coreKind('configmaps', 'ConfigMap');
const policies = coreKind('networkpolicies', 'NetworkPolicy', 'networking.k8s.io');
const statefulSets = coreKind('statefulsets', 'StatefulSet', 'apps');
const kinds = [namespaces, configMaps, policies, statefulSets, leaseKind, reportedEventKind];

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

const givenCluster = process.env['KUBECONFIG_TEST'];
const skip = givenCluster ? false : controlPlaneAbsence();

describe('the runtime on a real API server', { skip }, () => {
  const stack = new AsyncDisposableStack();
  const namespace = `runtime-${randomUUID().slice(0, 8)}`;
  const log = recordingLog();
  let relay: TcpRelay;
  let client: JsonClient;

  before(async () => {
    const config = new KubeConfig();
    config.loadFromFile(givenCluster || stack.use(await startControlPlane()).kubeconfig);
    const server = config.getCurrentCluster()?.server ?? '';
    const { hostname, port } = new URL(server);
    relay = stack.use(await startTcpRelay({ host: hostname, port: Number(port || 443) }));
    const relayed = new KubeConfig();
    relayed.loadFromString(
      config
        .exportConfig()
        .replaceAll(JSON.stringify(server), JSON.stringify(`https://127.0.0.1:${relay.port}`)),
    );
    client = createJsonClient({ config: relayed, clock: systemClock, log, kinds });
    stack.defer(() => client.close());
    await client.create({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: namespace,
        labels: { 'pod-security.kubernetes.io/warn': 'restricted' },
      },
    });
    stack.defer(() => client.delete({ kind: namespaces, name: namespace }));
  });

  after(() => stack.disposeAsync());

  const configMap = (name: string, data: Record<string, string>, labels = {}): ConfigMap => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, labels },
    data,
  });
  const ref = (name: string) => ({ kind: configMaps, namespace, name });

  test('apply: creates, changes nothing, takes back what is no longer wished', async () => {
    const first = await client.apply<ConfigMap>(configMap('applied', { x: '1', y: '2' }));
    const second = await client.apply<ConfigMap>(configMap('applied', { x: '1', y: '2' }));
    assert.equal(second.metadata?.resourceVersion, first.metadata?.resourceVersion);
    await client.patch(ref('applied'), 'merge', { data: { z: '3' } }, { fieldManager: 'other' });
    const third = await client.apply<ConfigMap>(configMap('applied', { x: '1' }));
    assert.deepEqual(third.data, { x: '1', z: '3' });
  });

  test('apply: a network policy keeps whom it lets in', async () => {
    const ingress = [{ from: [{ ipBlock: { cidr: '10.0.0.0/8' } }], ports: [{ port: 2121 }] }];
    const policy = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'policy', namespace },
      spec: { podSelector: {}, ingress },
    };
    const made = await client.apply<{ spec: { ingress: { from: unknown }[] } }>(policy);
    assert.deepEqual(made.spec.ingress[0]?.from, ingress[0]?.from);
  });

  test('errors: each refusal has its kind', async () => {
    const made = await client.create(configMap('refused', {}));
    const rejects = (what: Promise<unknown>, kind: Parameters<typeof isKubeError>[1]) =>
      assert.rejects(what, (error) => isKubeError(error, kind));
    await rejects(client.create(configMap('refused', {})), 'already-exists');
    await client.replace({ ...configMap('refused', { x: '1' }), metadata: made.metadata });
    await rejects(client.replace({ ...made, metadata: made.metadata }), 'conflict');
    await rejects(client.get(ref('missing')), 'not-found');
    await rejects(client.create(configMap('No Name', {})), 'invalid');
    const test = [{ op: 'test', path: '/data/x', value: 'another' }];
    await rejects(client.patch(ref('refused'), 'json', test), 'invalid');
    await rejects(client.delete(ref('refused'), { uid: randomUUID() }), 'conflict');
    await client.delete(ref('refused'), made.metadata?.uid ? { uid: made.metadata.uid } : {});
    await client.delete(ref('refused'));
  });

  test('warnings: admission says in the log that pods will be refused', async () => {
    const labels = { app: 'bare' };
    const containers = [{ name: 'one', image: 'example.test/none:1' }];
    const statefulSet = {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'bare', namespace },
      spec: {
        replicas: 0,
        serviceName: 'bare',
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers } },
      },
    };
    await client.apply(statefulSet);
    const warnings = log.lines.map(({ fields }) => String(fields['warning']));
    assert.match(warnings.join('\n'), /would violate PodSecurity/);
  });

  test('reflector: equals the API server after cuts in the middle of many changes', async () => {
    const changes: string[] = [];
    const reflector = new Reflector<ConfigMap>({
      client,
      kind: configMaps,
      namespaces: [namespace],
      labelSelector: 'part=reflected',
      clock: systemClock,
      log,
      onChange: ({ type, key }) => void changes.push(`${type} ${key}`),
    });
    const stop = new AbortController();
    const running = reflector.run(stop.signal);
    const patiently = async (write: () => Promise<unknown>) => {
      await until('the write is through', () =>
        write().then(
          () => true,
          () => false,
        ),
      );
    };
    const labels = { part: 'reflected' };
    for (let round = 1; round <= 5; round++) {
      for (let index = 0; index < 10; index++) {
        const object = configMap(
          `m${index}`,
          { round: `${round}`, fill: 'x'.repeat(20_000) },
          labels,
        );
        await patiently(() => client.apply(object));
        if (index === 5) relay.cut();
      }
      if (round === 3) relay.refuse();
      relay.cut();
      if (round === 3) await until('it was noticed', () => reflector.silentMs > 300);
      relay.allow();
      await patiently(() => client.delete(ref(`m${round}`)));
    }
    const versions = (objects: readonly ConfigMap[]) =>
      objects.map(({ metadata }) => `${metadata?.name} ${metadata?.resourceVersion}`).toSorted();
    const { items } = await client.list<ConfigMap>(configMaps, {
      namespace,
      labelSelector: 'part=reflected',
    });
    assert.equal(items.length, 9);
    const isEqual = () => versions(reflector.cache.list()).join() === versions(items).join();
    await until('the cache equals the API server', isEqual, 20_000);
    stop.abort();
    await running;
    assert.ok(changes.includes(`removed ${namespace}/m5`));
  });

  test('leader: the lease is taken, kept from another one, and given back', async () => {
    const place = { client, namespace, name: 'election', clock: systemClock, log };
    const times = { leaseMs: 3_000, renewLimitMs: 2_000, retryMs: 100 };
    const stops = { one: new AbortController(), two: new AbortController() };
    const started: string[] = [];
    const lead = (identity: 'one' | 'two') => {
      const { signal } = stops[identity];
      const leader = new Leader({ ...place, ...times, identity });
      const work = async (end: AbortSignal) => {
        started.push(identity);
        await new Promise((resolve) => end.addEventListener('abort', resolve, { once: true }));
      };
      return leader.lead(work, signal);
    };
    const one = lead('one');
    await until('one leads', () => started.length === 1);
    const two = lead('two');
    stops.one.abort();
    assert.equal(await one, 'stopped');
    await until('two leads', () => started.length === 2);
    stops.two.abort();
    assert.equal(await two, 'stopped');
    assert.deepEqual(started, ['one', 'two']);
    const lease = await client.get<{ spec: { leaseTransitions: number } }>({
      kind: leaseKind,
      namespace,
      name: 'election',
    });
    assert.equal(lease.spec.leaseTransitions, 1);
  });

  test('events: are accepted, and counted when they come again', async () => {
    let laterMs = 0;
    const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + laterMs };
    const who = { controller: 'cosftp.io/operator', instance: 'test' };
    const events = new Events({ client, clock, log, ...who });
    const about = await client.apply<ConfigMap>(configMap('regarded', {}));
    const happening = { type: 'Warning', reason: 'Tried', message: 'x'.repeat(2_000) } as const;
    await events.tell(about, happening);
    laterMs = 61_000;
    await events.tell(about, happening);
    assert.deepEqual(
      log.lines.filter(({ message }) => message === 'event not recorded'),
      [],
    );
    const { items } = await client.list<{ reason: string; series?: { count: number } }>(
      reportedEventKind,
      { namespace },
    );
    const counts = items.filter(({ reason }) => reason === 'Tried').map((e) => e.series?.count);
    assert.deepEqual(counts, [2]);
  });
});
