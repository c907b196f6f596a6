/** Runs one program to its end and gives its output; a failure carries what it wrote to stderr. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface CommandOptions {
  readonly input?: string;
  /** Default 120 s. */
  readonly timeoutMs?: number;
}

/** @throws when the program cannot be started, times out or exits with anything but 0. */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? 120_000,
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  const out: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  child.stdin.end(options.input ?? '');
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) {
    const shown = Buffer.concat(errors).toString('utf8').trim();
    throw new Error(`${program} exited with ${code}: ${shown}`);
  }
  return Buffer.concat(out).toString('utf8');
}

export async function isProgramInstalled(program: string): Promise<boolean> {
  try {
    await runCommand(program, ['--version']);
    return true;
  } catch {
    return false; // not there, or not runnable: the same to a suite that needs it
  }
}
