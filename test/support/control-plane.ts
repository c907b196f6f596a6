/**
 * A real API server for tests: etcd, kube-apiserver and kube-controller-manager from the directory that
 * KUBEBUILDER_ASSETS names, on free ports of 127.0.0.1, with keys made by openssl. Nothing runs pods and
 * no cloud gives addresses: tests play kubelet and cloud.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until } from './condition.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const runFile = promisify(execFile);

const daemons = ['etcd', 'kube-apiserver', 'kube-controller-manager'] as const;

/** Why there can be no control plane here, as a test's `skip`; false when there can be one. */
export function controlPlaneAbsence(env = process.env): string | false {
  const assets = env['KUBEBUILDER_ASSETS'];
  if (!assets) return 'KUBEBUILDER_ASSETS names no directory with etcd and kube-apiserver';
  const missing = daemons.filter((name) => !existsSync(join(assets, name)));
  return missing.length > 0 && `no ${missing.join(', ')} in KUBEBUILDER_ASSETS`;
}

export interface ControlPlane extends AsyncDisposable {
  /** A file for KUBECONFIG with all rights. */
  readonly kubeconfig: string;
  /** One request with all rights. @throws with the API server's words for a status that is no success. */
  readonly call: <T = unknown>(
    method: string,
    path: string,
    body?: unknown,
    type?: string,
  ) => Promise<T>;
  readonly apiServer: ApiServer;
}

/** The kube-apiserver's process; what it stored is in etcd. */
export interface ApiServer {
  readonly port: number;
  /** SIGSTOP and SIGCONT make it silent and let it go on. */
  signal(name: NodeJS.Signals): void;
  /** Kills it. */
  kill(): Promise<void>;
  /** On the same port, after `kill`; takes some seconds. */
  start(): Promise<void>;
}

