/**
 * One client in one mode, in a process of its own, whose group holds the server and every program the
 * client starts: whoever kills the group has cleaned up. Tells its parent in lines of JSON.
 * Its one argument is a TrialRequest.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClientKind, cannot, type FtpClient, NotApplicable } from './client.ts';
import { clients } from './clients.ts';
import type { GroupOptions } from './group.ts';
import type { RowResult } from './result.ts';
import type { Row } from './row.ts';
import { rows } from './rows.ts';
import type { Server } from './servers/server.ts';
import { servers } from './servers.ts';

export interface TrialRequest extends GroupOptions {
  /** Empty, and removed by the parent. */
  readonly directory: string;
}

/** What the parent reads. */
export type TrialLine =
  | { readonly planned: readonly string[] }
  | { readonly started: string }
  | { readonly ended: RowResult };

function tell(line: TrialLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

class Trial {
  readonly #server: Server;
  readonly #kind: ClientKind;
  readonly #directory: string;
  readonly #client: FtpClient;
  #said = '';

  constructor(options: { kind: ClientKind; server: Server; directory: string }) {
    this.#kind = options.kind;
    this.#server = options.server;
    this.#directory = options.directory;
    const client = options.kind.create({
      login: options.server.login,
      home: join(options.directory, 'home'),
      note: (text) => {
        this.#said += text;
      },
    });
    const lacks = Object.entries(options.server.lacks ?? {});
    const lacking = lacks.map(([action, reason]) => [action, cannot(reason)] as const);
    this.#client = { ...client, ...Object.fromEntries(lacking) };
  }

  async run(row: Row): Promise<RowResult> {
    const reason = this.#whyNot(row);
    if (reason !== undefined) {
      return { row: row.name, outcome: 'not applicable', reason, seconds: 0 };
    }
    const startMs = performance.now();
    this.#said = '';
    this.#server.newLog();
    const result = await this.#tried(row);
    return { row: row.name, ...result, seconds: (performance.now() - startMs) / 1000 };
  }

  async close(): Promise<void> {
    await this.#client.close?.();
  }

  async #tried(row: Row): Promise<Pick<RowResult, 'outcome' | 'reason' | 'output'>> {
    const remote = `/${row.name}`;
    const local = join(this.#directory, row.name);
    try {
      await mkdir(join(this.#directory, 'home'), { recursive: true });
      await mkdir(local);
      await this.#server.store.makeDirectory(remote);
      await row.run({ remote, local, server: this.#server, client: this.#client });
      return { outcome: 'passed' };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const output = `${this.#said}\n-- server --\n${this.#server.newLog()}`;
      return { outcome: 'failed', reason, output };
    } finally {
      await rm(local, { recursive: true, force: true });
      await rm(join(this.#directory, 'home'), { recursive: true, force: true });
      await this.#server.store.removeTree(remote);
    }
  }

  #whyNot(row: Row): string | undefined {
    for (const action of row.uses) {
      const found = this.#client[action];
      if (found instanceof NotApplicable) return found.reason;
    }
    return this.#kind.whyNot?.(row.name, this.#server.login.mode);
  }
}

async function main(request: TrialRequest): Promise<void> {
  const { mode, directory, programs, words } = request;
  const kind = clients.find(({ name }) => name === request.client);
  const serverKind = servers.get(request.server);
  if (!kind || !serverKind) throw new Error(`no ${request.client} or no ${request.server}`);
  const chosen = rows.filter(
    ({ name, modes, clients: some }) =>
      (modes?.includes(mode) ?? true) &&
      (some?.includes(kind.name) ?? true) &&
      (words.length === 0 || words.some((word) => name.includes(word))),
  );
  tell({ planned: chosen.map(({ name }) => name) });
  const serverDirectory = join(directory, 'server');
  await mkdir(serverDirectory);
  await using server = await serverKind.start({ mode, directory: serverDirectory, programs });
  const trial = new Trial({ kind, server, directory });
  for (const row of chosen) {
    tell({ started: row.name });
    tell({ ended: await trial.run(row) });
  }
  await trial.close();
}

await main(JSON.parse(process.argv[2] ?? '{}') as TrialRequest);
