/** A server that is a program of its own, from its start until it accepts connections. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { until } from '#test/support/condition.ts';

const startTimeoutMs = 10_000;

export interface Daemon extends AsyncDisposable {
  /** What it printed since the last call. */
  newOutput(): string;
}

/** @throws with its output when it ends instead. */
export async function startDaemon(
  program: string,
  args: readonly string[],
  options: { readonly port: number; readonly env?: Readonly<Record<string, string>> },
): Promise<Daemon> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  let output = '';
  let shownChars = 0;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text: Buffer) => {
      output += text.toString('utf8');
    });
  }
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  await until(
    `${program} to listen`,
    async () => isOver() || (await accepts(options.port)),
    startTimeoutMs,
  );
  if (isOver()) throw new Error(`${program} ended: ${output}`);
  return {
    newOutput() {
      const text = output.slice(shownChars);
      shownChars += text.length;
      return text;
    },
    [Symbol.asyncDispose]: () => stop(child),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'close');
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false; // refused: not yet
  } finally {
    socket.destroy();
  }
}
