/**
 * Keys that wait for work. A key waits at most once however often it is added, is never worked on twice
 * at the same time, and is taken again after its work if it was added meanwhile. Holds one entry and at
 * most one timer per key, so its size is bound by the number of objects.
 */
import type { Clock, Timer } from '#gateway/kit/clock.ts';

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** Pause after the first failure of a key; doubles with each further one. Default 1 s. */
  readonly firstDelayMs?: number;
  /** Default 5 min. */
  readonly delayMsMax?: number;
  /** In [0, 1): pauses are spread over the upper half of their range. Default Math.random. */
  readonly random?: () => number;
}

interface Delayed {
  readonly dueMs: number;
  readonly timer: Timer;
}

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  /** In the order of adding. */
  readonly #waiting = new Set<string>();
  readonly #working = new Set<string>();
  readonly #again = new Set<string>();
  readonly #delayed = new Map<string, Delayed>();
  readonly #failures = new Map<string, number>();
  readonly #takers = new Set<() => void>();

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys ready to be taken. */
  get depth(): number {
    return this.#waiting.size;
  }

  /** Keys being worked on. */
  get working(): number {
    return this.#working.size;
  }

  /** Keys that become ready later. */
  get delayed(): number {
    return this.#delayed.size;
  }

  failuresOf(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  add(key: string): void {
    if (this.#working.has(key)) {
      this.#again.add(key);
      return;
    }
    this.#waiting.add(key);
    const [taker] = this.#takers;
    taker?.();
  }

  /** Adds the key after a while. Of several times the earliest holds. */
  addAfter(key: string, delayMs: number): void {
    const { clock } = this.#options;
    const dueMs = clock.monotonicMs() + Math.max(0, delayMs);
    const pending = this.#delayed.get(key);
    if (pending && pending.dueMs <= dueMs) return;
    pending?.timer.cancel();
    const timer = clock.setTimer(delayMs, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { dueMs, timer });
  }

  /**
   * Counts a failure and adds the key after the pause that is due.
   * @param delayMsMin what the API server asked for.
   * @returns the pause in milliseconds.
   */
  addAfterFailure(key: string, delayMsMin = 0): number {
    const { firstDelayMs = 1_000, delayMsMax = 300_000, random = Math.random } = this.#options;
    const failures = this.failuresOf(key) + 1;
    this.#failures.set(key, failures);
    const ceilingMs = Math.min(delayMsMax, firstDelayMs * 2 ** Math.min(failures - 1, 30));
    const delayMs = Math.max(delayMsMin, (ceilingMs * (1 + random())) / 2);
    this.addAfter(key, delayMs);
    return delayMs;
  }

  /** Takes back an `addAfter` that has not fired. */
  cancel(key: string): void {
    this.#delayed.get(key)?.timer.cancel();
    this.#delayed.delete(key);
  }

  /** After a success: the next failure begins with the shortest pause. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /**
   * The key that waits longest; it counts as worked on until `done`.
   * @throws the signal's reason.
   */
  async take(signal: AbortSignal): Promise<string> {
    for (;;) {
      signal.throwIfAborted();
      const [key] = this.#waiting;
      if (key !== undefined) {
        this.#waiting.delete(key);
        this.#working.add(key);
        return key;
      }
      await this.#untilAdded(signal);
    }
  }

  done(key: string): void {
    this.#working.delete(key);
    if (this.#again.delete(key)) this.add(key);
  }

  /** Cancels what is delayed: for the end of the process. */
  close(): void {
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
  }

  #untilAdded(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#takers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#takers.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}
