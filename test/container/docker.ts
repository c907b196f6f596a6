/** The docker command, and containers that are gone when the test's scope ends. */
import { spawn } from 'node:child_process';
import { until } from '#test/support/condition.ts';

export interface CommandEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export function command(name: string, args: readonly string[]): Promise<CommandEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(name, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString('utf8');
      resolve({ code, stdout: text(out), stderr: text(errors) });
    });
  });
}

/** @returns standard output, trimmed. @throws with everything printed when it fails. */
export async function docker(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await command('docker', args);
  if (code !== 0) throw new Error(`docker ${args.join(' ')}: ${stdout.slice(-4000)}${stderr}`);
  return stdout.trim();
}

export interface Container extends AsyncDisposable {
  readonly id: string;
  /** Standard output and standard error so far. */
  logs(): Promise<string>;
  /** Until a log line has that message. */
  waitFor(message: string): Promise<void>;
  inspect(format: string): Promise<string>;
  /** From the start of the container to its `listening`, by their own clocks. */
  startupMs(): Promise<number>;
}

/** As a restricted Kubernetes pod runs it, and a person who is careful. */
export const hardening = [
  '--read-only',
  '--cap-drop',
  'ALL',
  '--user',
  '65532',
  '--security-opt',
  'no-new-privileges',
];

/** `docker run -d` with `hardening`. @param args options, image and command. */
export async function runContainer(args: readonly string[]): Promise<Container> {
  const id = await docker('run', '--detach', ...hardening, ...args);
  const logs = async () => {
    const { stdout, stderr } = await command('docker', ['logs', id]);
    return stdout + stderr;
  };
  const lineOf = async (message: string) =>
    (await logs()).split('\n').find((line) => line.includes(`"msg":"${message}"`));
  const inspect = (format: string) => docker('inspect', '--format', format, id);
  return {
    id,
    logs,
    inspect,
    async waitFor(message) {
      try {
        await until(message, async () => (await lineOf(message)) !== undefined, 20_000);
      } catch (error) {
        throw new Error(`no "${message}" in: ${await logs()}`, { cause: error });
      }
    },
    async startupMs() {
      const { time } = JSON.parse((await lineOf('listening')) ?? '{}') as { time: string };
      return Date.parse(time) - Date.parse(await inspect('{{.State.StartedAt}}'));
    },
    [Symbol.asyncDispose]: async () => void (await docker('rm', '--force', '--volumes', id)),
  };
}
