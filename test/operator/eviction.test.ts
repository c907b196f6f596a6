/**
 * Pods of shards that somebody else ends, on a real control plane with its disruption controller: the
 * eviction API, a node drain of two shards, and `kubectl delete pod`. The test's kubelet lets pods drain
 * for as long as it likes. The steps build on each other.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { until } from '#test/support/condition.ts';
import { controlPlaneAbsence } from '#test/support/control-plane.ts';
import type { FakeKubelet } from '#test/support/fake-kubelet.ts';
import { LiveGateway } from '#test/support/live-gateway.ts';
import { type OperatorPlane, startOperatorPlane } from '#test/support/operator-plane.ts';

const waitMs = 30_000;

describe('shards whose pods are ended by others', { skip: controlPlaneAbsence() }, () => {
  const stack = new AsyncDisposableStack();
  let cluster: OperatorPlane;
  let kubelet: FakeKubelet;
  let gateway: LiveGateway;

  /** @throws the API server's refusal, 429 while the disruption budget allows none. */
  const evict = async (pod: string) => {
    const metadata = { name: pod, namespace: 'ftp' };
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata };
    await cluster.plane.call('POST', `${gateway.pathOf('pods', pod)}/eviction`, eviction);
  };
  const untilEvicted = (pod: string) =>
    until(
      `the eviction of ${pod}`,
      () =>
        evict(pod).then(
          () => true,
          (error: Error) => {
            if (!/429/.test(error.message)) throw error;
            return false;
          },
        ),
      waitMs,
    );
  /** `0 Ready, 1 Draining`: slice and phase. */
  const phases = async () => {
    const { shards = [] } = await gateway.status();
    return shards.map(({ name, phase }) => `${name.replace(/^.*-/, '')} ${phase}`).join(', ');
  };
  const untilPhases = (wished: string) =>
    until(wished, async () => (await phases()) === wished, waitMs).catch(async (cause: unknown) => {
      throw new Error(await phases(), { cause });
    });

  before(async () => {
    cluster = stack.use(await startOperatorPlane());
    kubelet = await cluster.addNamespace('ftp');
    kubelet.mayEnd = () => false;
    gateway = new LiveGateway(cluster.plane, 'ftp');
    stack.use(await cluster.startOperator());
    await gateway.create();
    await until('the Service', async () => (await gateway.list('services')).length === 1, waitMs);
    await gateway.giveAddress('203.0.113.7');
    await until('Ready', () => gateway.isReady(), waitMs);
  });

  after(() => stack.disposeAsync());

  test('an evicted only shard is replaced while it drains, and is Ready again', async () => {
    await evict('files-shard-0-0');
    await untilPhases('0 Draining, 1 Ready');
    assert.equal(await gateway.isReady(), true);
    assert.deepEqual(await gateway.names('statefulsets'), ['files-shard-1']);
    assert.equal((await gateway.list('services'))[0]?.spec.ports?.length, 1 + 2 * 4);
  });

  test('its pod does not come back when it has drained', async () => {
    kubelet.mayEnd = (pod) => pod === 'files-shard-0-0';
    await untilPhases('1 Ready');
  });

  test('of two shards on a drained node one is replaced at once, and the budget lets the other follow', async () => {
    kubelet.mayEnd = () => false;
    await gateway.scale(2);
    await untilPhases('0 Ready, 1 Ready');
    await evict('files-shard-0-0');
    await untilPhases('0 Draining, 1 Ready, 2 Ready');
    await untilEvicted('files-shard-1-0');
    // No slice is left: its StatefulSet stays, and brings it back on its own ports.
    await untilPhases('0 Draining, 1 Draining, 2 Ready');
    assert.deepEqual(await gateway.names('statefulsets'), ['files-shard-1', 'files-shard-2']);
    assert.match((await gateway.condition('Ready'))?.message ?? '', /1 of 2 shards are ready/);
    kubelet.mayEnd = (pod) => pod === 'files-shard-0-0';
    await untilPhases('0 Ready, 1 Draining, 2 Ready');
    kubelet.mayEnd = () => true;
    await untilPhases('0 Ready, 2 Ready');
  });

  test('a deleted pod is replaced in the same way', async () => {
    kubelet.mayEnd = () => false;
    await cluster.plane.call('DELETE', gateway.pathOf('pods', 'files-shard-2-0'));
    await untilPhases('0 Ready, 1 Ready, 2 Draining');
    kubelet.mayEnd = () => true;
    await untilPhases('0 Ready, 1 Ready');
  });
});
