/**
 * Time as a parameter. Every timer, deadline and timestamp of the gateway comes from a Clock, so that
 * tests and simulations can run on virtual time. Nothing else may call setTimeout or Date.now.
 */

export interface Clock {
  /** Milliseconds since the Unix epoch (wall clock). */
  now(): number;
  /** Milliseconds from an arbitrary start that never goes back: for durations and deadlines. */
  monotonicMs(): number;
  /** Calls `fire` once after `delayMs`. A pending timer does not keep the process alive. */
  setTimer(delayMs: number, fire: () => void): Timer;
}

export interface Timer {
  /** Idempotent; a timer that already fired ignores it. */
  cancel(): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, fire) {
    const handle = setTimeout(fire, delayMs);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

/**
 * Resolves after `delayMs`. Rejects with the signal's reason as soon as the signal aborts.
 * @param delayMs 0 still yields to the event loop.
 */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
