/**
 * The operator as a process against a real API server with its controllers; this test plays kubelet and
 * cloud. The steps build on each other.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { until } from '#test/support/condition.ts';
import { controlPlaneAbsence } from '#test/support/control-plane.ts';
import { childResources, LiveGateway } from '#test/support/live-gateway.ts';
import type { OperatorProcess } from '#test/support/operator.ts';
import { type OperatorPlane, startOperatorPlane } from '#test/support/operator-plane.ts';
import { looksOf } from '#test/support/operator-quiet.ts';

const waitMs = 30_000;

describe('the operator on a real control plane', { skip: controlPlaneAbsence() }, () => {
  const stack = new AsyncDisposableStack();
  let cluster: OperatorPlane;
  let operator: OperatorProcess;
  let gateway: LiveGateway;

  const start = async () => {
    operator = await cluster.startOperator();
  };
  const applied = () => operator.lines().filter(({ msg }) => msg === 'object applied').length;
  const untilLooked = async (times: number) => {
    const known = await looksOf(operator);
    await until(`${times} looks`, async () => (await looksOf(operator)) >= known + times, waitMs);
  };
  const isTold = async (address: string) =>
    (await gateway.toldAddresses()).every((told) => told === address);

  before(async () => {
    cluster = stack.use(await startOperatorPlane());
    await cluster.addNamespace('ftp');
    gateway = new LiveGateway(cluster.plane, 'ftp');
    await start();
    stack.defer(() => operator[Symbol.asyncDispose]());
  });

  after(() => stack.disposeAsync());

  test('a gateway gets its children, and is Ready once it has an address', async () => {
    await gateway.create();
    for (const what of childResources) {
      await until(what, async () => (await gateway.list(what)).length > 0, waitMs);
    }
    assert.notEqual((await gateway.condition('AddressAssigned'))?.status, 'True');
    await gateway.giveAddress('203.0.113.7');
    const isAssigned = async () => (await gateway.status()).address === '203.0.113.7';
    await until('the address in the status', isAssigned, waitMs);
    await until('the address on the pod', () => isTold('203.0.113.7'), waitMs);
    await until('Ready', () => gateway.isReady(), waitMs).catch(async (cause: unknown) => {
      throw new Error(JSON.stringify(await gateway.status()), { cause });
    });
  });

  test('a settled gateway is looked at again and again, and nothing is written', async () => {
    await until('the configuration told twice', () => gateway.isConfigTold(), waitMs);
    // Two looks for what came late, then three at which nothing may happen.
    await untilLooked(2);
    const [before, appliedBefore] = [await gateway.versions(), applied()];
    await untilLooked(3);
    assert.deepEqual(await gateway.versions(), before);
    assert.equal(applied(), appliedBefore, 'not even an apply that changes nothing');
  });

  test('a changed address reaches the running pod, which is not restarted', async () => {
    const [pod] = await gateway.list('pods');
    await gateway.giveAddress('203.0.113.8');
    await until('the new address', () => isTold('203.0.113.8'), waitMs);
    assert.equal((await gateway.list('pods'))[0]?.metadata.uid, pod?.metadata.uid);
    const isAssigned = async () => (await gateway.status()).address === '203.0.113.8';
    await until('the status', isAssigned, waitMs);
  });

  test('a new account is told to the running pod, twice, and restarts nothing', async () => {
    const [pod] = await gateway.list('pods');
    await until('the present configuration', () => gateway.isConfigTold(), waitMs);
    const [before] = await gateway.toldConfigHashes();
    const [shard] = await gateway.list('statefulsets');
    await gateway.patchSpec({ accounts: [{ user: 'alice', prefix: 'alice/' }, { user: 'bob' }] });
    const isToldOnce = async () => (await gateway.toldConfigHashes())[0]?.includes('@') === true;
    await until('the first telling', isToldOnce, waitMs);
    await until('the second one', () => gateway.isConfigTold(), waitMs);
    assert.notEqual((await gateway.toldConfigHashes())[0], before);
    assert.equal((await gateway.list('pods'))[0]?.metadata.uid, pod?.metadata.uid);
    const [sameShard] = await gateway.list('statefulsets');
    assert.equal(sameShard?.metadata.generation, shard?.metadata.generation);
  });

  test('a deleted child comes back, and a port of a stranger goes', async () => {
    const { plane } = cluster;
    await plane.call('DELETE', gateway.pathOf('configmaps', 'files'));
    const isBack = async () => (await gateway.list('configmaps')).length === 1;
    await until('the ConfigMap', isBack, waitMs);
    const stray = [{ op: 'add', path: '/spec/ports/0', value: { name: 'x', port: 8021 } }];
    const service = gateway.pathOf('services', 'files');
    await plane.call('PATCH', service, stray, 'application/json-patch+json');
    const isGone = async () => {
      const [live] = await gateway.list('services');
      return live?.spec.ports?.every(({ port }) => port !== 8021) === true;
    };
    await until('the stray port to go', isGone, waitMs);
  });

  test('pods that are refused are told in Ready with the sentence of the event', async () => {
    const { plane } = cluster;
    await plane.call('POST', '/api/v1/namespaces', { metadata: { name: 'tight' } });
    const quota = { metadata: { name: 'none' }, spec: { hard: { pods: '0' } } };
    await plane.call('POST', '/api/v1/namespaces/tight/resourcequotas', quota);
    const tight = new LiveGateway(plane, 'tight');
    await tight.create();
    const isSaid = async () => /quota/.test((await tight.condition('Ready'))?.message ?? '');
    await until('the sentence', isSaid, waitMs);
    assert.equal((await tight.condition('Ready'))?.status, 'False');
    await tight.delete();
  });

  test('a refused object is named with the words of the API server, and keeps nothing else back', async () => {
    const { plane } = cluster;
    const quotas = '/api/v1/namespaces/budgets/resourcequotas';
    await cluster.addNamespace('budgets');
    const hard = { 'count/poddisruptionbudgets.policy': '0' };
    await plane.call('POST', quotas, { metadata: { name: 'none' }, spec: { hard } });
    const counted = async () =>
      (await plane.call<{ status: { hard?: object } }>('GET', `${quotas}/none`)).status.hard;
    await until('the quota to hold', async () => (await counted()) !== undefined, waitMs);
    const limited = new LiveGateway(plane, 'budgets');
    await limited.create();
    await until('the Service', async () => (await limited.list('services')).length === 1, waitMs);
    await limited.giveAddress('203.0.113.20');
    const isAddressed = async () => (await limited.toldAddresses())[0] === '203.0.113.20';
    await until('the address on the pod', isAddressed, waitMs);
    // The status is written last.
    const isStatusTold = async () =>
      (await limited.condition('AddressAssigned'))?.status === 'True';
    await until('the status', isStatusTold, waitMs);
    const { status, reason, message } = (await limited.condition('Programmed')) ?? {};
    assert.deepEqual([status, reason], ['False', 'ApplyFailed']);
    assert.match(message ?? '', /^PodDisruptionBudget files: .*exceeded quota: none/);
    await plane.call('DELETE', `${quotas}/none`);
    await until('Ready', () => limited.isReady(), 70_000);
    await limited.delete();
  });

  test('scaled up and down it follows, through /scale', async () => {
    const hasShards = async (count: number) =>
      (await gateway.list('statefulsets')).length === count;
    await gateway.scale(3);
    await until('three shards', () => hasShards(3), waitMs);
    const areTold = async () => (await gateway.list('pods')).length === 3 && isTold('203.0.113.8');
    await until('the address on three pods', areTold, waitMs);
    await until('Ready', () => gateway.isReady(), waitMs);
    await gateway.scale(1);
    await until('one shard', () => hasShards(1), waitMs);
  });

  const noTrouble = () => {
    const isTrouble = ({ level }: Readonly<Record<string, unknown>>) =>
      level === 'error' || level === 'warn';
    const expected = new Set(['stray ports removed from the service', 'refused']);
    const found = operator.lines().filter(isTrouble);
    assert.deepEqual(
      found.filter(({ msg }) => !expected.has(String(msg))),
      [],
    );
  };

  test('nothing went wrong so far, and no right was missing', noTrouble);

  test('told to stop it ends with 0 and gives the lease back', async () => {
    assert.equal(await operator.stop('SIGTERM'), 0, operator.output());
    const startedMs = performance.now();
    await start();
    assert.ok(performance.now() - startedMs < 10_000, 'the next one need not wait for the lease');
  });

  test('deleting the gateway removes everything it made', async () => {
    await gateway.delete();
    for (const what of childResources) {
      await until(`no ${what}`, async () => (await gateway.list(what)).length === 0, waitMs);
    }
  });

  test('a deleted gateway is not looked at any more', async () => {
    const queued = async () => {
      const metrics = await operator.metrics();
      return ['depth', 'working', 'delayed'].map(
        (what) => metrics[`cosftp_operator_queue_${what}`],
      );
    };
    await until('an empty queue', async () => (await queued()).join() === '0,0,0', waitMs);
  });
});
