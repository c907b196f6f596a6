/**
 * `npm run bench`: the gateway beside relay-node, interleaved in one run.
 *
 *     npm run bench                          every row, in about ten minutes
 *     npm run bench -- upload small-32       some rows
 *     npm run bench -- --rounds 9 upload     more rounds, for a busy machine
 *     npm run bench -- --profile DIR upload  one round of the gateway alone, with a CPU profile in DIR
 */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { ContenderName } from './contender.ts';
import { type RowResult, sectionText, writeResult } from './report.ts';
import { runRounds } from './rounds.ts';
import type { Figures, Row } from './row.ts';
import { crowdRow } from './rows/crowd.ts';
import { sessionRows } from './rows/session.ts';
import { smallFileRows } from './rows/small-files.ts';
import { transferRows } from './rows/transfer.ts';
import { summarise } from './summary.ts';

const rows: readonly Row[] = [...transferRows, ...smallFileRows, crowdRow, ...sessionRows];
const names = rows.map(({ name }) => name);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string' }, profile: { type: 'string' } },
});
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  say(`No such row: ${unknown.join(' ')}. Rows: ${names.join(' ')}`);
  process.exit(2);
}

const chosen =
  positionals.length === 0 ? rows : rows.filter(({ name }) => positionals.includes(name));
for (const row of chosen) {
  const obstacle = row.obstacle?.();
  if (obstacle !== undefined) {
    say(`\n${row.name}: SKIPPED, ${obstacle}`);
    continue;
  }
  if (values.profile === undefined) await run(row);
  else await profile(row, values.profile);
}

async function run(row: Row): Promise<void> {
  say(`\n${row.name}: ${row.title}`);
  const rounds = await runRounds(row, {
    rounds: Number(values.rounds ?? row.rounds),
    nodeFlags: [],
    onFigures: tell,
  });
  const result: RowResult = {
    row: row.name,
    title: row.title,
    contenders: row.contenders,
    commit: execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim(),
    date: new Date().toISOString().slice(0, 10),
    node: process.versions.node,
    machine: `${cpus().length} cores`,
    summary: summarise(row, rounds),
    rounds,
  };
  writeResult(fileURLToPath(new URL('./results', import.meta.url)), result, names);
  say(`\n${sectionText(result)}`);
}

async function profile(row: Row, directory: string): Promise<void> {
  say(`\n${row.name}: profile in ${directory}`);
  await runRounds(
    { ...row, contenders: row.contenders.slice(0, 1) },
    {
      rounds: 1,
      nodeFlags: ['--cpu-prof', `--cpu-prof-dir=${directory}`],
      onFigures: tell,
    },
  );
}

function tell(round: number, contender: ContenderName, figures: Figures): void {
  const told = Object.entries(figures).map(([name, value]) => `${name} ${value.toFixed(2)}`);
  say(`  ${round} ${contender}: ${told.join(', ')}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
