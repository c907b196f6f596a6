/** From rounds to what is told: medians, ratios inside each round, and whether a goal is met. Pure. */
import type { ContenderName } from './contender.ts';
import type { Round } from './rounds.ts';
import type { Goal, Row } from './row.ts';

export interface FigureSummary {
  readonly figure: string;
  /** Median of each contender. */
  readonly medians: Readonly<Partial<Record<ContenderName, number>>>;
  /** The first contender's to relay-node's in clear: median, least and most of the rounds. */
  readonly ratio?: { readonly median: number; readonly least: number; readonly most: number };
  readonly goal?: { readonly text: string; readonly isMet: boolean };
}

export function summarise(row: Row, rounds: readonly Round[]): readonly FigureSummary[] {
  const [subject] = row.contenders;
  if (!subject) return [];
  const figures = new Set(rounds.flatMap((round) => Object.keys(round[subject] ?? {})));
  return [...figures].map((figure) => {
    const medians = Object.fromEntries(
      row.contenders.map((name) => [name, median(valuesOf(rounds, name, figure))]),
    );
    const ratio = ratioOf(rounds, subject, figure);
    const goal = row.goals.find((candidate) => candidate.figure === figure);
    const reached = goal?.of === 'ratio' ? ratio?.median : medians[subject];
    return {
      figure,
      medians,
      ...(ratio && { ratio }),
      ...(goal && { goal: { text: goalText(goal), isMet: isMet(goal, reached) } }),
    };
  });
}

function valuesOf(rounds: readonly Round[], name: ContenderName, figure: string): number[] {
  return rounds.flatMap((round) => round[name]?.[figure] ?? []);
}

function ratioOf(rounds: readonly Round[], subject: ContenderName, figure: string) {
  if (subject === 'relay-node') return undefined;
  const ratios = rounds.flatMap((round) => {
    const [ours, theirs] = [round[subject]?.[figure], round['relay-node']?.[figure]];
    return ours !== undefined && theirs ? [ours / theirs] : [];
  });
  if (ratios.length === 0) return undefined;
  return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

function goalText({ of, atLeast, atMost }: Goal): string {
  const bound = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
  return of === 'ratio' ? `${bound} × relay-node` : bound;
}

function isMet({ atLeast = -Infinity, atMost = Infinity }: Goal, reached: number | undefined) {
  return reached !== undefined && reached >= atLeast && reached <= atMost;
}
