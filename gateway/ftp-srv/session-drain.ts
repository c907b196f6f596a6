/**
 * How the sessions of a stopping gateway come to their end: idle ones are told goodbye, transfers finish
 * or meet the deadline. It must never end a transfer before that.
 */
import type { CutReason } from '#gateway/ftp/cut.ts';
import { type Clock, sleep } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import type { Session } from './session.ts';

export interface SessionDrainOptions {
  /** Who is there and has to leave. */
  readonly sessions: () => readonly Session[];
  readonly clock: Clock;
  readonly log: Log;
  /** On the clock's monotonic scale. Transfers still running then are cut. */
  readonly deadlineMs: number;
  /** Sessions without a transfer are told goodbye this long after their last command. */
  readonly idleMs: number;
}

/** How often it looks at what is left. */
const pollMs = 100;
/** How long a transfer cut by the deadline may take to abort its upload in COS. */
const finishMs = 15_000;

/** Resolves when all of them left, or `finishMs` after the deadline. */
export async function drainSessions(options: SessionDrainOptions): Promise<void> {
  const { sessions, clock, log, deadlineMs, idleMs } = options;
  let isOver = false;
  for (let staying = sessions(); staying.length > 0; staying = sessions()) {
    const nowMs = clock.monotonicMs();
    if (!isOver && nowMs >= deadlineMs) {
      isOver = true;
      const transfers = staying.filter((session) => session.transfer).length;
      log.warn({ sessions: staying.length, transfers }, 'drain deadline passed');
    }
    if (nowMs >= deadlineMs + finishMs) return;
    for (const session of staying) {
      const isIdle = !session.control.isBusy && session.idleMs >= idleMs;
      if (isOver || isIdle) sayGoodbye(session);
    }
    await sleep(clock, pollMs);
  }
}

function sayGoodbye(session: Session): void {
  const reason: CutReason = 'drain';
  if (session.transfer) session.transfer.stop(reason);
  else void session.close(421, 'Server is stopping', reason);
}
