/**
 * The example for a real bucket, with a COS inside the cluster in the place of Tencent's: the gateway is
 * told its address as the endpoint and has the key from a Secret, so nothing else differs from production.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import { readJson, requireVariable, root, run } from './cluster.ts';
import { inNamespace, namespace, waitReady } from './gateways.ts';
import type { Login } from './sessions.ts';

/** The names and words of examples/kubernetes/bucket.yaml. */
export const inbox = 'inbox';
export const alice: Login = { user: 'alice', password: 'change-me' };
export const scanner: Login = { user: 'scanner', password: 'change-me-too' };
const keySecret = 'inbox-key';

interface ExampleObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly stringData?: Readonly<Record<string, string>>;
  readonly spec?: { readonly cos: object };
}

export async function applyInbox(): Promise<void> {
  const text = await readFile(`${root}examples/kubernetes/bucket.yaml`, 'utf8');
  const objects = parseAllDocuments(text).map((document) => document.toJS() as ExampleObject);
  const key = objects.find(({ metadata }) => metadata.name === keySecret)?.stringData;
  assert.ok(key?.['secretid'], 'the example has a key');
  for (const object of [...bucketObjects(key['secretid']), ...objects]) {
    if (object.kind !== 'FtpGateway') await apply(object);
  }
  const endpoint = await waitForBucket();
  for (const object of objects.filter(({ kind }) => kind === 'FtpGateway')) {
    const cos = { ...object.spec?.cos, endpoint, protocol: 'http' };
    await apply({ ...object, spec: { ...object.spec, cos } });
  }
  await waitReady(inbox);
}

async function apply(object: object): Promise<void> {
  await run(['kubectl', '-n', namespace, 'apply', '-f', '-'], { input: JSON.stringify(object) });
}

const bucket = 'stand-in-for-cos';
const port = 9000;

function bucketObjects(secretId: string): ExampleObject[] {
  const labels = { app: bucket };
  const args = [
    'cosd',
    '--host=::',
    `--port=${port}`,
    '--data-dir=/data',
    `--secretid=${secretId}`,
  ];
  const container = {
    name: 'cosd',
    image: requireVariable('GATEWAY_IMAGE'),
    args,
    env: [
      {
        name: 'COSD_SECRET_KEY',
        valueFrom: { secretKeyRef: { name: keySecret, key: 'secretkey' } },
      },
    ],
    readinessProbe: { tcpSocket: { port }, periodSeconds: 1 },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    volumeMounts: [{ name: 'data', mountPath: '/data' }],
  };
  const pod = {
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [container],
    volumes: [{ name: 'data', emptyDir: {} }],
  };
  const metadata = { name: bucket, labels };
  const service = { selector: labels, ports: [{ port }] };
  return [
    { apiVersion: 'v1', kind: 'Pod', metadata, spec: pod },
    { apiVersion: 'v1', kind: 'Service', metadata, spec: service },
  ] as unknown as ExampleObject[];
}

/** @returns its `address:port`: a name would become a virtual host. */
async function waitForBucket(): Promise<string> {
  await inNamespace('wait', `pod/${bucket}`, '--for=condition=Ready', '--timeout=60s');
  const words = ['-n', namespace, 'get', 'service', bucket];
  const { spec } = await readJson<{ spec: { clusterIP: string } }>(...words);
  return `${spec.clusterIP}:${port}`;
}
