/**
 * Repeats an operation with exponential backoff and full jitter until it succeeds, fails for good, or
 * its deadline passes. Bounded in attempts and in time, so a store that always fails still ends in a
 * reply.
 */
import { type Clock, sleep } from './clock.ts';

export interface RetryPolicy {
  /** Calls in all, the first included. */
  readonly attemptsMax: number;
  /** Upper bound of the first pause; doubles after each failure. */
  readonly firstDelayMs: number;
  /** Upper bound of any pause. */
  readonly delayMsMax: number;
  /** No new attempt starts later than this after the first began. */
  readonly deadlineMs: number;
}

export interface RetryOptions {
  /** Of the last failure, where failures differ. */
  readonly policy: RetryPolicy | ((error: unknown) => RetryPolicy);
  readonly clock: Clock;
  /** In [0, 1); a seeded source replays a simulation. Default Math.random. */
  readonly random?: () => number;
  readonly signal?: AbortSignal;
  /** Decides from the error alone. */
  readonly isRetryable: (error: unknown) => boolean;
  /** Told before each pause, for logs and metrics. */
  readonly onRetry?: (error: unknown, attempt: number) => void;
}

/** @throws the last error of `operation`, or the signal's reason. */
export async function retry<T>(
  operation: (attempt: number) => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  const { clock, signal } = options;
  const random = options.random ?? Math.random;
  const startedMs = clock.monotonicMs();
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await operation(attempt);
    } catch (error) {
      if (!options.isRetryable(error)) throw error;
      const policy = typeof options.policy === 'function' ? options.policy(error) : options.policy;
      const delayMs = random() * pauseCeilingMs(policy, attempt);
      const wouldStartMs = clock.monotonicMs() + delayMs - startedMs;
      const exhausted = attempt >= policy.attemptsMax || wouldStartMs > policy.deadlineMs;
      if (exhausted) throw error;
      options.onRetry?.(error, attempt);
      await sleep(clock, delayMs, signal);
    }
  }
}

/** The longest pause after the `attempt`-th failure (1-based). */
export function pauseCeilingMs(policy: RetryPolicy, attempt: number): number {
  return Math.min(policy.delayMsMax, policy.firstDelayMs * 2 ** (attempt - 1));
}
