/** One row of the benchmark: what is done, with whom, and what its figures must reach. */
import type { Contender, ContenderName, ContenderOptions } from './contender.ts';
import type { Store } from './store.ts';

/** By name, unit included: `MiB/s`, `CPU s/GiB`, `peak MiB`. */
export type Figures = Readonly<Record<string, number>>;

export interface Goal {
  readonly figure: string;
  /** `ratio`: to relay-node, median of the ratios of each round. `value`: the median itself. */
  readonly of: 'ratio' | 'value';
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Row {
  /** What selects it: `npm run bench -- upload`. */
  readonly name: string;
  readonly title: string;
  /** The first one is the one the goals are about. */
  readonly contenders: readonly ContenderName[];
  /** How often all contenders take their turn. */
  readonly rounds: number;
  readonly goals: readonly Goal[];
  /** Of the contender's start. */
  readonly contenderOptions?: (name: ContenderName) => Partial<ContenderOptions>;
  /** Why it cannot run here, or undefined. */
  readonly obstacle?: () => string | undefined;
  /** A fresh store and a fresh contender each time. */
  readonly measure: (contender: Contender, store: Store) => Promise<Figures>;
}
