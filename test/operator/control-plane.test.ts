/**
 * The operator as a process against a real API server with its controllers; this test plays kubelet and
 * cloud. The steps build on each other.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { parse } from 'yaml';
import { shortHash } from '#operator/plan/hash.ts';
import { until } from '#test/support/condition.ts';
import {
  type ControlPlane,
  controlPlaneAbsence,
  startControlPlane,
} from '#test/support/control-plane.ts';
import { startFakeKubelet } from '#test/support/fake-kubelet.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator.ts';
import { grantOperator } from '#test/support/operator-rights.ts';

interface LiveObject {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: { readonly ports: readonly { readonly port: number }[] };
}

interface LiveGateway {
  readonly status?: {
    readonly address?: string;
    readonly conditions?: readonly { type: string; status: string; message: string }[];
  };
}

const namespace = 'ftp';
const gatewaysPath = `/apis/cosftp.io/v1alpha1/namespaces/${namespace}/ftpgateways`;
const childPaths = {
  serviceaccounts: `/api/v1/namespaces/${namespace}/serviceaccounts`,
  configmaps: `/api/v1/namespaces/${namespace}/configmaps`,
  services: `/api/v1/namespaces/${namespace}/services`,
  statefulsets: `/apis/apps/v1/namespaces/${namespace}/statefulsets`,
  poddisruptionbudgets: `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`,
  networkpolicies: `/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies`,
  pods: `/api/v1/namespaces/${namespace}/pods`,
} as const;
type ChildPath = keyof typeof childPaths;
const ofGateway = '?labelSelector=cosftp.io%2Fgateway';
const waitMs = 30_000;

const gateway = {
  apiVersion: 'cosftp.io/v1alpha1',
  kind: 'FtpGateway',
  metadata: { name: 'files' },
  spec: {
    cos: {
      bucket: 'inbox-1250000000',
      region: 'ap-guangzhou',
      credentialsSecret: { name: 'cos-key' },
    },
    accountsSecret: { name: 'accounts' },
    accounts: [{ user: 'alice', prefix: 'alice/' }],
    passivePorts: { start: 61_000, perShard: 4 },
    drainSeconds: 5,
  },
};

const skip = controlPlaneAbsence();

describe('the operator on a real control plane', { skip }, () => {
  const stack = new AsyncDisposableStack();
  let plane: ControlPlane;
  let operator: OperatorProcess;
  /** With the operator's own rights, no more. */
  let kubeconfig: string;

  const list = async (what: ChildPath) =>
    (await plane.call<{ items: LiveObject[] }>('GET', childPaths[what] + ofGateway)).items;
  const live = () => plane.call<LiveGateway>('GET', `${gatewaysPath}/files`);
  const condition = async (type: string) =>
    (await live()).status?.conditions?.find((one) => one.type === type);
  const patch = (path: string, body: unknown) =>
    plane.call('PATCH', path, body, 'application/merge-patch+json');
  const giveAddress = (ip: string) =>
    patch(`${childPaths.services}/files/status`, {
      status: { loadBalancer: { ingress: [{ ip }] } },
    });
  const addresses = async () =>
    (await list('pods')).map(
      ({ metadata }) => metadata.annotations?.['cosftp.io/masquerade-address'],
    );
  const toldHashes = async () =>
    (await list('pods')).map(({ metadata }) => metadata.annotations?.['cosftp.io/config-hash']);
  /** Every pod was told twice of the present configuration. */
  const isConfigTold = async () => {
    const present = shortHash((await list('configmaps'))[0]?.data?.['gateway.json']);
    return (await toldHashes()).every((hash) => hash === present);
  };
  /** Versions of everything there is: equal means that nobody wrote. */
  const versions = async () => {
    const all = await Promise.all((Object.keys(childPaths) as ChildPath[]).map(list));
    const own = await plane.call<LiveObject>('GET', `${gatewaysPath}/files`);
    return [own, ...all.flat()].map(
      ({ metadata }) => `${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`,
    );
  };
  const start = () =>
    startOperator({
      args: [
        '--gateway-image=example.test/cos-ftp-gateway:1',
        '--metrics-port=0',
        '--probe-port=0',
        '--resync-seconds=1',
        '--lease-namespace=default',
      ],
      env: { KUBECONFIG: kubeconfig },
    });
  const applied = () => operator.lines().filter(({ msg }) => msg === 'object applied').length;

  before(async () => {
    plane = stack.use(await startControlPlane());
    const crd = parse(
      await readFile(new URL('../../crds/cosftp.io_ftpgateways.yaml', import.meta.url), 'utf8'),
    ) as { metadata: { name: string } };
    const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    await plane.call('POST', crds, crd);
    const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    const metadata = { name: namespace, labels: restricted };
    await plane.call('POST', '/api/v1/namespaces', { metadata });
    await until(
      'the resource to be served',
      () =>
        plane.call('GET', gatewaysPath).then(
          () => true,
          () => false,
        ),
      waitMs,
    );
    stack.use(await startFakeKubelet(plane, namespace));
    kubeconfig = await grantOperator(plane, 'default');
    operator = await start();
    stack.defer(() => operator[Symbol.asyncDispose]());
  });

  after(() => stack.disposeAsync());

  test('a gateway gets its children, and is Ready once it has an address', async () => {
    await plane.call('POST', gatewaysPath, gateway);
    for (const what of Object.keys(childPaths) as ChildPath[]) {
      await until(what, async () => (await list(what)).length > 0, waitMs);
    }
    assert.notEqual((await condition('AddressAssigned'))?.status, 'True');
    await giveAddress('203.0.113.7');
    await until(
      'the address in the status',
      async () => {
        return (await live()).status?.address === '203.0.113.7';
      },
      waitMs,
    );
    await until(
      'the address on the pod',
      async () => {
        return (await addresses()).every((address) => address === '203.0.113.7');
      },
      waitMs,
    );
    await until('Ready', async () => (await condition('Ready'))?.status === 'True', waitMs).catch(
      async (cause: unknown) => {
        throw new Error(JSON.stringify((await live()).status), { cause });
      },
    );
  });

  test('a settled gateway is looked at again and again, and nothing is written', async () => {
    await until('the configuration told twice', isConfigTold, waitMs);
    // Two resyncs of one second for what came late, then three in which nothing may happen.
    await pause(2_500);
    const [before, appliedBefore] = [await versions(), applied()];
    await pause(3_500);
    assert.deepEqual(await versions(), before);
    assert.equal(applied(), appliedBefore, 'not even an apply that changes nothing');
  });

  test('a changed address reaches the running pod, which is not restarted', async () => {
    const [pod] = await list('pods');
    await giveAddress('203.0.113.8');
    await until('the new address', async () => (await addresses())[0] === '203.0.113.8', waitMs);
    assert.equal((await list('pods'))[0]?.metadata.uid, pod?.metadata.uid);
    await until('the status', async () => (await live()).status?.address === '203.0.113.8', waitMs);
  });

  test('a new account is told to the running pod, twice, and restarts nothing', async () => {
    const [pod] = await list('pods');
    await until('the present configuration', isConfigTold, waitMs);
    const [before] = await toldHashes();
    const [shard] = await list('statefulsets');
    const accounts = [{ user: 'alice', prefix: 'alice/' }, { user: 'bob' }];
    await patch(`${gatewaysPath}/files`, { spec: { accounts } });
    const isToldOnce = async () => (await toldHashes())[0]?.includes('@') === true;
    await until('the first telling', isToldOnce, waitMs);
    await until('the second one', isConfigTold, waitMs);
    assert.notEqual((await toldHashes())[0], before);
    assert.equal((await list('pods'))[0]?.metadata.uid, pod?.metadata.uid);
    const versionOf = (object?: LiveObject) => object?.metadata.generation;
    assert.equal(versionOf((await list('statefulsets'))[0]), versionOf(shard));
  });

  test('a deleted child comes back, and a port of a stranger goes', async () => {
    await plane.call('DELETE', `${childPaths.configmaps}/files`);
    await until('the ConfigMap', async () => (await list('configmaps')).length === 1, waitMs);
    const stray = [{ op: 'add', path: '/spec/ports/0', value: { name: 'x', port: 8021 } }];
    await plane.call('PATCH', `${childPaths.services}/files`, stray, 'application/json-patch+json');
    await until(
      'the stray port to go',
      async () => {
        const [service] = await list('services');
        return service?.spec.ports.every(({ port }) => port !== 8021) === true;
      },
      waitMs,
    );
  });

  test('pods that are refused are told in Ready with the sentence of the event', async () => {
    const tight = '/api/v1/namespaces/tight';
    const path = gatewaysPath.replace(`/${namespace}/`, '/tight/');
    await plane.call('POST', '/api/v1/namespaces', { metadata: { name: 'tight' } });
    const quota = { metadata: { name: 'none' }, spec: { hard: { pods: '0' } } };
    await plane.call('POST', `${tight}/resourcequotas`, quota);
    await plane.call('POST', path, gateway);
    const ready = async () => {
      const { status } = await plane.call<LiveGateway>('GET', `${path}/files`);
      return status?.conditions?.find(({ type }) => type === 'Ready');
    };
    await until('the sentence', async () => /quota/.test((await ready())?.message ?? ''), waitMs);
    assert.equal((await ready())?.status, 'False');
    await plane.call('DELETE', `${path}/files`);
  });

  test('scaled up and down it follows, through /scale', async () => {
    const shards = async () => (await list('statefulsets')).length;
    await patch(`${gatewaysPath}/files/scale`, { spec: { replicas: 3 } });
    await until('three shards', async () => (await shards()) === 3, waitMs);
    const arrived = async () =>
      (await addresses()).filter((address) => address === '203.0.113.8').length;
    await until('the address on three pods', async () => (await arrived()) === 3, waitMs);
    await until('Ready', async () => (await condition('Ready'))?.status === 'True', waitMs);
    await patch(`${gatewaysPath}/files/scale`, { spec: { replicas: 1 } });
    await until('one shard', async () => (await shards()) === 1, waitMs);
  });

  const noTrouble = () => {
    const isTrouble = ({ level }: Readonly<Record<string, unknown>>) =>
      level === 'error' || level === 'warn';
    const expected = new Set(['stray ports removed from the service']);
    const found = operator.lines().filter(isTrouble);
    assert.deepEqual(
      found.filter(({ msg }) => !expected.has(String(msg))),
      [],
    );
  };

  test('nothing went wrong so far, and no right was missing', noTrouble);

  test('killed and started again it converges, and then writes nothing', async () => {
    await operator.stop('SIGKILL');
    await giveAddress('203.0.113.9');
    operator = await start();
    await until('the address', async () => (await addresses())[0] === '203.0.113.9', waitMs);
    await until('the configuration told twice', isConfigTold, waitMs);
    await pause(2_500);
    const [before, appliedBefore] = [await versions(), applied()];
    await pause(2_500);
    assert.deepEqual(await versions(), before);
    assert.equal(applied(), appliedBefore);
  });

  test('nothing went wrong after it, and no right was missing', noTrouble);

  test('told to stop it ends with 0 and gives the lease back', async () => {
    assert.equal(await operator.stop('SIGTERM'), 0, operator.output());
    const startedMs = performance.now();
    operator = await start();
    assert.ok(performance.now() - startedMs < 10_000, 'the next one need not wait for the lease');
  });

  test('deleting the gateway removes everything it made', async () => {
    await plane.call('DELETE', `${gatewaysPath}/files`);
    for (const what of Object.keys(childPaths) as ChildPath[]) {
      await until(`no ${what}`, async () => (await list(what)).length === 0, waitMs);
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
