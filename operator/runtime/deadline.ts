/** How long a request may take, or a stream be silent. It must be cancelled, or its timer stays. */
import type { Clock, Timer } from '#gateway/kit/clock.ts';

/** A time limit that can begin anew, joined with the caller's own signal. */
export class Deadline {
  readonly limitMs: number;
  readonly signal: AbortSignal;
  readonly #clock: Clock;
  readonly #over = new AbortController();
  #timer: Timer;

  constructor(clock: Clock, limitMs: number, outer: AbortSignal | undefined) {
    this.#clock = clock;
    this.limitMs = limitMs;
    this.signal = outer ? AbortSignal.any([outer, this.#over.signal]) : this.#over.signal;
    this.#timer = this.#arm();
  }

  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  restart(): void {
    this.#timer.cancel();
    this.#timer = this.#arm();
  }

  cancel(): void {
    this.#timer.cancel();
  }

  #arm(): Timer {
    return this.#clock.setTimer(this.limitMs, () => this.#over.abort());
  }
}
