/**
 * When the janitor looks at which jail: at the start, every 6 h, and sooner where a store failed.
 *
 * It must never reject, nor fill the log: a key that may not look is told once for each jail.
 */
import { type Clock, sleep } from '#gateway/kit/clock.ts';
import { type ObjectStore, StoreError } from '#gateway/storage/object-store.ts';
import { type CleaningOptions, cleanJail, type JanitorTarget } from './janitor.ts';

export interface JanitorOptions extends Omit<CleaningOptions, 'round'> {
  readonly clock: Clock;
  /** Asked for every time, because accounts come and go. */
  readonly targets: () => readonly JanitorTarget[];
  readonly onAborted?: (count: number) => void;
  /** Ends it; what is under way is stopped. */
  readonly signal: AbortSignal;
}

/** Between two rounds of a jail. */
const roundMs = 6 * 3_600_000;
/** After a round that failed; doubled with each further one, up to `roundMs`. */
const retryMs = 60_000;
/** A first round that fails is tried again as the first for this long; see `CleaningOptions.round`. */
const firstRoundMs = 3_600_000;

/** What is remembered of a jail. */
interface Turn {
  dueMs: number;
  /** One after another. */
  failures: number;
  round: CleaningOptions['round'];
  isToldDenied: boolean;
}

/** By prefix. */
type Turns = WeakMap<ObjectStore, Map<string, Turn>>;

/** Rounds until the signal aborts. Never rejects. */
export async function runJanitor(options: JanitorOptions): Promise<void> {
  const { clock, signal } = options;
  const turns: Turns = new WeakMap();
  const startedMs = clock.monotonicMs();
  while (!signal.aborted) {
    let nextMs = clock.monotonicMs() + roundMs;
    for (const target of options.targets()) {
      const turn = turnOf(turns, target);
      if (clock.monotonicMs() >= turn.dueMs) {
        if (clock.monotonicMs() - startedMs >= firstRoundMs) turn.round = 'later';
        await takeTurn(target, turn, options);
      }
      if (signal.aborted) return;
      nextMs = Math.min(nextMs, turn.dueMs);
    }
    const pauseMs = Math.max(0, nextMs - clock.monotonicMs());
    await sleep(clock, pauseMs, signal).catch(() => undefined); // the loop looks at the signal
  }
}

function turnOf(turns: Turns, { store, prefix }: JanitorTarget): Turn {
  const jails = turns.get(store) ?? new Map<string, Turn>();
  turns.set(store, jails);
  const turn = jails.get(prefix) ?? { dueMs: 0, failures: 0, round: 'first', isToldDenied: false };
  jails.set(prefix, turn);
  return turn;
}

/** Never rejects. */
async function takeTurn(target: JanitorTarget, turn: Turn, options: JanitorOptions): Promise<void> {
  const { clock, signal, onAborted } = options;
  let pauseMs = roundMs;
  try {
    await cleanJail(target, { ...options, round: turn.round }, onAborted);
    Object.assign(turn, { failures: 0, round: 'later', isToldDenied: false });
  } catch (error) {
    if (signal.aborted) return;
    pauseMs = noteFailure(target, turn, error, options);
  }
  turn.dueMs = clock.monotonicMs() + pauseMs;
}

/** @returns how long to wait: rights do not come back by asking, a store does. */
function noteFailure(
  { prefix }: JanitorTarget,
  turn: Turn,
  error: unknown,
  { log }: JanitorOptions,
): number {
  const isDenied = error instanceof StoreError && error.kind === 'denied';
  if (!isDenied || !turn.isToldDenied) {
    log.warn({ prefix, err: error }, 'unfinished uploads not looked for');
  }
  turn.isToldDenied = isDenied;
  turn.failures = isDenied ? 0 : turn.failures + 1;
  return isDenied ? roundMs : Math.min(roundMs, retryMs * 2 ** (turn.failures - 1));
}
