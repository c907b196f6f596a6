/**
 * Fires once when a peer has been silent for too long. It rests while *we* are the ones who do not read
 * (waiting for memory or for COS), so that a slow store never looks like a slow client.
 */
import type { Clock, Timer } from '#gateway/kit/clock.ts';

export class StallTimer {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #onStall: () => void;
  #timer: Timer | undefined;
  #lastProgressMs = 0;

  constructor(clock: Clock, timeoutMs: number, onStall: () => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#onStall = onStall;
  }

  /** Starts counting, or starts again from zero after a rest. */
  start(): void {
    this.#lastProgressMs = this.#clock.monotonicMs();
    this.#timer?.cancel();
    this.#arm(this.#timeoutMs);
  }

  /** Bytes moved. Only notes the time: re-arming a timer per chunk would cost more than the copy. */
  progress(): void {
    this.#lastProgressMs = this.#clock.monotonicMs();
  }

  rest(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(delayMs: number): void {
    this.#timer = this.#clock.setTimer(delayMs, () => {
      const silentMs = this.#clock.monotonicMs() - this.#lastProgressMs;
      if (silentMs >= this.#timeoutMs) this.#onStall();
      else this.#arm(this.#timeoutMs - silentMs);
    });
  }
}
