/**
 * The chart against a real API server (pods are played, not run): what Helm installs is accepted, the
 * operator's account may do what it needs and nothing more, and uninstalling leaves the definition alone.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { until } from '#test/support/condition.ts';
import {
  type ControlPlane,
  controlPlaneAbsence,
  startControlPlane,
} from '#test/support/control-plane.ts';
import { startFakeKubelet } from '#test/support/fake-kubelet.ts';
import {
  chartFolder,
  needsHelm,
  operatorPod,
  renderChart,
  runHelm,
  type Values,
  valueArgs,
} from '#test/support/helm.ts';
import { startOperator } from '#test/support/operator.ts';

const namespace = 'cosftp-system';
const account = `system:serviceaccount:${namespace}:test-cos-ftp-gateway`;
const manifest = fileURLToPath(new URL('../../deploy/cos-ftp-gateway.yaml', import.meta.url));
const examples = fileURLToPath(new URL('../../examples/kubernetes', import.meta.url));

const absence = needsHelm || controlPlaneAbsence();

describe('the chart on an API server', { skip: absence }, () => {
  const stack = new AsyncDisposableStack();
  let plane: ControlPlane;

  before(async () => {
    plane = stack.use(await startControlPlane());
    for (const name of [namespace, 'first', 'second']) await kubectl('create', 'namespace', name);
    const level = 'pod-security.kubernetes.io/enforce=restricted';
    await kubectl('label', 'namespace', namespace, 'first', level);
    stack.use(await startFakeKubelet(plane, 'first'));
  });

  after(async () => {
    await stack.disposeAsync();
  });

  async function kubectl(...args: readonly string[]): Promise<string> {
    const program = join(process.env['KUBEBUILDER_ASSETS'] ?? '', 'kubectl');
    const options = { timeout: 60_000 };
    const all = ['--kubeconfig', plane.kubeconfig, ...args];
    const { stdout, stderr } = await promisify(execFile)(program, all, options);
    return stdout + stderr;
  }

  function helm(...args: readonly string[]): string {
    const { isOk, stdout, stderr } = runHelm('--kubeconfig', plane.kubeconfig, ...args);
    assert.ok(isOk, stderr);
    return stdout;
  }

  function install(values: Values = {}): void {
    helm('upgrade', '--install', 'test', chartFolder, '-n', namespace, ...valueArgs(values));
  }

  /** The operator as the Deployment starts it, with the rights of its account and nothing else. */
  async function startInstalled(values: Values = {}) {
    const token = await kubectl('create', 'token', 'test-cos-ftp-gateway', '-n', namespace);
    const config = parse(await readFile(plane.kubeconfig, 'utf8')) as {
      users: { user: unknown }[];
    };
    for (const entry of config.users) entry.user = { token: token.trim() };
    const kubeconfig = join(dirname(plane.kubeconfig), 'operator.kubeconfig');
    await writeFile(kubeconfig, stringify(config), { mode: 0o600 });
    const args = operatorPod(renderChart(values)).spec.containers[0]?.args ?? [];
    const ports = ['--metrics-port=0', '--probe-port=0'];
    return startOperator({ args: [...args, ...ports], env: { KUBECONFIG: kubeconfig } });
  }

  async function waitReady(gateway: string): Promise<void> {
    const wait = ['wait', `ftpgw/${gateway}`, '--for=condition=Ready', '--timeout=45s'];
    await kubectl(...wait, '-n', 'first');
  }

  function mayOperator(verb: string, resource: string, where: string): Promise<boolean> {
    return mayUser(account, verb, resource, where);
  }

  async function mayUser(
    user: string,
    verb: string,
    resource: string,
    where: string,
  ): Promise<boolean> {
    const scope = where === '*' ? ['--all-namespaces'] : ['-n', where];
    const question = ['auth', 'can-i', verb, resource, ...scope, '--as', user];
    // Says "no" by its exit code as well.
    const answer = await kubectl(...question).catch((error: { stdout?: string }) => error.stdout);
    return answer?.startsWith('yes') === true;
  }

  test('installs, and the examples are valid resources of the definition', async () => {
    install();
    await kubectl('wait', 'crd/ftpgateways.cosftp.io', '--for=condition=Established');
    for (const file of ['embedded.yaml', 'bucket.yaml']) {
      const path = join(examples, file);
      const answer = await kubectl('apply', '-n', 'first', '--dry-run=server', '-f', path);
      assert.match(answer, /ftpgateway\S* created/);
      assert.doesNotMatch(answer, /Warning/);
    }
  });

  test('lets the operator work everywhere, read no Secret, and lead in its own namespace only', async () => {
    assert.equal(await mayOperator('watch', 'ftpgateways', '*'), true);
    assert.equal(await mayOperator('patch', 'statefulsets', 'second'), true);
    for (const verb of ['get', 'list', 'watch']) {
      assert.equal(await mayOperator(verb, 'secrets', namespace), false, verb);
    }
    assert.equal(await mayOperator('create', 'pods', 'first'), false);
    assert.equal(await mayOperator('create', 'leases', namespace), true);
    assert.equal(await mayOperator('create', 'leases', 'first'), false);
    assert.equal(await mayOperator('update', 'leases/test-cos-ftp-gateway', namespace), true);
    assert.equal(await mayOperator('update', 'leases/another', namespace), false);
    assert.equal(await mayOperator('get', 'leases', namespace), false);
  });

  test('gives the operator all it needs to bring the embedded example up', async () => {
    await using operator = await startInstalled();
    await kubectl('apply', '-n', 'first', '-f', join(examples, 'embedded.yaml'));
    const service = '/api/v1/namespaces/first/services/demo';
    await until(
      'the Service',
      () =>
        plane.call('GET', service).then(
          () => true,
          () => false,
        ),
      20_000,
    );
    const status = { loadBalancer: { ingress: [{ ip: '198.51.100.1' }] } };
    await plane.call('PATCH', `${service}/status`, { status }, 'application/merge-patch+json');
    try {
      await waitReady('demo');
    } catch (cause) {
      const seen = await kubectl('get', 'ftpgw', '-n', 'first', '-o', 'yaml');
      throw new Error(`${seen}${operator.output()}`, { cause });
    }
    assert.doesNotMatch(operator.output(), /forbidden/i);
    assert.equal(await operator.stop(), 0);
  });

  test('lets users with edit write gateways, and users with view only see them', async () => {
    for (const role of ['edit', 'view']) {
      const binding = ['rolebinding', role, `--clusterrole=${role}`, `--user=${role}`];
      await kubectl('create', '-n', 'second', ...binding);
    }
    const may = (user: string, verb: string) => mayUser(user, verb, 'ftpgateways', 'second');
    // The built-in roles take the rules in by and by.
    await until('edit to be extended', () => may('edit', 'create'), 10_000);
    await until('view to be extended', () => may('view', 'list'), 10_000);
    assert.equal(await may('edit', 'get'), true);
    assert.equal(await may('view', 'create'), false);
  });

  test('makes an operator of one namespace out of one of all, with all it needs there', async () => {
    install({ watchNamespaces: ['first'] });
    assert.equal(await mayOperator('watch', 'ftpgateways', '*'), false);
    assert.equal(await mayOperator('watch', 'ftpgateways', 'first'), true);
    assert.equal(await mayOperator('watch', 'ftpgateways', 'second'), false);
    await using operator = await startInstalled({ watchNamespaces: ['first'] });
    await kubectl('scale', 'ftpgw/demo', '-n', 'first', '--replicas=2');
    const shards = ['get', 'statefulsets', '-n', 'first', '-l', 'cosftp.io/shard', '-o', 'name'];
    const countShards = async () => (await kubectl(...shards)).trim().split('\n').length;
    await until('a second shard', async () => (await countShards()) === 2, 30_000);
    assert.doesNotMatch(operator.output(), /forbidden/i);
  });

  test('keeps the definition when uninstalled, and takes it back when installed again', async () => {
    helm('uninstall', 'test', '-n', namespace);
    assert.match(await kubectl('get', 'crd', 'ftpgateways.cosftp.io'), /ftpgateways/);
    install();
    assert.match(await kubectl('get', 'deployment', '-n', namespace), /test-cos-ftp-gateway/);
  });

  test('is accepted as the plain manifest too, without a warning', async () => {
    helm('uninstall', 'test', '-n', namespace);
    await kubectl('delete', 'crd', 'ftpgateways.cosftp.io');
    await kubectl('delete', 'namespace', namespace);
    const answer = await kubectl('apply', '--server-side', '-f', manifest);
    assert.doesNotMatch(answer, /Warning/);
    const objects = (await readFile(manifest, 'utf8')).split(/^---$/m).length;
    assert.equal(answer.match(/serverside-applied/g)?.length, objects);
  });
});
