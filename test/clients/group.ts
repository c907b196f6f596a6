/** Runs one trial as a process group with a deadline, and turns whatever happens into results. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';
import type { Mode } from './client.ts';
import { type GroupResult, notTried, type RowResult } from './result.ts';
import type { TrialLine, TrialRequest } from './trial.ts';

const script = fileURLToPath(new URL('./trial.ts', import.meta.url));

export interface GroupOptions {
  readonly client: string;
  readonly mode: Mode;
  readonly server: string;
  /** What the server's `prepare` filled. */
  readonly programs: string;
  /** Parts of row names; none: all rows. */
  readonly words: readonly string[];
}

const running = new Set<ChildProcess>();

/** With everything they started: for the end of the whole run. */
export function killGroups(): void {
  for (const child of running) killGroup(child);
}

/** Never rejects: rows that did not come to an end have failed. */
export async function runGroup(options: GroupOptions, deadlineMs: number): Promise<GroupResult> {
  const { client, mode } = options;
  await using directory = await temporaryDirectory();
  // Servers that give up root must reach what is theirs in there.
  await chmod(directory.path, 0o711);
  const request: TrialRequest = { ...options, directory: directory.path };
  const child = spawn(process.execPath, [script, JSON.stringify(request)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  running.add(child);
  const timer = setTimeout(() => killGroup(child), deadlineMs);
  const closed = once(child, 'close') as Promise<[number | null, string | null]>;
  let stderr = '';
  child.stderr.on('data', (text: Buffer) => {
    stderr += text.toString('utf8');
  });
  const told = new Told();
  for await (const line of createInterface({ input: child.stdout })) {
    told.take(JSON.parse(line) as TrialLine);
  }
  const [code] = await closed;
  clearTimeout(timer);
  running.delete(child);
  killGroup(child); // what outlived it
  const end =
    code === null ? `it took longer than ${deadlineMs / 1000} s` : `it ended with ${code}`;
  return { client, mode, rows: told.results(end, stderr) };
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // nobody is left in it
  }
}

class Told {
  #planned: readonly string[] = [];
  #current: string | undefined;
  readonly #ended: RowResult[] = [];

  take(line: TrialLine): void {
    if ('planned' in line) this.#planned = line.planned;
    else if ('started' in line) this.#current = line.started;
    else this.#ended.push(line.ended);
  }

  /** What never ended is a failure; the first of them says why. */
  results(end: string, stderr: string): readonly RowResult[] {
    const done = new Set(this.#ended.map(({ row }) => row));
    const missing = this.#planned.filter((name) => !done.has(name));
    if (this.#planned.length === 0) missing.push('start');
    return [
      ...this.#ended,
      ...missing.map((row): RowResult => {
        const isFirst = row === this.#current || row === missing[0];
        const reason = isFirst ? end : notTried;
        return { row, outcome: 'failed', reason, seconds: 0, ...(isFirst && { output: stderr }) };
      }),
    ];
  }
}
