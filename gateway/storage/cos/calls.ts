/**
 * The frame around every request: a deadline of its own, the caller's AbortSignal, one sample for the
 * metrics per attempt, and retries that are bounded in number and time.
 *
 * After it rejects nothing of the request goes on: the connection is destroyed in the same tick, so the
 * caller may reuse the body or the target at once.
 */
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import { type RetryPolicy, retry } from '#gateway/kit/retry.ts';
import { StoreError } from '../object-store.ts';
import { isKnownCode } from './error-table.ts';
import { storeError, transportError } from './failure.ts';
import type { CosOperation } from './operation.ts';
import {
  isRetryableKind,
  type RetryableKind,
  type RetryReason,
  retryPolicyOf,
} from './retry-table.ts';

/** One attempt of one request. */
export interface CosRequestSample {
  readonly operation: CosOperation;
  /** `OK`, a code of the error table, or the kind of a failure without one: a closed set. */
  readonly code: string;
  readonly seconds: number;
}

export interface CosTimeouts {
  /** A request without payload, and what a payload adds to. Default 30 s. */
  readonly callMs: number;
  /** No byte either way. Default 30 s. */
  readonly idleMs: number;
  /** Complete and the copies: COS works for minutes before it says anything (COS page 436/7742). Default 15 min. */
  readonly patientMs: number;
  /** The slowest connection a payload is waited for. Default 64 KiB/s. */
  readonly bytesPerSecondMin: number;
}

export const defaultTimeouts: CosTimeouts = {
  callMs: 30_000,
  idleMs: 30_000,
  patientMs: 900_000,
  bytesPerSecondMin: 64 * 1024,
};

/** A request is about to be sent again. */
export interface CosRepeat {
  readonly operation: CosOperation;
  readonly reason: RetryReason;
}

export interface CallsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly timeouts: CosTimeouts;
  /** Over the table's, for every kind of failure. */
  readonly retryPolicy?: Partial<RetryPolicy>;
  /** In [0, 1); default Math.random. */
  readonly random?: () => number;
  readonly onRequest?: (sample: CosRequestSample) => void;
  readonly onRepeat?: (repeat: CosRepeat) => void;
}

export interface CallPlan {
  readonly operation: CosOperation;
  readonly signal?: AbortSignal | undefined;
  /** Bytes sent or received besides headers: they lengthen the deadline. */
  readonly payloadBytes?: number;
  /** Default `prompt`. */
  readonly pace?: 'prompt' | 'patient';
  /**
   * Default `retry`. `once` leaves every failure to the caller; `answered` those without an answer,
   * after which the work may be done.
   */
  readonly repeat?: 'retry' | 'answered' | 'once';
}

export interface AttemptContext {
  /** Aborts at the deadline and with the caller's signal. */
  readonly signal: AbortSignal;
  readonly idleMs: number;
}

export class Calls {
  readonly #options: CallsOptions;

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  /** @throws StoreError, and nothing else. */
  async run<T>(plan: CallPlan, attempt: (context: AttemptContext) => Promise<T>): Promise<T> {
    const { clock, random } = this.#options;
    const { operation, signal } = plan;
    try {
      if (plan.repeat === 'once') return await this.#attempt(plan, attempt);
      return await retry(() => this.#attempt(plan, attempt), {
        policy: (error) => retryPolicyOf(kindOf(error), this.#options.retryPolicy),
        clock,
        ...(random && { random }),
        ...(signal && { signal }),
        isRetryable: (error) => isRepeatable(error, plan),
        onRetry: (error, count) => this.#noteRepeat(operation, error, count),
      });
    } catch (error) {
      if (error instanceof StoreError) throw error;
      if (signal?.aborted) throw storeError(operation, 'aborted', { cause: error });
      throw transportError(operation, error);
    }
  }

  #noteRepeat(operation: CosOperation, error: unknown, attempt: number): void {
    const { log, onRepeat } = this.#options;
    onRepeat?.({ operation, reason: kindOf(error) });
    log.debug({ operation, attempt, err: error }, 'store call repeated');
  }

  async #attempt<T>(plan: CallPlan, attempt: (context: AttemptContext) => Promise<T>): Promise<T> {
    const { clock, onRequest } = this.#options;
    const startedMs = clock.monotonicMs();
    const sample = (code: string) =>
      onRequest?.({
        operation: plan.operation,
        code,
        seconds: (clock.monotonicMs() - startedMs) / 1000,
      });
    try {
      const result = await this.#bounded(plan, attempt);
      sample('OK');
      return result;
    } catch (error) {
      sample(sampleCode(error));
      throw error;
    }
  }

  #bounded<T>(plan: CallPlan, attempt: (context: AttemptContext) => Promise<T>): Promise<T> {
    const { clock } = this.#options;
    const { operation, signal } = plan;
    return new Promise<T>((resolve, reject) => {
      if (signal?.aborted) {
        reject(storeError(operation, 'aborted', { cause: signal.reason }));
        return;
      }
      const stop = new AbortController();
      const end = (error: StoreError) => {
        settle();
        reject(error);
        stop.abort(error);
      };
      const onAbort = () => end(storeError(operation, 'aborted', { cause: signal?.reason }));
      const timer = clock.setTimer(this.#deadlineMs(plan), () =>
        end(storeError(operation, 'timeout')),
      );
      const settle = () => {
        timer.cancel();
        signal?.removeEventListener('abort', onAbort);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      attempt({ signal: stop.signal, idleMs: this.#idleMs(plan) })
        .then(resolve, reject)
        .finally(settle);
    });
  }

  #deadlineMs({ pace, payloadBytes = 0 }: CallPlan): number {
    const { callMs, patientMs, bytesPerSecondMin } = this.#options.timeouts;
    if (pace === 'patient') return patientMs;
    return callMs + Math.ceil((payloadBytes / bytesPerSecondMin) * 1000);
  }

  #idleMs({ pace }: CallPlan): number {
    const { idleMs, patientMs } = this.#options.timeouts;
    return pace === 'patient' ? patientMs : idleMs;
  }
}

function sampleCode(error: unknown): string {
  if (!(error instanceof StoreError)) return 'network';
  return error.code !== undefined && isKnownCode(error.code) ? error.code : error.kind;
}

/** Only of what `isRepeatable` lets pass. */
function kindOf(error: unknown): RetryableKind {
  return error instanceof StoreError && isRetryableKind(error.kind) ? error.kind : 'unavailable';
}

function isRepeatable(error: unknown, { repeat }: CallPlan): boolean {
  if (!(error instanceof StoreError) || !error.retryable) return false;
  return repeat !== 'answered' || (error.kind !== 'network' && error.kind !== 'timeout');
}
