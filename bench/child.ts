/**
 * A process the benchmark measures: started fresh for each figure, watched through /proc (Linux only), and
 * gone before the next one starts.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface ChildOptions {
  /** A script Node runs as it is, and its arguments. */
  readonly args: readonly string[];
  readonly nodeFlags?: readonly string[];
  /** Where its standard output goes. Default: nowhere. */
  readonly outputFile?: string;
  /** A memory cgroup it is put into before it starts: its `cgroup.procs` file. */
  readonly cgroupFile?: string;
}

export class Child implements AsyncDisposable {
  readonly process: ChildProcess;
  #hasEnded = false;

  constructor({ args, nodeFlags = [], outputFile, cgroupFile }: ChildOptions) {
    const command = [process.execPath, ...nodeFlags, ...args];
    const enter = cgroupFile === undefined ? '' : `echo $$ > ${cgroupFile} && `;
    const output = outputFile === undefined ? 'ignore' : openSync(outputFile, 'w');
    this.process = spawn('/bin/sh', ['-c', `${enter}exec "$@"`, 'sh', ...command], {
      stdio: ['ignore', output, 'inherit', 'ipc'],
    });
    if (typeof output === 'number') closeSync(output);
    this.process.once('exit', () => {
      this.#hasEnded = true;
    });
  }

  /** The next message the process sends. @throws when it ends instead. */
  async message<Message>(): Promise<Message> {
    const ended = once(this.process, 'exit').then(([code, signal]) => {
      throw new Error(`the process ended instead: ${signal ?? code}`);
    });
    const [message] = await Promise.race([once(this.process, 'message'), ended]);
    return message as Message;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** On the processor so far, all threads: proc(5), schedstat. */
  cpuSeconds(): number {
    const tasks = `/proc/${this.pid}/task`;
    const nanoseconds = readdirSync(tasks).map((task) =>
      Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]),
    );
    return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e9;
  }

  rssBytes(): number {
    return this.#status('VmRSS');
  }

  peakRssBytes(): number {
    return this.#status('VmHWM');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#hasEnded) return;
    const ended = once(this.process, 'exit');
    // In order, so that a CPU profile is written; the hard way when that takes too long.
    this.process.kill('SIGINT');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), 15_000);
    await ended;
    clearTimeout(timer);
  }

  #status(name: string): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
  }
}

/** For `args`: a TypeScript file of this folder. */
export function scriptArgs(file: string, ...rest: readonly string[]): readonly string[] {
  const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  return [pathOf('with-cache.mjs'), pathOf(file), ...rest];
}
