/**
 * The operator killed in the middle of its work and started again, on a real control plane: it converges
 * from wherever it was, and then writes nothing. The steps build on each other.
 */
import { after, before, describe, test } from 'node:test';
import { until } from '#test/support/condition.ts';
import { controlPlaneAbsence } from '#test/support/control-plane.ts';
import { LiveGateway } from '#test/support/live-gateway.ts';
import type { OperatorProcess } from '#test/support/operator.ts';
import { type OperatorPlane, startOperatorPlane } from '#test/support/operator-plane.ts';
import { assertQuiet } from '#test/support/operator-quiet.ts';

const waitMs = 40_000;

describe('an operator that is killed', { skip: controlPlaneAbsence() }, () => {
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
    await gateway.create();
    await until('the Service', async () => (await gateway.list('services')).length === 1, waitMs);
    await gateway.giveAddress('203.0.113.7');
    await until('one shard', () => gateway.isSettled(1, '203.0.113.7'), waitMs);
  });

  after(() => stack.disposeAsync());

  /** Without election the next one need not wait until the lease of the killed one has run out. */
  const startAgain = async (election: 'on' | 'off') => {
    operator = await cluster.startOperator(`--leader-election=${election}`);
  };

  test('between the first and the second of two new shards makes the second one later', async () => {
    const killed = operator.killAt(
      ({ msg, kind }) => msg === 'object applied' && kind === 'StatefulSet',
    );
    await gateway.scale(3);
    await killed;
    await startAgain('off');
    await until('three shards', () => gateway.isSettled(3, '203.0.113.7'), waitMs);
  });

  test('while a shard goes frees its ports later', async () => {
    const killed = operator.killAt(({ msg }) => msg === 'object removed');
    await gateway.scale(2);
    await killed;
    await startAgain('off');
    await until('two shards', () => gateway.isSettled(2, '203.0.113.7'), waitMs);
  });

  test('between two pods tells the second one the new address later', async () => {
    const killed = operator.killAt(({ msg }) => msg === 'pod annotated');
    await gateway.giveAddress('203.0.113.8');
    await killed;
    // As in a cluster: this one waits until the lease has run out, if the killed ones held it.
    await startAgain('on');
    await until('the new address', () => gateway.isSettled(2, '203.0.113.8'), waitMs);
  });

  test('writes nothing more when it has converged', async () => {
    await assertQuiet({ gateway, operator, durationMs: 15_000 });
  });
});
