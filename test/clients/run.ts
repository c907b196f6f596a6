/**
 * `npm run test:clients`: ten real FTP clients, each in every mode it knows, through every row, against
 * the gateway as users run it. Prints a table and ends with 1 when a row failed or a client is missing.
 *
 *   npm run test:clients -- lftp curl            these clients only
 *   npm run test:clients -- --mode explicit      clear | explicit | implicit
 *   npm run test:clients -- --row name- --row put-empty
 *   npm run test:clients -- --server vsftpd      vsftpd or proftpd through the same rows; needs root
 *   npm run test:clients -- --times              the slowest rows
 */
import { chmod } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';
import { type ClientKind, type Mode, modes, NotApplicable } from './client.ts';
import { clients } from './clients.ts';
import { killGroups, runGroup } from './group.ts';
import {
  countOf,
  failures,
  type GroupResult,
  notApplicable,
  type Skipped,
  table,
} from './result.ts';
import { servers } from './servers.ts';

/** Several times what a client needs for all rows on a busy machine. */
const deadlineMs = 300_000;
/** Clients wait more than they work. */
const groupsAtOnce = 3;

interface Choice {
  readonly kinds: readonly ClientKind[];
  readonly modes: readonly Mode[];
  readonly words: readonly string[];
  readonly server: string;
  readonly showsTimes: boolean;
}

function readArguments(): Choice {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      mode: { type: 'string', multiple: true, default: [...modes] },
      row: { type: 'string', multiple: true, default: [] },
      server: { type: 'string', default: 'gateway' },
      times: { type: 'boolean', default: false },
    },
  });
  const known = new Set(clients.map(({ name }) => name));
  const unknown = positionals.find((name) => !known.has(name));
  if (unknown !== undefined)
    throw new Error(`no client ${unknown}; known: ${[...known].join(' ')}`);
  if (!servers.has(values.server)) throw new Error(`no server ${values.server}`);
  return {
    kinds: clients.filter(({ name }) => positionals.length === 0 || positionals.includes(name)),
    modes: modes.filter((mode) => values.mode.includes(mode)),
    words: values.row,
    server: values.server,
    showsTimes: values.times,
  };
}

async function runAll(choice: Choice): Promise<{ groups: GroupResult[]; skipped: Skipped[] }> {
  const { server, words } = choice;
  await using programs = await temporaryDirectory();
  await chmod(programs.path, 0o755);
  await servers.get(server)?.prepare?.(programs.path);
  const groups: GroupResult[] = [];
  const skipped: Skipped[] = [];
  const waiting: { kind: ClientKind; mode: Mode }[] = [];
  for (const kind of choice.kinds) {
    const isInstalled = await kind.isInstalled();
    for (const mode of choice.modes) {
      const support = kind.modes[mode];
      if (support instanceof NotApplicable) {
        skipped.push({ client: kind.name, mode, reason: support.reason });
      } else if (isInstalled) {
        waiting.push({ kind, mode });
      } else {
        groups.push(missingClient(kind, mode));
      }
    }
  }
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { kind, mode } = next;
      const options = { client: kind.name, mode, server, programs: programs.path, words };
      const group = await runGroup(options, deadlineMs);
      groups.push(group);
      process.stdout.write(`${summaryOf(group)}\n`);
    }
  };
  await Promise.all(Array.from({ length: groupsAtOnce }, work));
  return { groups, skipped };
}

function missingClient({ name, packages }: ClientKind, mode: Mode): GroupResult {
  const reason = `not installed: apt-get install ${packages.join(' ')}`;
  return { client: name, mode, rows: [{ row: 'start', outcome: 'failed', reason, seconds: 0 }] };
}

function summaryOf(group: GroupResult): string {
  const failed = countOf([group], 'failed');
  const passed = countOf([group], 'passed');
  const seconds = group.rows.reduce((sum, row) => sum + row.seconds, 0).toFixed(1);
  return `${failed === 0 ? '✔' : '✖'} ${group.client}, ${group.mode}: ${passed} passed, ${failed} failed, ${seconds} s`;
}

function show(choice: Choice, groups: readonly GroupResult[], skipped: readonly Skipped[]): void {
  const say = (text = '') => process.stdout.write(`${text}\n`);
  for (const failure of failures(groups)) say(`\n${failure}`);
  say('\nDoes not apply:');
  for (const line of notApplicable(groups, skipped)) say(`  ${line}`);
  if (choice.showsTimes) {
    say('\nSlowest rows:');
    for (const line of slowestRows(groups)) say(`  ${line}`);
  }
  say(
    `\n${table(
      groups,
      choice.kinds.map(({ name }) => name),
    )}`,
  );
  say(`\n${countOf(groups, 'passed')} passed, ${countOf(groups, 'failed')} failed`);
}

function slowestRows(groups: readonly GroupResult[]): readonly string[] {
  const all = groups.flatMap(({ client, mode, rows }) =>
    rows.map(({ row, seconds }) => ({ seconds, text: `${client}, ${mode}, ${row}` })),
  );
  const slowest = all.toSorted((a, b) => b.seconds - a.seconds).slice(0, 20);
  return slowest.map(({ seconds, text }) => `${seconds.toFixed(1)} s  ${text}`);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    killGroups();
    process.exit(1);
  });
}
const choice = readArguments();
const { groups, skipped } = await runAll(choice);
show(choice, groups, skipped);
process.exitCode = countOf(groups, 'failed') === 0 && groups.length > 0 ? 0 : 1;
