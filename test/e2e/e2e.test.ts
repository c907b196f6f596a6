/**
 * The whole product on a real cluster, as its users meet it: helm install, kubectl apply, an FTP client
 * outside. `npm run test:e2e`; test/e2e/cluster.ts says what it needs. The steps build on each other, so
 * the first failure ends the run.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';
import {
  applyManifest,
  helm,
  kubectl,
  outside,
  readJson,
  requireVariable,
  splitImage,
  waitFor,
} from './cluster.ts';

const operatorNamespace = 'cosftp-system';
const namespace = 'ftp';
const sessions = fileURLToPath(new URL('./sessions.py', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));

interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly status: { readonly containerStatuses?: readonly { readonly restartCount: number }[] };
}

interface Gateway {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly address?: string;
    readonly conditions?: readonly { type: string; status: string; message: string }[];
  };
}

interface SessionsResult {
  readonly pasv?: string;
  readonly failed: number;
  readonly errors: readonly string[];
  readonly seconds: number;
}

let example = '';
let name = '';
const user = { name: '', password: '' };

async function runSessions(
  address: string,
  count: number,
  mode: string,
  marker?: string,
): Promise<SessionsResult> {
  const output = await outside(
    [
      'python3',
      sessions,
      address,
      user.name,
      user.password,
      String(count),
      mode,
      ...(marker === undefined ? [] : [marker]),
    ],
    { timeoutMs: 300_000 },
  );
  return JSON.parse(output) as SessionsResult;
}

async function readAddress(): Promise<string | undefined> {
  const gateway = await readJson<Gateway>('get', 'ftpgw', name, '-n', namespace);
  return gateway.status?.address || undefined;
}

async function readShardPods(): Promise<readonly Pod[]> {
  const list = await readJson<{ items: Pod[] }>(
    'get',
    'pods',
    '-n',
    namespace,
    '-l',
    `cosftp.io/gateway=${name},cosftp.io/shard`,
  );
  return list.items;
}

function identities(pods: readonly Pod[]): string[] {
  return pods
    .map(({ metadata, status }) => `${metadata.uid} ${status.containerStatuses?.[0]?.restartCount}`)
    .toSorted();
}

async function waitReady(timeout = '120s'): Promise<void> {
  await kubectl(
    'wait',
    '-n',
    namespace,
    `ftpgw/${name}`,
    '--for=condition=Ready',
    `--timeout=${timeout}`,
  );
}

describe('on a cluster', () => {
  before(async () => {
    example = await readFile(`${root}examples/kubernetes/embedded.yaml`, 'utf8');
    name = /kind: FtpGateway\nmetadata:\n\s+name: (\S+)/.exec(example)?.[1] ?? '';
    user.name = /- user: (\S+)/.exec(example)?.[1] ?? '';
    user.password = new RegExp(`stringData:.*\\n\\s+${user.name}: (\\S+)`).exec(example)?.[1] ?? '';
    assert.ok(
      name && user.name && user.password,
      'the example names a gateway, a user and a password',
    );
  });

  after(async () => {
    if (process.env['E2E_KEEP']) return;
    await kubectl('delete', 'namespace', namespace, '--ignore-not-found', '--timeout=120s');
    await helm('uninstall', 'cosftp', '-n', operatorNamespace, '--ignore-not-found');
  });

  test('helm install brings a running operator', async () => {
    const operator = splitImage(requireVariable('OPERATOR_IMAGE'));
    const gateway = splitImage(requireVariable('GATEWAY_IMAGE'));
    await helm(
      'install',
      'cosftp',
      `${root}charts/cos-ftp-gateway`,
      '-n',
      operatorNamespace,
      '--create-namespace',
      '--set',
      `image.repository=${operator.repository},image.tag=${operator.tag}`,
      '--set',
      `gatewayImage.repository=${gateway.repository},gatewayImage.tag=${gateway.tag}`,
      '--wait',
      '--timeout',
      '120s',
    );
  });

  test('the embedded example becomes Ready in a restricted namespace, and shows its address', async (context) => {
    const startedMs = performance.now();
    await kubectl('create', 'namespace', namespace);
    await kubectl('label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted');
    await applyManifest(example, '-n', namespace);
    await waitReady();
    context.diagnostic(`apply to Ready: ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
    const table = await kubectl('get', 'ftpgw', '-n', namespace);
    assert.match(table, /\d+\.\d+\.\d+\.\d+/);
  });

  test('curl from outside uploads and reads back through the address, passive mode, defaults', async () => {
    const address = await waitFor('an address', readAddress);
    const url = `ftp://${user.name}:${user.password}@${address}/hello.txt`;
    await outside(['curl', '-sS', '--fail', '-T', '-', url], { input: 'hello from outside' });
    assert.equal(await outside(['curl', '-sS', '--fail', url]), 'hello from outside');
  });

  test('a changed address is in the next 227 within 5 s; a running upload completes; no pod restarts', async (context) => {
    const address = await waitFor('an address', readAddress);
    const pods = identities(await readShardPods());
    await using directory = await temporaryDirectory();
    const marker = join(directory.path, 'running');
    const upload = runSessions(address, 1, 'slow', marker);
    await waitFor('the upload to run', async () => existsSync(marker) || undefined);
    const moved = '198.51.100.77';
    const startedMs = performance.now();
    const services = await readJson<{
      items: { metadata: { name: string }; spec: { type: string } }[];
    }>('get', 'services', '-n', namespace, '-l', `cosftp.io/gateway=${name}`);
    const service = services.items.find(({ spec }) => spec.type === 'LoadBalancer');
    assert.ok(service);
    await kubectl(
      'annotate',
      'service',
      service.metadata.name,
      '-n',
      namespace,
      '--overwrite',
      `ftpgw.test/lb-address=${moved}`,
    );
    await waitFor(
      'the new address in status',
      async () => ((await readAddress()) === moved ? moved : undefined),
      20_000,
    );
    const expected = moved.replaceAll('.', ',');
    await waitFor(
      'the new address in 227',
      async () => {
        const { pasv = '' } = await runSessions(moved, 1, 'once');
        return pasv.includes(expected) ? pasv : undefined;
      },
      20_000,
    );
    const seconds = (performance.now() - startedMs) / 1000;
    context.diagnostic(`address change to 227: ${seconds.toFixed(1)} s`);
    assert.deepEqual((await upload).errors, []);
    assert.deepEqual(identities(await readShardPods()), pods, 'no pod was restarted');
  });

  test('three replicas: 200 sessions list, store and read, every data connection finds its pod', async (context) => {
    await kubectl('scale', 'ftpgw', name, '-n', namespace, '--replicas=3');
    await waitFor(
      'three shards',
      async () => ((await readShardPods()).length === 3 ? true : undefined),
      120_000,
    );
    await waitReady();
    const address = await waitFor('an address', readAddress);
    const result = await runSessions(address, 200, 'probe');
    context.diagnostic(`200 sessions in ${result.seconds} s`);
    assert.deepEqual(result.errors, []);
    assert.equal(result.failed, 0);
  });

  test('back to one replica under 20 running uploads: none fails', async () => {
    const address = await waitFor('an address', readAddress);
    await using directory = await temporaryDirectory();
    const marker = join(directory.path, 'running');
    const uploads = runSessions(address, 20, 'slow', marker);
    await waitFor('the uploads to run', async () => existsSync(marker) || undefined);
    await kubectl('scale', 'ftpgw', name, '-n', namespace, '--replicas=1');
    assert.deepEqual((await uploads).errors, []);
    await waitFor(
      'one shard',
      async () => ((await readShardPods()).length === 1 ? true : undefined),
      180_000,
    );
    await waitReady();
  });

  test('a deleted child comes back', async () => {
    await kubectl('delete', 'networkpolicy', '-n', namespace, '-l', `cosftp.io/gateway=${name}`);
    await waitFor('the NetworkPolicy', async () => {
      const list = await readJson<{ items: unknown[] }>(
        'get',
        'networkpolicies',
        '-n',
        namespace,
        '-l',
        `cosftp.io/gateway=${name}`,
      );
      return list.items.length > 0 ? true : undefined;
    });
  });

  test('a bad spec is refused by the API server with a sentence', async () => {
    await assert.rejects(
      kubectl(
        'patch',
        'ftpgw',
        name,
        '-n',
        namespace,
        '--type=merge',
        '-p',
        '{"spec":{"passivePorts":{"start":80}}}',
      ),
      /passivePorts/,
    );
  });

  test('deleting the resource removes everything it made', async () => {
    await kubectl('delete', 'ftpgw', name, '-n', namespace, '--timeout=120s');
    await waitFor(
      'all children to go',
      async () => {
        const list = await readJson<{ items: unknown[] }>(
          'get',
          'statefulsets,services,configmaps,poddisruptionbudgets,networkpolicies,serviceaccounts',
          '-n',
          namespace,
          '-l',
          `cosftp.io/gateway=${name}`,
        );
        return list.items.length === 0 ? true : undefined;
      },
      120_000,
    );
  });
});
