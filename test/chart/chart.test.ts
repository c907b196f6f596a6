/** The operator's chart as Helm renders it. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { parseArguments } from '#operator/arguments.ts';
import {
  chartFolder,
  type Manifest,
  needsHelm,
  operatorPod,
  parseManifests,
  renderChart,
  runHelm,
  theOnly,
  type Values,
  valueArgs,
} from '#test/support/helm.ts';

/** Sets of values that have to pass `helm lint --strict` and to render. */
const valueSets: Readonly<Record<string, Values>> = {
  'the defaults': {},
  'two namespaces': { watchNamespaces: ['first', 'second'] },
  'nothing for the cluster': {
    watchNamespaces: ['first'],
    'crds.install': false,
    'rbac.extendUserRoles': false,
  },
  'a registry of their own': {
    'image.repository': 'registry.example.com:5000/team/operator',
    'image.tag': '1.2.3-rc.1',
    'gatewayImage.repository': 'registry.example.com:5000/team/gateway',
    allowedRepositories: ['registry.example.com/other/gateway'],
    imagePullSecrets: [{ name: 'registry' }],
  },
  'everything about the pod': {
    replicas: 2,
    resources: { requests: { cpu: '1' } },
    podAnnotations: { 'example.com/a': 'b' },
    podLabels: { 'example.com/a': 'b' },
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    tolerations: [{ operator: 'Exists' }],
    affinity: { nodeAffinity: {} },
    topologySpreadConstraints: [
      { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' },
    ],
    priorityClassName: 'system-cluster-critical',
    logLevel: 'debug',
  },
  monitors: { 'metrics.podMonitor': 'always', 'metrics.podMonitorLabels': { release: 'p' } },
  'a ServiceAccount that exists': {
    'serviceAccount.create': false,
    'serviceAccount.name': 'mine',
    'rbac.create': false,
  },
};

/** Values that values.schema.json has to refuse, and a word of the refusal. */
const refusedValues: readonly (readonly [string, Values, RegExp])[] = [
  ['a misspelt word', { watchNamespace: ['a'] }, /watchNamespace/],
  ['a misspelt word inside', { 'crds.instal': false }, /instal/],
  ['a tag that is a number', { 'image.tag': 1.2 }, /image.tag|image\/tag/],
  ['a repository with a tag', { 'gatewayImage.repository': 'gateway:1' }, /repository/],
  ['an allowed repository with a digest', { allowedRepositories: ['a@sha256:00'] }, /allowedRepo/],
  ['a namespace that cannot be', { watchNamespaces: ['A_b'] }, /watchNamespaces/],
  ['one namespace as text', { watchNamespaces: 'a' }, /watchNamespaces/],
  ['less than no replica', { replicas: -1 }, /replicas/],
  ['a pull policy in small letters', { 'image.pullPolicy': 'always' }, /pullPolicy/],
  ['an unknown log level', { logLevel: 'trace' }, /logLevel/],
];

const clusterWide = ['ClusterRole', 'ClusterRoleBinding', 'CustomResourceDefinition'];

function kindsAndNames(manifests: readonly Manifest[], kinds: readonly string[]): string[] {
  return manifests
    .filter(({ kind }) => kinds.includes(kind))
    .map(({ kind, metadata: { name, namespace } }) =>
      [kind, namespace, name].filter(Boolean).join(' '),
    )
    .toSorted();
}

function operatorOptions(manifests: readonly Manifest[]) {
  const parsed = parseArguments(operatorPod(manifests).spec.containers[0]?.args ?? [], {});
  assert.equal(parsed.kind, 'run', JSON.stringify(parsed));
  return parsed.kind === 'run' ? parsed.options : assert.fail();
}

test('the chart has the version of the package', async () => {
  const chart = parse(await readFile(`${chartFolder}/Chart.yaml`, 'utf8')) as Record<
    string,
    string
  >;
  const packageFile = new URL('../../package.json', import.meta.url);
  const { version } = JSON.parse(await readFile(packageFile, 'utf8')) as { version: string };
  assert.equal(chart['version'], version);
  assert.equal(chart['appVersion'], version);
});

describe('the chart', { skip: needsHelm }, () => {
  for (const [name, values] of Object.entries(valueSets)) {
    test(`passes helm lint --strict and renders with ${name}`, () => {
      const { isOk, stdout } = runHelm('lint', '--strict', chartFolder, ...valueArgs(values));
      assert.ok(isOk, stdout);
      assert.notEqual(operatorOptions(renderChart(values)).gatewayImage, '');
    });
  }

  for (const [name, values, word] of refusedValues) {
    test(`refuses ${name}`, () => {
      assert.throws(() => renderChart(values), word);
    });
  }

  test('gives the operator what the values say', () => {
    const options = operatorOptions(
      renderChart({
        ...valueSets['a registry of their own'],
        'gatewayImage.tag': '7',
        'gatewayImage.pullPolicy': 'Always',
        watchNamespaces: ['first', 'second'],
        logLevel: 'warn',
      }),
    );
    assert.equal(options.gatewayImage, 'registry.example.com:5000/team/gateway:7');
    assert.equal(options.gatewayImagePullPolicy, 'Always');
    assert.deepEqual(options.allowedRepositories, [
      'registry.example.com:5000/team/gateway',
      'registry.example.com/other/gateway',
    ]);
    assert.deepEqual(options.watchNamespaces, ['first', 'second']);
    assert.equal(options.logLevel, 'warn');
    assert.equal(options.leaderElection, 'on');
    assert.equal(options.leaseNamespace, 'cosftp-system');
  });

  test('serves all namespaces, and allows only the gateway image, when nothing is said', () => {
    const options = operatorOptions(renderChart());
    assert.deepEqual(options.watchNamespaces, []);
    assert.deepEqual(options.allowedRepositories, ['cos-ftp-gateway']);
  });

  test('runs the operator within the restricted profile, root file system read-only', () => {
    const { spec } = operatorPod(renderChart());
    assert.deepEqual(spec.securityContext, {
      runAsNonRoot: true,
      runAsUser: 65532,
      runAsGroup: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    assert.deepEqual(spec.containers[0]?.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  test('gives a Role in each watched namespace and nothing for the cluster', () => {
    const manifests = renderChart(valueSets['nothing for the cluster']);
    assert.deepEqual(kindsAndNames(manifests, clusterWide), []);
    assert.deepEqual(kindsAndNames(manifests, ['Role', 'RoleBinding']), [
      'Role cosftp-system test-cos-ftp-gateway-leader',
      'Role first test-cos-ftp-gateway',
      'RoleBinding cosftp-system test-cos-ftp-gateway-leader',
      'RoleBinding first test-cos-ftp-gateway',
    ]);
  });

  test('binds every role to the ServiceAccount of the pod', () => {
    const manifests = renderChart({ 'serviceAccount.name': 'mine' });
    const bindings = manifests.filter(({ kind }) => kind.endsWith('RoleBinding'));
    assert.equal(bindings.length, 2);
    for (const binding of bindings) {
      assert.deepEqual(binding['subjects'], [
        { kind: 'ServiceAccount', name: 'mine', namespace: 'cosftp-system' },
      ]);
    }
    assert.equal(operatorPod(manifests).spec['serviceAccountName'], 'mine');
  });

  test('keeps the custom resource when the release goes, and leaves it out on demand', () => {
    const { metadata } = theOnly('CustomResourceDefinition', renderChart());
    assert.equal(metadata.name, 'ftpgateways.cosftp.io');
    assert.equal(metadata.annotations?.['helm.sh/resource-policy'], 'keep');
    const without = renderChart({ 'crds.install': false });
    assert.deepEqual(kindsAndNames(without, ['CustomResourceDefinition']), []);
  });

  test('makes PodMonitors where the cluster knows them', () => {
    const count = (values: Values, ...args: string[]) =>
      renderChart(values, ...args).filter(({ kind }) => kind === 'PodMonitor').length;
    const knowing = ['--api-versions', 'monitoring.coreos.com/v1/PodMonitor'];
    assert.equal(count({}), 0);
    assert.equal(count({}, ...knowing), 2);
    assert.equal(count({ 'metrics.podMonitor': 'always' }), 2);
    assert.equal(count({ 'metrics.podMonitor': 'never' }, ...knowing), 0);
  });

  test('contains no FtpGateway: its definition is not there yet when Helm would send it', () => {
    assert.deepEqual(kindsAndNames(renderChart(), ['FtpGateway']), []);
  });

  test('ends its installation with commands for a gateway that can be pasted', () => {
    const install = ['install', 'test', chartFolder, '-n', 'cosftp-system', '--dry-run=client'];
    const { stdout } = runHelm(...install);
    const [, pasted = ''] = /^kubectl -n ftp apply -f - <<'END'\n(.*?)^END$/ms.exec(stdout) ?? [];
    assert.equal(theOnly('FtpGateway', parseManifests(pasted)).metadata.name, 'demo');
    const inNamespace = runHelm(...install, ...valueArgs({ watchNamespaces: ['inbox'] })).stdout;
    assert.match(inNamespace, /^kubectl -n inbox apply/m);
    assert.doesNotMatch(inNamespace, /create namespace/);
  });
});
