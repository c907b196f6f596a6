/**
 * Warnings that strangers can cause as often as they like: the first of each kind is logged at once, the
 * rest are counted and told with the next line, so that a flood of clients is no flood of lines.
 */
import type { Clock } from './clock.ts';
import type { Log, LogFields } from './log.ts';

interface Told {
  readonly atMs: number;
  unsaid: number;
}

export class SparseLog {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #everyMs: number;
  /** By message: a few constant ones. */
  readonly #told = new Map<string, Told>();

  /** @param everyMs at most one line of a message in this time. */
  constructor(log: Log, clock: Clock, everyMs = 10_000) {
    this.#log = log;
    this.#clock = clock;
    this.#everyMs = everyMs;
  }

  /** @param message constant; lines are counted by it. `unsaid` tells how many were left out before. */
  warn(fields: LogFields, message: string): void {
    const nowMs = this.#clock.monotonicMs();
    const last = this.#told.get(message);
    if (last && nowMs - last.atMs < this.#everyMs) {
      last.unsaid += 1;
      return;
    }
    this.#told.set(message, { atMs: nowMs, unsaid: 0 });
    this.#log.warn({ ...fields, ...(last && last.unsaid > 0 && { unsaid: last.unsaid }) }, message);
  }
}
