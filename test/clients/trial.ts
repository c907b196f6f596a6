/**
 * One client in one mode, in a process of its own, whose group holds the server and every program the
 * client starts: whoever kills the group has cleaned up. Tells its parent in lines of JSON.
 *
 *   node test/clients/trial.ts CLIENT MODE SERVER DIRECTORY [ROW…]
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClientKind, type FtpClient, type Mode, NotApplicable } from './client.ts';
import { clients } from './clients.ts';
import type { RowResult } from './result.ts';
import type { Row } from './row.ts';
import { notBuiltYet, rows } from './rows.ts';
import type { Server } from './servers/server.ts';
import { servers } from './servers.ts';

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
  readonly #isGateway: boolean;
  #said = '';

  constructor(options: {
    kind: ClientKind;
    server: Server;
    directory: string;
    isGateway: boolean;
  }) {
    this.#kind = options.kind;
    this.#server = options.server;
    this.#directory = options.directory;
    this.#isGateway = options.isGateway;
    this.#client = options.kind.create({
      login: options.server.login,
      home: join(options.directory, 'home'),
      note: (text) => {
        this.#said += text;
      },
    });
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
      if (this.#isGateway && notBuiltYet.has(row.name)) return { outcome: 'refused', reason };
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
    return this.#kind.notApplicable?.[row.name];
  }
}

async function main([client, mode, serverName = '', directory = '', ...words]: readonly string[]) {
  const kind = clients.find(({ name }) => name === client);
  const start = servers.get(serverName);
  if (!kind || !start) throw new Error(`no client ${client} or server ${serverName}`);
  const chosen = rows.filter(
    ({ name, modes, clients: some }) =>
      (modes?.includes(mode as Mode) ?? true) &&
      (some?.includes(kind.name) ?? true) &&
      (words.length === 0 || words.some((word) => name.includes(word))),
  );
  tell({ planned: chosen.map(({ name }) => name) });
  const serverDirectory = join(directory, 'server');
  await mkdir(serverDirectory);
  await using server = await start({ mode: mode as Mode, directory: serverDirectory });
  const trial = new Trial({ kind, server, directory, isGateway: serverName === 'gateway' });
  for (const row of chosen) {
    tell({ started: row.name });
    tell({ ended: await trial.run(row) });
  }
  await trial.close();
}

await main(process.argv.slice(2));
