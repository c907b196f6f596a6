/**
 * What stays of a run: one JSON file per row with every figure of every round, and README.md beside them,
 * made anew from all of them, for reading.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContenderName } from './contender.ts';
import type { Round } from './rounds.ts';
import type { FigureSummary } from './summary.ts';

export interface RowResult {
  readonly row: string;
  readonly title: string;
  readonly contenders: readonly ContenderName[];
  readonly commit: string;
  readonly date: string;
  readonly node: string;
  readonly machine: string;
  readonly summary: readonly FigureSummary[];
  readonly rounds: readonly Round[];
}

const introduction = `# Results of the benchmark

Made by \`npm run bench\`; CONTRIBUTING.md says how to read it. Medians; × is the ratio to relay-node inside one
round: median (least to most). Store, client and contender share the machine's processors, so MiB/s and files
a second say little beyond their ratio; CPU and memory are the contender's own.
`;

export function writeResult(directory: string, result: RowResult, order: readonly string[]): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${result.row}.json`), `${JSON.stringify(result, null, 2)}\n`);
  const results = readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as RowResult)
    .filter(({ row }) => order.includes(row))
    .sort((one, other) => order.indexOf(one.row) - order.indexOf(other.row));
  const sections = results.map((each) => `${sectionText(each)}\n`);
  writeFileSync(join(directory, 'README.md'), [introduction, ...sections].join('\n'));
}

/** A heading and a table, as Markdown; also what the terminal shows. */
export function sectionText(result: RowResult): string {
  const { row, title, contenders, rounds, commit, date, node, machine } = result;
  const head = ['', ...contenders, '×', 'goal'];
  const lines = result.summary.map(({ figure, medians, ratio, goal }) => [
    figure,
    ...contenders.map((name) => formatFigure(medians[name])),
    ratio ? `${fixed(ratio.median)} (${fixed(ratio.least)} to ${fixed(ratio.most)})` : '',
    goal ? `${goal.text}: ${goal.isMet ? 'met' : '**missed**'}` : '',
  ]);
  return [
    `## ${row}: ${title}`,
    '',
    tableLine(head),
    tableLine(head.map(() => '---')),
    ...lines.map(tableLine),
    '',
    `${rounds.length} rounds at ${commit}, ${date}, Node ${node}, ${machine}`,
  ].join('\n');
}

function tableLine(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** JSON has null for NaN. */
function formatFigure(value: number | null | undefined): string {
  if (value === undefined || value === null || Number.isNaN(value)) return '';
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function fixed(value: number): string {
  return value.toFixed(2);
}
