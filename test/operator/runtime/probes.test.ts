import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createOperatorMetrics } from '#operator/runtime/metrics.ts';
import { startProbes } from '#operator/runtime/probes.ts';

const podKind = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };

async function setUp() {
  const problems = { health: [] as string[], readiness: ['Pods are not listed yet'] };
  const metrics = createOperatorMetrics({
    version: '1.2.3',
    kinds: [podKind],
    process: 'with',
    sources: {
      queueDepth: () => 3,
      queueWorking: () => 2,
      queueDelayed: () => 1,
      isLeader: () => true,
      watchSilenceMs: () => new Map([['Pod', 1_500]]),
      cachedObjects: () => new Map([['Pod', 4]]),
    },
  });
  const probes = await startProbes({
    host: '127.0.0.1',
    probePort: 0,
    metricsPort: 0,
    health: () => problems.health,
    readiness: () => problems.readiness,
    metrics,
  });
  return {
    problems,
    metrics,
    probe: (path: string, init: RequestInit = {}) =>
      fetch(`http://127.0.0.1:${probes.probePort}${path}`, init),
    scrape: (path = '/metrics') => fetch(`http://127.0.0.1:${probes.metricsPort}${path}`),
    [Symbol.asyncDispose]: () => probes[Symbol.asyncDispose](),
  };
}

describe('the probes', () => {
  test('say in words what is wrong', async () => {
    await using world = await setUp();
    const ready = await world.probe('/readyz');
    assert.equal(ready.status, 503);
    assert.equal(await ready.text(), 'Pods are not listed yet\n');
    world.problems.readiness.length = 0;
    assert.equal((await world.probe('/readyz?verbose')).status, 200);
    assert.equal((await world.probe('/healthz')).status, 200);
    world.problems.health.push('stuck');
    assert.equal((await world.probe('/livez')).status, 503);
  });

  test('answer nothing but GET of what there is', async () => {
    await using world = await setUp();
    assert.equal((await world.probe('/metrics')).status, 404);
    assert.equal((await world.scrape('/')).status, 404);
    assert.equal((await world.probe('/healthz', { method: 'POST' })).status, 405);
  });

  test('serve the metrics, with all label sets from the start', async () => {
    await using world = await setUp();
    world.metrics.reconciled('error', 0.05);
    world.metrics.watchRestarted(podKind);
    world.metrics.addGauge('gateways', 'Gateways', 'ready', () => new Map([['true', 5]]));
    const answer = await world.scrape();
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain/);
    const text = await answer.text();
    for (const line of [
      'cosftp_operator_reconciles_total{result="success"} 0',
      'cosftp_operator_reconciles_total{result="error"} 1',
      'cosftp_operator_reconcile_duration_seconds_bucket{le="0.1"} 1',
      'cosftp_operator_watch_restarts_total{kind="Pod"} 1',
      'cosftp_operator_watch_silence_seconds{kind="Pod"} 1.5',
      'cosftp_operator_cached_objects{kind="Pod"} 4',
      'cosftp_operator_queue_depth 3',
      'cosftp_operator_leader 1',
      'cosftp_operator_build_info{version="1.2.3"} 1',
      'cosftp_operator_gateways{ready="true"} 5',
    ]) {
      assert.ok(text.includes(`${line}\n`), line);
    }
    assert.match(text, /^process_resident_memory_bytes /m);
    const misnamed = text.match(/^# TYPE \S+_total gauge$/gm);
    assert.equal(misnamed, null, 'names that end in _total are counters');
  });
});
