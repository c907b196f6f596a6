/** What happened in a run, line by line with virtual times, for whoever has to understand a violation. */
import type { Clock } from '#gateway/kit/clock.ts';
import { describeError } from '#gateway/kit/errors.ts';
import type { Log } from '#gateway/kit/log.ts';

export class Trace {
  readonly lines: string[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(who: string, what: string): void {
    const seconds = (this.#clock.monotonicMs() / 1000).toFixed(3);
    this.lines.push(`${seconds.padStart(10)} s  ${who}: ${what}`);
  }

  /** The gateway's log among the rest. @param who whose. */
  log(who: string): Log {
    const write = (fields: Record<string, unknown>, message: string) => {
      const facts = Object.entries(fields).map(([name, value]) => `${name}=${factOf(value)}`);
      this.note(who, `log: ${[message, ...facts].join(' ')}`);
    };
    const log: Log = {
      debug: () => undefined,
      info: write,
      warn: write,
      error: write,
      child: () => log,
    };
    return log;
  }
}

function factOf(value: unknown): string {
  return value instanceof Error ? describeError(value) : String(value);
}
