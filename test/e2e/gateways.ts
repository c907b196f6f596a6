/**
 * FtpGateways of the suite's namespace and what belongs to them, seen through kubectl. Reads and waits;
 * changes nothing but what `scale` and `patchGateway` say.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { kubectl, readJson, waitFor, waitUntil } from './cluster.ts';

export const namespace = 'ftp';

export const childKinds = [
  'configmaps',
  'services',
  'networkpolicies',
  'poddisruptionbudgets',
  'serviceaccounts',
  'statefulsets',
] as const;

export interface ListedObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly deletionTimestamp?: string;
  };
}

export interface Pod extends ListedObject {
  readonly spec: {
    readonly nodeName: string;
    readonly containers: readonly { readonly image: string }[];
  };
  readonly status: {
    readonly podIP?: string;
    readonly containerStatuses?: readonly { readonly restartCount: number }[];
  };
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly message: string;
}

interface Gateway {
  readonly status?: { readonly address?: string; readonly conditions?: readonly Condition[] };
}

/** kubectl in the suite's namespace. */
export function inNamespace(...args: readonly string[]): Promise<string> {
  return kubectl('-n', namespace, ...args);
}

async function readItems<T>(...args: readonly string[]): Promise<T[]> {
  return (await readJson<{ items: T[] }>('-n', namespace, ...args)).items;
}

export async function readAddress(gateway: string): Promise<string | undefined> {
  const { status } = await readJson<Gateway>('-n', namespace, 'get', 'ftpgw', gateway);
  return status?.address || undefined;
}

export function waitAddress(gateway: string): Promise<string> {
  return waitFor('an address', () => readAddress(gateway));
}

export async function readCondition(gateway: string, type: string): Promise<Condition | undefined> {
  const { status } = await readJson<Gateway>('-n', namespace, 'get', 'ftpgw', gateway);
  return status?.conditions?.find((condition) => condition.type === type);
}

export async function waitReady(gateway: string, timeout = '120s'): Promise<void> {
  await inNamespace('wait', `ftpgw/${gateway}`, '--for=condition=Ready', `--timeout=${timeout}`);
}

export async function readChildren(kinds: string, gateway: string): Promise<ListedObject[]> {
  const selector = `cosftp.io/gateway=${gateway}`;
  return readItems<ListedObject>('get', kinds, '-l', selector);
}

/** Also those that drain. */
export async function readShardPods(gateway: string): Promise<readonly Pod[]> {
  const selector = `cosftp.io/gateway=${gateway},cosftp.io/shard`;
  return readItems<Pod>('get', 'pods', '-l', selector);
}

/** Equal as long as no pod was replaced and no container restarted. */
export async function readIdentities(gateway: string): Promise<string[]> {
  const pods = await readShardPods(gateway);
  return pods
    .map(({ metadata, status }) => `${metadata.uid} ${status.containerStatuses?.[0]?.restartCount}`)
    .toSorted();
}

export async function scale(gateway: string, replicas: number): Promise<void> {
  await inNamespace('scale', 'ftpgw', gateway, `--replicas=${replicas}`);
}

export function patchGateway(gateway: string, spec: object): Promise<string> {
  const patch = JSON.stringify({ spec });
  return inNamespace('patch', 'ftpgw', gateway, '--type=merge', '-p', patch);
}

/** So many shards, none of them draining, and Ready. */
export async function waitShards(
  gateway: string,
  replicas: number,
  deadlineMs = 180_000,
): Promise<void> {
  const isSo = async () => {
    const pods = await readShardPods(gateway);
    const isStaying = pods.every(({ metadata }) => metadata.deletionTimestamp === undefined);
    return pods.length === replicas && isStaying;
  };
  await waitUntil(`${replicas} shards`, isSo, deadlineMs);
  await waitReady(gateway);
}

/** The test bed's load balancer moves a Service to the address that this annotation asks for. */
export async function moveAddress(gateway: string, address: string): Promise<void> {
  const annotation = `ftpgw.test/lb-address=${address}`;
  await inNamespace('annotate', 'service', gateway, '--overwrite', annotation);
}

/**
 * Until nothing of a gateway was written for 15 s: neither the resource, nor a child, nor a pod.
 * @throws when that does not come.
 */
export async function waitQuiet(gateway: string): Promise<void> {
  const kinds = [...childKinds, 'pods'].join(',');
  const read = async () => {
    const resource = await readJson<ListedObject>('-n', namespace, 'get', 'ftpgw', gateway);
    const objects = [resource, ...(await readChildren(kinds, gateway))];
    return objects.map(({ kind, metadata }) => {
      return `${kind} ${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`;
    });
  };
  let before: string[] = [];
  let after: string[] = [];
  const isQuiet = async () => {
    before = await read();
    await pause(15_000);
    after = await read();
    return isDeepStrictEqual(before, after);
  };
  try {
    await waitUntil('15 s without a write', isQuiet, 90_000);
  } catch (error) {
    const changed = after.filter((line) => !before.includes(line));
    throw new Error(`still writes: ${changed.join(', ')}`, { cause: error });
  }
}
