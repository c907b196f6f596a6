/**
 * Virtual time: nothing happens until a test says how much time passes, and then due timers fire in
 * order. Work that a timer starts asynchronously gets its turns of the event loop between two timers.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock, Timer } from '#gateway/kit/clock.ts';
import { until } from './condition.ts';

/** Lets time pass, with its turns for sockets in between, until the work is done. */
export async function passUntil<T>(clock: FakeClock, work: Promise<T>, stepMs = 1_000): Promise<T> {
  let isDone = false;
  const settled = () => {
    isDone = true;
  };
  work.then(settled, settled);
  await until('the end of the work', async () => {
    if (!isDone) await clock.advance(stepMs);
    return isDone;
  });
  return work;
}

export interface FakeClock extends Clock {
  /** Lets `durationMs` pass, firing every timer that falls due, also those set meanwhile. */
  advance(durationMs: number): Promise<void>;
  /** Jumps to the next timer and fires it. False when there is none. */
  toNextTimer(): Promise<boolean>;
  /** Timers set and neither fired nor cancelled. */
  readonly pendingTimers: number;
}

interface PendingTimer {
  readonly dueMs: number;
  readonly fire: () => void;
}

/** @param startMs wall clock at the beginning. Default 2026-01-01T00:00:00Z. */
export function fakeClock(startMs = Date.UTC(2026, 0, 1)): FakeClock {
  let elapsedMs = 0;
  const timers = new Set<PendingTimer>();

  /** Of timers due at once, the one set first. */
  const nextDue = (limitMs: number) => {
    let next: PendingTimer | undefined;
    for (const timer of timers) if (timer.dueMs < (next?.dueMs ?? Infinity)) next = timer;
    return next && next.dueMs <= limitMs ? next : undefined;
  };

  const fire = async (timer: PendingTimer) => {
    timers.delete(timer);
    elapsedMs = timer.dueMs;
    timer.fire();
    await turn();
  };

  return {
    now: () => startMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    setTimer(delayMs, fire): Timer {
      const timer = { dueMs: elapsedMs + Math.max(0, delayMs), fire };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
    async advance(durationMs) {
      const untilMs = elapsedMs + durationMs;
      for (let timer = nextDue(untilMs); timer; timer = nextDue(untilMs)) await fire(timer);
      elapsedMs = untilMs;
      await turn();
    },
    async toNextTimer() {
      const timer = nextDue(Infinity);
      if (timer) await fire(timer);
      return timer !== undefined;
    },
    get pendingTimers() {
      return timers.size;
    },
  };
}
