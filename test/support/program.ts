/**
 * The program as users start it: `bin/cos-ftp-gateway.mjs` in a process of its own, with its log read
 * line by line.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { until } from './condition.ts';

const entry = fileURLToPath(new URL('../../bin/cos-ftp-gateway.mjs', import.meta.url));

export interface ProgramOptions {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A command in front, which ends by executing what follows it. */
  readonly under?: readonly string[];
}

export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Program extends AsyncDisposable {
  readonly process: ChildProcess;
  /** Everything on standard output and standard error so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** The fields of the `listening` line. */
  readonly listening: Readonly<Record<string, unknown>>;
  /** Resident size, in bytes (Linux only, as the two below). */
  rssBytes(): number;
  /** Highest resident size since the start, or since `forgetPeak`. */
  peakRssBytes(): number;
  forgetPeak(): void;
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<ProgramEnd>;
}

/** For a machine with much other work; a program that ends instead is noticed at once. */
const startDeadlineMs = 120_000;

/** Starts it and waits until it says `listening`. @throws with its output when it ends instead. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const run = spawnProgram(options);
  await until(
    'the program to listen',
    () => run.findLine('listening') !== undefined || run.end() !== undefined,
    startDeadlineMs,
  );
  const listening = run.findLine('listening');
  if (!listening) throw new Error(`the program ended: ${run.stdout()}${run.stderr()}`);
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (!run.end()) {
      run.child.kill(signal);
      await once(run.child, 'close');
    }
    return run.end() ?? { code: null, signal: null };
  };
  return {
    process: run.child,
    get stdout() {
      return run.stdout();
    },
    get stderr() {
      return run.stderr();
    },
    listening,
    rssBytes: () => statusBytes(run.child.pid ?? 0, 'VmRSS'),
    peakRssBytes: () => statusBytes(run.child.pid ?? 0, 'VmHWM'),
    // proc(5): 5 sets the peak back to the present size.
    forgetPeak: () => writeFileSync(`/proc/${run.child.pid ?? 0}/clear_refs`, '5'),
    stop,
    [Symbol.asyncDispose]: async () => void (await stop('SIGKILL')),
  };
}

/** Runs it to its end. */
export async function runProgram(
  options: ProgramOptions & { readonly input?: string },
): Promise<ProgramEnd & { stdout: string; stderr: string }> {
  const run = spawnProgram(options);
  run.child.stdin?.end(options.input ?? '');
  await once(run.child, 'close');
  const end = run.end() ?? { code: null, signal: null };
  return { ...end, stdout: run.stdout(), stderr: run.stderr() };
}

function spawnProgram({ args, env, cwd, under = [] }: ProgramOptions) {
  const line = [...under, process.execPath, '--max-semi-space-size=4', entry, ...args];
  const [file = process.execPath, ...rest] = line;
  const child = spawn(file, rest, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    ...(cwd !== undefined && { cwd }),
  });
  const out: Buffer[] = [];
  const errors: Buffer[] = [];
  let end: ProgramEnd | undefined;
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  child.on('close', (code, signal) => {
    end = { code, signal };
  });
  const stdout = () => Buffer.concat(out).toString('utf8');
  return {
    child,
    stdout,
    stderr: () => Buffer.concat(errors).toString('utf8'),
    end: () => end,
    findLine: (message: string) => findLine(stdout(), message),
  };
}

/** The fields of the first complete log line with that message. */
function findLine(text: string, message: string): Record<string, unknown> | undefined {
  for (const line of text.split('\n').slice(0, -1)) {
    if (!line.startsWith('{')) continue;
    const fields = JSON.parse(line) as Record<string, unknown>;
    if (fields['msg'] === message) return fields;
  }
  return undefined;
}

function statusBytes(pid: number, name: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) * 1024;
}
