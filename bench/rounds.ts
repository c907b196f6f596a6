/** Runs a row: all contenders in turn, round after round, so that a busy moment meets them all alike. */
import type { ContenderName } from './contender.ts';
import { startContender } from './contender.ts';
import type { Figures, Row } from './row.ts';
import { Store } from './store.ts';

/** By contender. */
export type Round = Readonly<Partial<Record<ContenderName, Figures>>>;

export interface RoundsOptions {
  readonly rounds: number;
  /** Of the contender's node, for a profile. */
  readonly nodeFlags: readonly string[];
  readonly onFigures: (round: number, contender: ContenderName, figures: Figures) => void;
}

export async function runRounds(row: Row, options: RoundsOptions): Promise<readonly Round[]> {
  const rounds: Round[] = [];
  for (let number = 0; number < options.rounds; number++) {
    // Who goes first changes, so that what one leaves behind is not always the other's burden.
    const order = number % 2 === 0 ? row.contenders : row.contenders.toReversed();
    const round: Partial<Record<ContenderName, Figures>> = {};
    for (const contender of order) {
      const figures = await measureOnce(row, contender, options);
      round[contender] = figures;
      options.onFigures(number + 1, contender, figures);
    }
    rounds.push(round);
  }
  return rounds;
}

async function measureOnce(
  row: Row,
  name: ContenderName,
  { nodeFlags }: RoundsOptions,
): Promise<Figures> {
  await using store = await Store.start();
  await using contender = await startContender(name, {
    storePort: store.port,
    nodeFlags,
    ...row.contenderOptions?.(name),
  });
  return await row.measure(contender, store);
}
