/**
 * How Prometheus finds operator and gateways: the annotations of their pods and the chart's PodMonitors
 * against the pods that the chart and the operator make. A wrong port here is a gateway nobody watches.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseArguments } from '#operator/arguments.ts';
import type { KubernetesObject } from '#operator/plan/manifest.ts';
import { type Manifest, needsHelm, operatorPod, renderChart } from '#test/support/helm.ts';
import { storedGateway } from '#test/support/operator-gateways.ts';
import { objectsOf, planFor } from '#test/support/operator-observed.ts';

interface Pod {
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly containers: readonly {
      readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
    }[];
  };
}

interface Monitor {
  readonly namespaceSelector?: { readonly any?: boolean; readonly matchNames?: readonly string[] };
  readonly selector: {
    readonly matchLabels?: Readonly<Record<string, string>>;
    readonly matchExpressions?: readonly { key: string; operator: string }[];
  };
  readonly podTargetLabels?: readonly string[];
  readonly podMetricsEndpoints: readonly { readonly port: string; readonly path: string }[];
}

const gateway = storedGateway({ cos: { embedded: {} }, replicas: 2 });
const cosdService = { metadata: { name: 'inbox-cosd' }, spec: { clusterIP: '10.96.0.9' } };
const made = objectsOf(planFor({ gateway, cosdService }));

/** Pods of the gateway, by the name of their StatefulSet. */
const gatewayPods = new Map(
  made.filter(({ kind }) => kind === 'StatefulSet').map((set) => [set.metadata.name, podOf(set)]),
);

function podOf(statefulSet: KubernetesObject): Pod {
  return (statefulSet['spec'] as { template: Pod }).template;
}

/** Number of the port that the pod calls so. */
function portOf({ spec }: Pod, wanted: string): number | undefined {
  const ports = spec.containers.flatMap((container) => container.ports ?? []);
  return ports.find(({ name }) => name === wanted)?.containerPort;
}

function scrapeOf({ metadata }: Pod): string {
  const { annotations = {} } = metadata;
  const value = (word: string) => annotations[`prometheus.io/${word}`];
  return `${value('scrape')} ${value('port')} ${value('path')}`;
}

function selects({ selector }: Monitor, { metadata: { labels } }: Pod): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  assert.ok(matchExpressions.every(({ operator }) => operator === 'Exists'));
  return (
    Object.entries(matchLabels).every(([name, value]) => labels[name] === value) &&
    matchExpressions.every(({ key }) => Object.hasOwn(labels, key))
  );
}

test('annotations of gateway pods lead to their metrics, and those of the embedded COS to none', () => {
  const [cosd, ...shards] = [...gatewayPods].map(([name, pod]) => {
    return `${name} ${scrapeOf(pod)} ${portOf(pod, 'admin')}`;
  });
  assert.equal(cosd, 'inbox-cosd undefined undefined undefined undefined');
  assert.deepEqual(shards, [
    'inbox-shard-0 true 9121 /metrics 9121',
    'inbox-shard-1 true 9121 /metrics 9121',
  ]);
});

describe('the chart', { skip: needsHelm }, () => {
  const monitorsOf = (manifests: readonly Manifest[]) =>
    manifests.filter(({ kind }) => kind === 'PodMonitor').map(({ spec }) => spec as Monitor);
  const render = (values: object = {}) =>
    renderChart({ 'metrics.podMonitor': 'always', ...values });
  const operatorPodOf = (manifests: readonly Manifest[]) =>
    operatorPod(manifests) as unknown as Pod;

  test("annotates the operator's pod with the port it serves metrics on", () => {
    const manifests = render();
    const pod = operatorPodOf(manifests);
    const parsed = parseArguments(operatorPod(manifests).spec.containers[0]?.args ?? [], {});
    assert.equal(scrapeOf(pod), 'true 8080 /metrics');
    assert.equal(portOf(pod, 'metrics'), 8080);
    assert.equal(parsed.kind === 'run' && parsed.options.metricsPort, 8080);
    const without = render({ 'metrics.annotations': false });
    assert.equal(scrapeOf(operatorPodOf(without)), 'undefined undefined undefined');
  });

  test('monitors the operator by one PodMonitor and every shard by another, on ports they have', () => {
    const manifests = render();
    const pods = new Map([['operator', operatorPodOf(manifests)], ...gatewayPods]);
    const found = monitorsOf(manifests).map((monitor) => {
      const [endpoint] = monitor.podMetricsEndpoints;
      const chosen = [...pods].filter(([, pod]) => selects(monitor, pod));
      return chosen.map(([name, pod]) => {
        return `${name} ${portOf(pod, endpoint?.port ?? '')} ${endpoint?.path}`;
      });
    });
    assert.deepEqual(found, [
      ['operator 8080 /metrics'],
      ['inbox-shard-0 9121 /metrics', 'inbox-shard-1 9121 /metrics'],
    ]);
  });

  test('monitors shards where the operator makes them, with gateway and shard as labels', () => {
    const [, everywhere] = monitorsOf(render());
    assert.deepEqual(everywhere?.namespaceSelector, { any: true });
    const [, somewhere] = monitorsOf(render({ watchNamespaces: ['first', 'second'] }));
    assert.deepEqual(somewhere?.namespaceSelector, { matchNames: ['first', 'second'] });
    const labels = gatewayPods.get('inbox-shard-0')?.metadata.labels ?? {};
    for (const label of everywhere?.podTargetLabels ?? []) assert.ok(labels[label], label);
    assert.equal(everywhere?.podTargetLabels?.length, 2);
  });
});
