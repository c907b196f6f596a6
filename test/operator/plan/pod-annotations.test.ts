/** What running pods are told, when, and how often: twice for a configuration, once for an address. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { annotations, labels } from '#operator/plan/names.ts';
import type { ObservedPod } from '#operator/plan/observed.ts';
import { podNews, tellAgainMs } from '#operator/plan/pod-annotations.ts';
import { nowMs, observe, podsOf } from '#test/support/operator-observed.ts';

const address = '203.0.113.9';
const { masqueradeAddress, configHash } = annotations;

const choice = { address, reason: 'FromLoadBalancer', message: '', isResolved: false } as const;
const noAddress = { reason: 'Waiting', message: '', isResolved: false } as const;

function podWith(told: Record<string, string>, isDraining?: true): ObservedPod {
  const [pod] = podsOf([{ slice: 0, readyMs: 1, ...(isDraining && { isDraining }) }]);
  assert.ok(pod);
  return { ...pod, metadata: { ...pod.metadata, annotations: told } };
}

function configMap(text: string) {
  return { metadata: { name: 'inbox' }, data: { 'gateway.json': text } };
}

/** What one pod is told about this configuration `laterMs` after now. */
function configNews(told: Record<string, string>, text = 'new', laterMs = 0) {
  const observed = observe({
    pods: [podWith(told)],
    configMap: configMap(text),
    nowMs: nowMs + laterMs,
  });
  const { pods, waitMs } = podNews(observed, noAddress);
  return { told: pods[0]?.annotations[configHash], waitMs };
}

describe('the address', () => {
  const news = (pods: readonly ObservedPod[], { address: known } = choice) =>
    podNews(observe({ pods }), { ...choice, address: known }).pods;

  test('is told to a running shard that was told another one or none', () => {
    const wished = [{ name: 'inbox-shard-0-0', annotations: { [masqueradeAddress]: address } }];
    assert.deepEqual(news([podWith({})]), wished);
    assert.deepEqual(news([podWith({ [masqueradeAddress]: '203.0.113.8' })]), wished);
    assert.deepEqual(news([podWith({ [masqueradeAddress]: address })]), []);
  });

  test('that is gone stays told', () => {
    const pods = [podWith({ [masqueradeAddress]: address })];
    assert.deepEqual(podNews(observe({ pods }), noAddress).pods, []);
  });

  test('is not told to a pod that is ending, which the kubelet would not pass on, nor to the embedded COS', () => {
    const cosd = { metadata: { name: 'inbox-cosd-0', labels: { [labels.component]: 'cosd' } } };
    assert.deepEqual(news([podWith({}, true), cosd]), []);
  });
});

describe('a changed configuration', () => {
  const first = configNews({}).told ?? '';
  const second = configNews({ [configHash]: first }, 'new', tellAgainMs).told ?? '';

  test('is told with the time, to be told again', () => {
    assert.match(first, /^[0-9a-f]{12}@2026-01-02T03:04:05\.000Z$/);
    assert.equal(configNews({}).waitMs, tellAgainMs);
  });

  test('is told the second time 5 s later, and then never again', () => {
    const at = (laterMs: number) => configNews({ [configHash]: first }, 'new', laterMs);
    assert.deepEqual(at(0), { told: undefined, waitMs: 5_000 });
    assert.deepEqual(at(4_999), { told: undefined, waitMs: 1 });
    assert.equal(second, first.split('@')[0]);
    assert.deepEqual(at(5_000), { told: second, waitMs: undefined });
    assert.deepEqual(configNews({ [configHash]: second }), { told: undefined, waitMs: undefined });
  });

  test('is told anew when it changes once more, also in between', () => {
    for (const told of [first, second]) {
      const third = configNews({ [configHash]: told }, 'newer').told;
      assert.match(third ?? '', /@/);
      assert.notEqual(third?.split('@')[0], second);
    }
  });

  test('is not waited with for a time from tomorrow or one that is none', () => {
    const hash = second;
    assert.equal(configNews({ [configHash]: `${hash}@2026-01-03T00:00:00.000Z` }).told, hash);
    assert.equal(configNews({ [configHash]: `${hash}@soon` }).told, hash);
  });

  test('is told in one go with the address', () => {
    const observed = observe({ pods: [podWith({})], configMap: configMap('new') });
    const [pod] = podNews(observed, choice).pods;
    assert.deepEqual(Object.keys(pod?.annotations ?? {}), [masqueradeAddress, configHash]);
  });

  test('is nothing to tell while there is no ConfigMap', () => {
    assert.deepEqual(podNews(observe({ pods: [podWith({})] }), noAddress), { pods: [] });
  });
});
