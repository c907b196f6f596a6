/**
 * The operator while its API server is silent, killed or cut off, on a real control plane: it converges
 * when that is over, and then writes nothing. The steps build on each other.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '#test/support/condition.ts';
import { controlPlaneAbsence } from '#test/support/control-plane.ts';
import { LiveGateway } from '#test/support/live-gateway.ts';
import type { OperatorProcess } from '#test/support/operator.ts';
import { type OperatorPlane, startOperatorPlane } from '#test/support/operator-plane.ts';
import { assertQuiet } from '#test/support/operator-quiet.ts';

const waitMs = 40_000;
const restartsName = 'cosftp_operator_watch_restarts_total';

describe('an operator whose API server', { skip: controlPlaneAbsence() }, () => {
  const stack = new AsyncDisposableStack();
  let cluster: OperatorPlane;
  let operator: OperatorProcess;
  let gateway: LiveGateway;

  before(async () => {
    cluster = stack.use(await startOperatorPlane());
    await cluster.addNamespace('ftp');
    gateway = new LiveGateway(cluster.plane, 'ftp');
    operator = await cluster.startOperator();
    stack.defer(() => operator[Symbol.asyncDispose]());
    await gateway.create({ replicas: 2 });
    await until('the Service', async () => (await gateway.list('services')).length === 1, waitMs);
    await gateway.giveAddress('203.0.113.7');
    await until('two shards', () => gateway.isSettled(2, '203.0.113.7'), waitMs);
  });

  after(() => stack.disposeAsync());

  /** Next log line of the kind that tells of work. */
  const untilWorking = async (msg: string) => {
    const known = operator.lines().length;
    const isThere = () =>
      operator
        .lines()
        .slice(known)
        .some((line) => line['msg'] === msg);
    await until(msg, isThere, waitMs);
  };

  /** How often each kind's watch was begun anew so far; the smallest of all kinds. */
  const restartsMin = async () => {
    const metrics = Object.entries(await operator.metrics());
    const restarts = metrics.filter(([name]) => name.startsWith(restartsName));
    assert.ok(restarts.length > 0, restartsName);
    return Math.min(...restarts.map(([, value]) => value));
  };
  const untilRestarted = async (what: string, times: number) => {
    const known = await restartsMin();
    await until(what, async () => (await restartsMin()) >= known + times, waitMs);
  };

  /**
   * Who cannot renew the lease for 10 s ends with 1, because another one may lead by then. The test starts
   * it again, as its Deployment would.
   */
  const untilSettled = (replicas: number, address: string) =>
    until(
      `${replicas} shards at ${address}`,
      async () => {
        if (operator.process.exitCode === 1) operator = await cluster.startOperator();
        return gateway.isSettled(replicas, address);
      },
      waitMs,
    );

  test('is cut off again and again misses nothing', async () => {
    const stop = new AbortController();
    const cutting = (async () => {
      while (!stop.signal.aborted) {
        cluster.relay.cut();
        await pause(300);
      }
    })();
    await gateway.scale(3);
    await gateway.giveAddress('203.0.113.8');
    // Changes that come while nothing can be heard of them.
    cluster.relay.refuse();
    await cluster.plane.call('DELETE', gateway.pathOf('networkpolicies', 'files'));
    await untilRestarted('every watch to fail', 1);
    cluster.relay.allow();
    await untilRestarted('every watch to be cut off once more', 1);
    stop.abort();
    await cutting;
    await untilSettled(3, '203.0.113.8');
    assert.equal(operator.process.exitCode, null, 'cuts are no reason to end');
    assert.deepEqual(await gateway.names('networkpolicies'), ['files']);
  });

  test('is silent in the middle of a change goes on with it', async () => {
    const { apiServer } = cluster.plane;
    const working = untilWorking('object removed');
    await gateway.scale(2);
    await working;
    apiServer.signal('SIGSTOP');
    await pause(4_000);
    apiServer.signal('SIGCONT');
    await untilSettled(2, '203.0.113.8');
  });

  test('is killed in the middle of a change and comes back goes on with it', async () => {
    const { apiServer } = cluster.plane;
    const working = untilWorking('pod annotated');
    await gateway.giveAddress('203.0.113.9');
    await working;
    await apiServer.kill();
    await apiServer.start();
    await untilSettled(2, '203.0.113.9');
  });

  test('is back writes nothing more', async () => {
    await assertQuiet({ gateway, operator, durationMs: 15_000 });
    assert.equal(await operator.stop(), 0);
  });
});
