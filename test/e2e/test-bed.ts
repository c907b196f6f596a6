/**
 * What only a cluster allows that was made to be thrown away: killing processes, ending the API server,
 * cutting connections, looking into the nodes' connection tables. Needs root, and from .ci/cluster-suite
 *   E2E_CLUSTER_DIRECTORY  the cluster's files: pid/, log/
 *   E2E_NODE               words put before a node's number and a command to run it there
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { kubectl, run, waitUntil } from './cluster.ts';
import type { Pod } from './gateways.ts';

const directory = process.env['E2E_CLUSTER_DIRECTORY'] ?? '';
const nodePrefix = (process.env['E2E_NODE'] ?? '').split(' ').filter(Boolean);

/** For a step's `skip`. */
export const testBedAbsence: string | false =
  directory && nodePrefix.length > 0 ? false : 'needs the cluster of .ci/cluster-suite';

function onNode(node: string, ...command: readonly string[]): Promise<string> {
  return run([...nodePrefix, node.replace(/^n/, ''), ...command]);
}

/** SIGKILL to the node process of a pod. */
export function killProcessOf(pod: Pod): void {
  const found = readdirSync('/proc').filter((entry) => {
    return (
      /^\d+$/.test(entry) &&
      readProcess(entry, 'cgroup').includes(`pod${pod.metadata.uid}`) &&
      readProcess(entry, 'cmdline').includes('main.ts')
    );
  });
  assert.equal(found.length, 1, `processes of ${pod.metadata.name}: ${found.join(' ')}`);
  process.kill(Number(found[0]), 'SIGKILL');
}

/** Empty for a process that ended meanwhile. */
function readProcess(pid: string, file: 'cgroup' | 'cmdline' | 'status'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** Kills the API server, leaves it away for so long, and starts it with the same words again. */
export async function restartApiServer(awayMs: number): Promise<void> {
  const file = join(directory, 'pid/kube-apiserver');
  const pid = readFileSync(file, 'utf8').trim();
  const [program = '', ...args] = readProcess(pid, 'cmdline').split('\0').slice(0, -1);
  assert.match(program, /kube-apiserver$/);
  process.kill(Number(pid), 'SIGKILL');
  // A zombie is gone as well: whoever has to reap it may take his time.
  const isGone = async () => /^$|^State:\s+Z/m.test(readProcess(pid, 'status'));
  await waitUntil('the API server to end', isGone);
  await pause(awayMs);
  const log = openSync(join(directory, 'log/kube-apiserver'), 'a');
  const child = spawn(program, args, { detached: true, stdio: ['ignore', log, log] });
  child.unref();
  writeFileSync(file, `${child.pid}\n`);
  await waitUntil('the API server to be ready', async () => {
    return (await kubectl('get', '--raw', '/readyz')) === 'ok';
  });
}

/** Answers every packet between a pod and the API server with a reset, until disposed. */
export async function cutFromApiServer(pod: Pod): Promise<AsyncDisposable> {
  const { nodeName } = pod.spec;
  const { podIP } = pod.status;
  const table = 'ip e2e-cut';
  const rules = [
    `add table ${table}`,
    `add chain ${table} forward { type filter hook forward priority -10; }`,
    `add rule ${table} forward ip saddr ${podIP} tcp dport 6443 reject with tcp reset`,
    `add rule ${table} forward ip daddr ${podIP} tcp sport 6443 reject with tcp reset`,
  ];
  await onNode(nodeName, 'nft', rules.join('; '));
  return {
    [Symbol.asyncDispose]: async () =>
      void (await onNode(nodeName, 'nft', `delete table ${table}`)),
  };
}

/** The nodes' tables of connections to an address: `node` → lines of conntrack. */
export async function readConnections(
  nodes: readonly string[],
  address: string,
): Promise<ReadonlyMap<string, string>> {
  const command = ['conntrack', '-L', '-p', 'tcp', '--orig-dst', address];
  const read = nodes.map(async (node) => [node, await onNode(node, ...command)] as const);
  return new Map(await Promise.all(read));
}
