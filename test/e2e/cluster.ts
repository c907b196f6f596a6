/**
 * The cluster under test, through the programs people use: kubectl, helm, and a shell somewhere outside.
 * Everything comes from the environment:
 *   KUBECONFIG                    the cluster
 *   GATEWAY_IMAGE, OPERATOR_IMAGE images every node has or can pull, `repository:tag`
 *   NEXT_GATEWAY_IMAGE            what a later release brings: the same repository, another tag; may be left out
 *   E2E_CLIENT                    words put before a command to run it outside the cluster; empty: here
 *   E2E_KEEP                      leaves everything in the cluster at the end
 * Two more, from the throw-away cluster of .ci/cluster-suite, allow what no ordinary one does: test-bed.ts.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

export interface CommandOptions {
  readonly input?: string;
  /** Default 120 s. */
  readonly timeoutMs?: number;
}

/** @throws with its output when the program fails or takes too long. */
export async function run(
  command: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    cwd: root,
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? 120_000,
  });
  const out: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  child.stdin.end(options.input ?? '');
  const [code] = (await once(child, 'close')) as [number | null];
  const stdout = Buffer.concat(out).toString('utf8');
  if (code === 0) return stdout;
  const shown = `${stdout}${Buffer.concat(errors).toString('utf8')}`.trim();
  throw new Error(`${command.join(' ')} ended with ${code}: ${shown}`);
}

export function kubectl(...args: readonly string[]): Promise<string> {
  return run(['kubectl', ...args], { timeoutMs: 200_000 });
}

export function helm(...args: readonly string[]): Promise<string> {
  return run(['helm', ...args], { timeoutMs: 180_000 });
}

export async function readJson<T>(...args: readonly string[]): Promise<T> {
  return JSON.parse(await kubectl(...args, '-o', 'json')) as T;
}

const clientPrefix = (process.env['E2E_CLIENT'] ?? '').split(' ').filter(Boolean);

/** Runs a command where only load balancer addresses can be reached. */
export function outside(command: readonly string[], options: CommandOptions = {}): Promise<string> {
  return run([...clientPrefix, ...command], options);
}

export function requireVariable(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`set ${name} for the cluster suite; see test/e2e/cluster.ts`);
  return value;
}

/** `registry/name:tag` apart. */
export function splitImage(image: string): { repository: string; tag: string } {
  const colon = image.lastIndexOf(':');
  return { repository: image.slice(0, colon), tag: image.slice(colon + 1) };
}

/** Asks again until the answer is not undefined. @throws after `deadlineMs`, naming what was waited for. */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  deadlineMs = 60_000,
): Promise<T> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > endMs) throw new Error(`waited ${deadlineMs} ms in vain for ${what}`);
    await pause(200);
  }
}

/** The same for a condition; a question that fails counts as no. */
export async function waitUntil(
  what: string,
  ask: () => Promise<boolean>,
  deadlineMs = 60_000,
): Promise<void> {
  let reason: unknown;
  const answer = async () => {
    try {
      return (await ask()) || undefined;
    } catch (error) {
      reason = error;
      return undefined;
    }
  };
  try {
    await waitFor(what, answer, deadlineMs);
  } catch (error) {
    throw reason === undefined ? error : new Error(String(error), { cause: reason });
  }
}
