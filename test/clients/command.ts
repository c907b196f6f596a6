/** Runs client programs in the caller's process group, with a deadline, and notes all they say. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

/** No single command of a client takes longer. */
const commandTimeoutMs = 60_000;

export interface CommandOptions {
  /** Sent to standard input; absent: nothing. */
  readonly input?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly note?: (text: string) => void;
}

export interface CommandEnd {
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Rejects when it ends with anything but 0, also by a signal. */
  readonly end: Promise<CommandEnd>;
}

/** @throws when the program cannot be started, takes too long or exits with anything but 0. */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandEnd> {
  const { child, end } = startCommand(program, args, options);
  const stdout = collect(child.stdout);
  child.stdin.on('error', ignore);
  child.stdin.end(options.input ?? '');
  const { stderr } = await end.finally(() => options.note?.(`${stdout()}\n`));
  return { stdout: stdout(), stderr };
}

/** Its standard output is the caller's to read. */
export function startCommand(
  program: string,
  args: readonly string[],
  { cwd, env, note }: CommandOptions = {},
): RunningCommand {
  note?.(`$ ${[program, ...args].join(' ')}\n`);
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: commandTimeoutMs,
    killSignal: 'SIGKILL',
    env: { ...process.env, LC_ALL: 'C.UTF-8', ...env },
    ...(cwd !== undefined && { cwd }),
  });
  const stderr = collect(child.stderr);
  const ended = async (): Promise<CommandEnd> => {
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    note?.(stderr());
    if (code !== 0) throw new Error(`${program} ended with ${code ?? signal}`);
    return { stdout: '', stderr: stderr() };
  };
  const end = ended();
  end.catch(ignore); // whoever interrupts a command may not care how it ended
  return { child, end };
}

function collect(stream: Readable): () => string {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString('utf8');
}

function ignore(): void {}

export async function isProgramInstalled(program: string): Promise<boolean> {
  try {
    await runCommand('sh', ['-c', `command -v ${program}`]);
    return true;
  } catch {
    return false; // `command -v` says nothing but yes and no
  }
}
