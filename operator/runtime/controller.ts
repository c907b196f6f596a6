/**
 * Workers that take keys from a queue and bring what the key names into its wished state. A failure is
 * tried again with growing pauses, a success forgets them; each run has an id that all its log lines
 * carry, a time limit, and a place in the metrics. Never lets an error end the process.
 */
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import { KubeError } from './errors.ts';
import type { WorkQueue } from './workqueue.ts';

export interface ReconcileContext {
  /** Aborts at the time limit and when the operator stops or is no longer the leader. */
  readonly signal: AbortSignal;
  /** Its lines carry key and reconcileId. */
  readonly log: Log;
}

export interface ReconcileResult {
  /** Looks again after so long even if nothing is reported. Default: after `resyncMs`. */
  readonly requeueAfterMs?: number | undefined;
  /** What the key named is gone: not looked at again until it is added anew. */
  readonly isGone?: boolean | undefined;
  /** Something was refused, and told where people look: tried again with growing pauses. */
  readonly isRefused?: boolean | undefined;
}

/** Must be able to run again from any point; throws to be run again later. */
export type Reconcile = (key: string, context: ReconcileContext) => Promise<ReconcileResult>;

export type ReconcileOutcome = 'success' | 'requeue' | 'refused' | 'conflict' | 'error';

export interface ControllerMetrics {
  reconciled(outcome: ReconcileOutcome, seconds: number): void;
}

const defaultResyncMs = 300_000;

export interface ControllerOptions {
  readonly reconcile: Reconcile;
  readonly queue: WorkQueue;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics?: ControllerMetrics;
  /** Keys worked on at the same time. Default 4. */
  readonly workers?: number;
  /** Each key is looked at again after this and up to a tenth more. Default 5 min. */
  readonly resyncMs?: number;
  /** Of one run. Default 2 min. */
  readonly timeoutMs?: number;
  /** In [0, 1). Default Math.random. */
  readonly random?: () => number;
}

export class Controller {
  readonly #options: ControllerOptions;
  #runs = 0;

  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  /** Works until the signal aborts; resolves when the last run has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const count = this.#options.workers ?? 4;
    await Promise.all(Array.from({ length: count }, () => this.#work(signal)));
    this.#options.queue.close();
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { queue } = this.#options;
    while (!signal.aborted) {
      const key = await queue.take(signal).catch(() => undefined);
      if (key === undefined) return;
      try {
        await this.#reconcile(key, signal);
      } finally {
        queue.done(key);
      }
    }
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<void> {
    const { clock, metrics, reconcile, timeoutMs = 120_000 } = this.#options;
    const reconcileId = (++this.#runs).toString(36);
    const log = this.#options.log.child({ key, reconcileId });
    const limit = new AbortController();
    const timer = clock.setTimer(timeoutMs, () => {
      limit.abort(new KubeError('timeout', `gave up after ${timeoutMs / 1000} s`));
    });
    const startedMs = clock.monotonicMs();
    const seconds = () => (clock.monotonicMs() - startedMs) / 1000;
    try {
      const both = AbortSignal.any([signal, limit.signal]);
      const result = await reconcile(key, { signal: both, log });
      const outcome = this.#lookAgain(key, result);
      metrics?.reconciled(outcome, seconds());
      log.debug({ outcome, seconds: seconds() }, 'reconciled');
    } catch (error) {
      if (!signal.aborted) this.#retryLater(key, error, log, seconds());
    } finally {
      timer.cancel();
    }
  }

  /** Of several times the earliest holds. */
  #lookAgain(key: string, { isGone, isRefused, requeueAfterMs }: ReconcileResult) {
    const { queue, resyncMs = defaultResyncMs } = this.#options;
    if (isRefused) queue.addAfterFailure(key);
    else queue.forget(key);
    if (isGone) queue.cancel(key);
    else queue.addAfter(key, Math.min(requeueAfterMs ?? this.#resyncMs(), this.#resyncMs()));
    if (isRefused) return 'refused';
    // As late as everything is looked at again: nothing is left to do.
    const isDone = requeueAfterMs === undefined || requeueAfterMs >= resyncMs;
    return isDone ? 'success' : 'requeue';
  }

  #retryLater(key: string, error: unknown, log: Log, seconds: number): void {
    const { metrics, queue } = this.#options;
    const isConflict = error instanceof KubeError && error.kind === 'conflict';
    const delayMsMin = error instanceof KubeError ? error.retryAfterMs : undefined;
    const retryInMs = Math.round(queue.addAfterFailure(key, delayMsMin));
    metrics?.reconciled(isConflict ? 'conflict' : 'error', seconds);
    const fields = { error, seconds, retryInMs, failures: queue.failuresOf(key) };
    if (isConflict) log.info(fields, 'reconcile met a newer object');
    else log.error(fields, 'reconcile failed');
  }

  #resyncMs(): number {
    const { random = Math.random, resyncMs = defaultResyncMs } = this.#options;
    return resyncMs * (1 + random() / 10);
  }
}