/** Takes some seconds. @throws with the end of a daemon's log when it does not come up. */
export async function startControlPlane(): Promise<ControlPlane> {
  const assets = process.env['KUBEBUILDER_ASSETS'] ?? '';
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await temporaryDirectory());
  const [etcdPort = 0, peerPort = 0, apiPort = 0] = await freePorts(3);
  const server = `https://127.0.0.1:${apiPort}`;
  await makeKeys(path, server);
  const pki = (name: string) => join(path, 'pki', name);
  const run = async (name: (typeof daemons)[number], args: readonly string[]) => {
    const daemon = await startDaemon(join(assets, name), args, join(path, `${name}.log`));
    stack.defer(() => stopDaemon(daemon));
  };
  await run('etcd', etcdArguments(path, etcdPort, peerPort));
  const apiServer = await startApiServer({
    program: join(assets, 'kube-apiserver'),
    args: apiServerArguments(pki, etcdPort, apiPort),
    path,
    port: apiPort,
  });
  stack.defer(() => apiServer.kill());
  await run('kube-controller-manager', controllerArguments(pki));
  const keys = await readKeys(path);
  const owned = stack.move();
  return {
    kubeconfig: join(path, 'kubeconfig'),
    call: <T>(method: string, target: string, body?: unknown, type?: string) =>
      call(keys, apiPort, { method, path: target, body, type }) as Promise<T>,
    apiServer,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface ApiServerPlace {
  readonly program: string;
  readonly args: readonly string[];
  /** Directory of the control plane. */
  readonly path: string;
  readonly port: number;
}

async function startApiServer({ program, args, path, port }: ApiServerPlace): Promise<ApiServer> {
  const spawnIt = () => startDaemon(program, args, join(path, 'kube-apiserver.log'));
  let daemon = await spawnIt();
  const server: ApiServer = {
    port,
    signal: (name) => void daemon.kill(name),
    kill: () => stopDaemon(daemon),
    async start() {
      daemon = await spawnIt();
      await waitForServer(path, port);
    },
  };
  await waitForServer(path, port).catch(async (error: unknown) => {
    await server.kill();
    throw error;
  });
  return server;
}

function etcdArguments(path: string, port: number, peerPort: number): string[] {
  const client = `http://127.0.0.1:${port}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  return [
    `--data-dir=${join(path, 'etcd')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--log-level=warn',
  ];
}

function apiServerArguments(pki: (name: string) => string, etcdPort: number, port: number) {
  return [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    // 127.0.0.1 may not be an endpoint, so the `kubernetes` Service has none.
    '--endpoint-reconciler-type=none',
    `--secure-port=${port}`,
    `--cert-dir=${pki('')}`,
    `--tls-cert-file=${pki('server.crt')}`,
    `--tls-private-key-file=${pki('server.key')}`,
    `--client-ca-file=${pki('ca.crt')}`,
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${pki('accounts.pub')}`,
    `--service-account-signing-key-file=${pki('accounts.key')}`,
    '--service-cluster-ip-range=10.96.0.0/16',
    '--authorization-mode=RBAC',
    '--shutdown-delay-duration=0s',
  ];
}

/** Without nodes, pods are bound and run by tests: nothing may evict or collect them. */
function controllerArguments(pki: (name: string) => string): string[] {
  const off = ['node-lifecycle', 'pod-garbage-collector', 'taint-eviction', 'node-ipam'];
  return [
    `--kubeconfig=${pki('controllers.kubeconfig')}`,
    '--leader-elect=false',
    '--secure-port=0',
    `--root-ca-file=${pki('ca.crt')}`,
    `--service-account-private-key-file=${pki('accounts.key')}`,
    '--use-service-account-credentials',
    '--kube-api-qps=200',
    '--kube-api-burst=400',
    `--controllers=*,${off.map((name) => `-${name}-controller`).join(',')}`,
  ];
}

/** One authority, and from it the server and the two clients; a key pair for ServiceAccount tokens. */
async function makeKeys(path: string, server: string): Promise<void> {
  const cwd = join(path, 'pki');
  await mkdir(cwd);
  const openssl = (line: string) => runFile('openssl', line.split(' '), { cwd });
  const key = (name: string) => openssl(`ecparam -name prime256v1 -genkey -noout -out ${name}.key`);
  await key('ca');
  await openssl('req -x509 -new -key ca.key -days 2 -subj /CN=test-ca -out ca.crt');
  await key('accounts');
  await openssl('ec -in accounts.key -pubout -out accounts.pub');
  const names = 'IP:127.0.0.1,IP:10.96.0.1,DNS:localhost,DNS:kubernetes.default.svc';
  await writeFile(
    join(cwd, 'extensions'),
    `extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=${names}\n`,
  );
  const subjects = {
    server: '/CN=kube-apiserver',
    admin: '/O=system:masters/CN=admin',
    controllers: '/CN=system:kube-controller-manager',
  };
  for (const [name, subject] of Object.entries(subjects)) {
    await key(name);
    await openssl(`req -new -key ${name}.key -subj ${subject} -out ${name}.csr`);
    await openssl(
      `x509 -req -days 2 -in ${name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out ${name}.crt -extfile extensions`,
    );
  }
  await writeKubeconfig(cwd, 'admin', server, join(path, 'kubeconfig'));
  await writeKubeconfig(cwd, 'controllers', server, join(cwd, 'controllers.kubeconfig'));
}

async function writeKubeconfig(pki: string, user: string, server: string, file: string) {
  const base64 = async (name: string) => (await readFile(join(pki, name))).toString('base64');
  const cluster = { server, 'certificate-authority-data': await base64('ca.crt') };
  const credentials = {
    'client-certificate-data': await base64(`${user}.crt`),
    'client-key-data': await base64(`${user}.key`),
  };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user } }],
    clusters: [{ name: 'test', cluster }],
    users: [{ name: user, user: credentials }],
  };
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
}

async function startDaemon(file: string, args: readonly string[], logFile: string) {
  const log = await open(logFile, 'a');
  const child = spawn(file, args, { stdio: ['ignore', log.fd, log.fd] });
  await log.close();
  return child;
}

/** Nothing is kept, so nobody is asked. */
async function stopDaemon(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

interface Keys {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

async function readKeys(path: string): Promise<Keys> {
  const pki = (name: string) => readFile(join(path, 'pki', name));
  const [ca, cert, key] = await Promise.all([pki('ca.crt'), pki('admin.crt'), pki('admin.key')]);
  return { ca, cert, key };
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  /** Content type of the body. Default application/json. */
  readonly type?: string | undefined;
}

async function call(keys: Keys, port: number, { method, path, body, type }: Call) {
  const headers = { 'content-type': type ?? 'application/json' };
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, method, path, headers, agent: false, ...keys },
      resolve,
    );
    asked.on('error', reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
  const chunks: Buffer[] = [];
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  const code = answer.statusCode ?? 0;
  if (code < 200 || code > 299)
    throw new Error(`${method} ${path}: ${code} ${text.slice(0, 1000)}`);
  return text.startsWith('{') ? JSON.parse(text) : text;
}

async function waitForServer(path: string, port: number): Promise<void> {
  const keys = await readKeys(path);
  const isReady = () =>
    call(keys, port, { method: 'GET', path: '/readyz' }).then(
      () => true,
      () => false,
    );
  try {
    await until('the API server to be ready', isReady, 60_000);
  } catch (error) {
    const log = await readFile(join(path, 'kube-apiserver.log'), 'utf8');
    throw new Error(`the API server did not come up: ${log.slice(-2000)}`, { cause: error });
  }
}

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            resolve(typeof address === 'object' && address !== null ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
