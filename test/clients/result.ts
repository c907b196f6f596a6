/** What became of the rows of one client in one mode, and how a run is shown. Pure. */
import { type Mode, modes } from './client.ts';

export type Outcome = 'passed' | 'failed' | 'not applicable';

export interface RowResult {
  readonly row: string;
  readonly outcome: Outcome;
  /** Why it failed or does not apply. */
  readonly reason?: string;
  /** Of a failure: what client and server said. */
  readonly output?: string;
  readonly seconds: number;
}

export interface GroupResult {
  readonly client: string;
  readonly mode: Mode;
  readonly rows: readonly RowResult[];
}

/** The reason of rows behind the one that ended its trial: counted, and not listed. */
export const notTried = 'not tried';

export interface Skipped {
  readonly client: string;
  readonly mode: Mode;
  readonly reason: string;
}

export function countOf(groups: readonly GroupResult[], ...outcomes: readonly Outcome[]): number {
  const results = groups.flatMap(({ rows }) => rows);
  return results.filter(({ outcome }) => outcomes.includes(outcome)).length;
}

/** Client by mode: passed of all that apply. */
export function table(groups: readonly GroupResult[], clients: readonly string[]): string {
  const shown = modes.filter((mode) => groups.some((group) => group.mode === mode));
  const cell = (some: readonly GroupResult[]) =>
    some.length === 0 ? '–' : `${countOf(some, 'passed')}/${countOf(some, 'passed', 'failed')}`;
  const lineOf = (name: string, some: readonly GroupResult[]) => [
    name,
    ...shown.map((mode) => cell(some.filter((group) => group.mode === mode))),
  ];
  const lines = [
    ['client', ...shown],
    ...clients.map((name) =>
      lineOf(
        name,
        groups.filter(({ client }) => client === name),
      ),
    ),
    lineOf('all', groups),
  ];
  return lines
    .map((words) =>
      words
        .map((word) => word.padEnd(12))
        .join(' ')
        .trimEnd(),
    )
    .join('\n');
}

/** Every reason once, with the rows and clients it stands for. */
export function notApplicable(
  groups: readonly GroupResult[],
  skipped: readonly Skipped[],
): readonly string[] {
  const lines = new Map<string, Set<string>>();
  const add = (client: string, reason: string, what: string) => {
    const key = `${client}\t${reason}`;
    lines.set(key, (lines.get(key) ?? new Set()).add(what));
  };
  for (const { client, mode, reason } of skipped) add(client, reason, mode);
  for (const { client, rows } of groups) {
    for (const { row, outcome, reason = '' } of rows) {
      if (outcome === 'not applicable') add(client, reason, row);
    }
  }
  return [...lines].map(([key, what]) => {
    const [client = '', reason = ''] = key.split('\t');
    return `${client.padEnd(12)} ${[...what].join(' ')}: ${reason}`;
  });
}

export function failures(groups: readonly GroupResult[]): readonly string[] {
  return groups.flatMap(({ client, mode, rows }) =>
    rows
      .filter(({ outcome, reason }) => outcome === 'failed' && reason !== notTried)
      .map(({ row, reason = '', output = '' }) => {
        const title = `✖ ${client}, ${mode}, ${row}: ${reason}`;
        return output === '' ? title : `${title}\n${indented(output)}`;
      }),
  );
}

/** A failing client may say much; its end tells most. */
const outputLinesMax = 80;

function indented(text: string): string {
  const lines = text.trimEnd().split(/\r?\n/);
  const left = Math.max(0, lines.length - outputLinesMax);
  const shown = left === 0 ? lines : [`(${left} lines left out)`, ...lines.slice(left)];
  return shown.map((line) => `    ${line}`).join('\n');
}
