/**
 * Sessions that wait for a passive port: in the order they came, each for a bounded time, and not too many
 * of one holder, so that nobody fills the queue for everybody else.
 */
import type { Clock } from '#gateway/kit/clock.ts';
import { FtpError } from './errors.ts';

export interface PortQueueLimits {
  /** How long a session waits. Default 5 s. */
  readonly waitMs: number;
  /** Sessions waiting at once; more fail at once. Default 1024. */
  readonly waitingMax: number;
  /** Of one holder. Default 256. */
  readonly waitingOfHolderMax: number;
}

interface Waiter<Wish, Grant> {
  readonly wish: Wish;
  readonly grant: (granted: Grant) => void;
  readonly fail: (reason: unknown) => void;
}

export class PortQueue<Wish extends { readonly holder: string | undefined }, Grant> {
  readonly #clock: Clock;
  readonly #limits: PortQueueLimits;
  readonly #waiting = new Set<Waiter<Wish, Grant>>();

  constructor(clock: Clock, limits: PortQueueLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** @throws FtpError `no-port` in time or when too many wait; or the signal's reason. */
  wait(wish: Wish, signal: AbortSignal | undefined): Promise<Grant> {
    if (this.#isFullFor(wish.holder)) return Promise.reject(noPortError());
    return new Promise((resolve, reject) => {
      const leave = () => {
        timer.cancel();
        signal?.removeEventListener('abort', onAbort);
        this.#waiting.delete(waiter);
      };
      const waiter: Waiter<Wish, Grant> = {
        wish,
        grant(granted) {
          leave();
          resolve(granted);
        },
        fail(reason) {
          leave();
          reject(reason);
        },
      };
      const onAbort = () => waiter.fail(signal?.reason);
      const timer = this.#clock.setTimer(this.#limits.waitMs, () => waiter.fail(noPortError()));
      signal?.addEventListener('abort', onAbort);
      this.#waiting.add(waiter);
    });
  }

  /** One that cannot be served yet does not hold up the others. */
  serve(tryGrant: (wish: Wish) => Grant | undefined): void {
    for (const waiter of this.#waiting) {
      const granted = tryGrant(waiter.wish);
      if (granted) waiter.grant(granted);
    }
  }

  failAll(reason: unknown): void {
    for (const waiter of this.#waiting) waiter.fail(reason);
  }

  #isFullFor(holder: string | undefined): boolean {
    const { waitingMax, waitingOfHolderMax } = this.#limits;
    if (this.#waiting.size >= waitingMax) return true;
    if (holder === undefined || this.#waiting.size < waitingOfHolderMax) return false;
    const ofHolder = [...this.#waiting].filter(({ wish }) => wish.holder === holder);
    return ofHolder.length >= waitingOfHolderMax;
  }
}

function noPortError(): FtpError {
  return new FtpError('no-port', 'no passive port became free in time', { retryable: true });
}
