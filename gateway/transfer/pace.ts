/**
 * What one session has to keep to in one direction: every limit it shares with others at once. It lives
 * as long as its session, not its transfers, so that a file cut short or a thousand small ones get no more
 * than one large one.
 *
 * It must never hold anything up without a limit: then `spend` and `wait` do nothing.
 */
import type { Clock } from '#gateway/kit/clock.ts';
import { type BandwidthLimit, type Flow, newFlow } from './bandwidth.ts';

export interface PaceOptions {
  /** None, one of an account and one of the gateway, in any order. */
  readonly limits: readonly BandwidthLimit[];
  readonly clock: Clock;
  /** Told at the end of each wait. */
  readonly onWaited?: (seconds: number) => void;
}

interface Place {
  readonly limit: BandwidthLimit;
  readonly flow: Flow;
}

export class Pace {
  readonly #options: PaceOptions;
  readonly #places: readonly Place[];
  #wait: Promise<void> | undefined;

  constructor(options: PaceOptions) {
    this.#options = options;
    this.#places = options.limits.map((limit) => ({ limit, flow: newFlow() }));
  }

  /** The most to move before asking `wait` again. Infinity without a limit. */
  get stepBytes(): number {
    let bytes = Number.POSITIVE_INFINITY;
    for (const { limit } of this.#places) bytes = Math.min(bytes, limit.stepBytes);
    return bytes;
  }

  /** Whether these are its limits. */
  keepsTo(limits: readonly BandwidthLimit[]): boolean {
    return (
      limits.length === this.#places.length &&
      this.#places.every(({ limit }, index) => limit === limits[index])
    );
  }

  /** Counts bytes that moved, or are about to, in every limit. */
  spend(bytes: number): void {
    for (const { limit, flow } of this.#places) limit.spend(flow, bytes);
  }

  /** Until then nothing more may move. Undefined: go on at once. Never rejects. */
  wait(): Promise<void> | undefined {
    if (!this.#wait && this.#owes) this.#wait = this.#waitForAll();
    return this.#wait;
  }

  /** Asked after every read: a loop, because a callback would be made anew each time. */
  get #owes(): boolean {
    for (const { flow } of this.#places) if (flow.owedBytes > 0) return true;
    return false;
  }

  /** The session is gone. What it still waits for resolves. */
  close(): void {
    for (const { limit, flow } of this.#places) limit.leave(flow);
  }

  async #waitForAll(): Promise<void> {
    const { clock, onWaited } = this.#options;
    const startMs = clock.monotonicMs();
    for (const { limit, flow } of this.#places) await limit.passed(flow);
    this.#wait = undefined;
    onWaited?.((clock.monotonicMs() - startMs) / 1000);
  }
}

/** For transfers that keep to nothing. */
export const freePace: Pick<Pace, 'stepBytes' | 'spend' | 'wait'> = {
  stepBytes: Number.POSITIVE_INFINITY,
  spend: () => undefined,
  wait: () => undefined,
};
