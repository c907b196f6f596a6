/** The operator as a process of its own, with its log read line by line. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { until } from './condition.ts';

const entry = fileURLToPath(new URL('../../bin/cos-ftp-gateway-operator.mjs', import.meta.url));

export interface OperatorProcess extends AsyncDisposable {
  readonly process: ChildProcess;
  /** Log lines so far. */
  lines(): readonly Readonly<Record<string, unknown>>[];
  /** Everything it wrote: for messages of failing tests. */
  output(): string;
  /** Its /metrics: name with labels → value. */
  metrics(): Promise<Readonly<Record<string, number>>>;
  /**
   * Kills it as soon as it writes such a line, in the middle of what it does then.
   * @returns when it has ended.
   */
  killAt(isLine: (line: Readonly<Record<string, unknown>>) => boolean): Promise<void>;
  /** Sends a signal and waits for the end. @returns the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface OperatorProcessOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs it to its end. */
export async function runOperator(options: OperatorProcessOptions) {
  const run = spawnOperator(options);
  const [code] = (await once(run.child, 'close')) as [number | null];
  return { code, stdout: run.stdout(), stderr: run.stderr() };
}

/** Starts it and waits until it says that it works. @throws with its output when it ends instead. */
export async function startOperator(options: OperatorProcessOptions): Promise<OperatorProcess> {
  const run = spawnOperator(options);
  const lines = () => linesOf(run.stdout());
  const output = () => run.stdout() + run.stderr();
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (run.child.exitCode === null && run.child.signalCode === null) {
      run.child.kill(signal);
      await once(run.child, 'close');
    }
    return run.child.exitCode;
  };
  try {
    await until(
      'the operator to work',
      () => lines().some(({ msg }) => msg === 'working') || run.child.exitCode !== null,
      30_000,
    );
    if (run.child.exitCode !== null) throw new Error('the operator ended');
  } catch (cause) {
    await stop('SIGKILL');
    throw new Error(`the operator did not start: ${output().slice(-4000)}`, { cause });
  }
  return {
    process: run.child,
    lines,
    output,
    metrics: () => readMetrics(lines()),
    async killAt(isLine) {
      const known = lines().length;
      run.child.stdout.on('data', () => {
        if (lines().slice(known).some(isLine)) run.child.kill('SIGKILL');
      });
      await once(run.child, 'close');
    },
    stop,
    [Symbol.asyncDispose]: async () => void (await stop('SIGKILL')),
  };
}

function spawnOperator({ args = [], env = {} }: OperatorProcessOptions) {
  const child = spawn(process.execPath, [entry, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const out: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  return {
    child,
    stdout: () => Buffer.concat(out).toString('utf8'),
    stderr: () => Buffer.concat(errors).toString('utf8'),
  };
}

async function readMetrics(lines: readonly Readonly<Record<string, unknown>>[]) {
  const port = lines.find(({ msg }) => msg === 'started')?.['metricsPort'];
  const answer = await fetch(`http://127.0.0.1:${String(port)}/metrics`);
  const samples = (await answer.text()).matchAll(/^([^#\s]+(?:\{.*\})?) (\S+)$/gm);
  return Object.fromEntries([...samples].map(([, name, value]) => [name, Number(value)]));
}

function linesOf(text: string): Record<string, unknown>[] {
  const complete = text.split('\n').slice(0, -1);
  return complete.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
}
