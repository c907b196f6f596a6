/**
 * How many bytes a second pass in one direction, all sessions of an account or of the gateway together,
 * each getting the same share of what the others leave. Bytes are counted when they move, and who moved
 * some waits before it moves more; nothing is buffered here, so that a transfer that waits is one that
 * does not read or write.
 *
 * Fairness is fair queueing (Demers, Keshav, Shenker: SIGCOMM 1989): next is who would be through first if
 * all that wait were served at once, byte by byte. So one with little to send goes before those that always
 * have more, however large their steps are, and nobody waits for ever behind newcomers. Without a limit
 * nothing is counted at all.
 */

import { KiB, MiB } from '#gateway/kit/bytes.ts';
import type { Clock, Timer } from '#gateway/kit/clock.ts';

export type LimitedDirection = 'upload' | 'download';
export type BandwidthLimits = Readonly<Record<LimitedDirection, BandwidthLimit>>;

/** Time not used is kept for this long: a step that comes a little late costs nobody bandwidth. */
export const burstMs = 200;
/** One step at most takes this share of a second from the others. */
const stepsPerSecond = 20;
const stepBytesMin = KiB;
const stepBytesMax = MiB;
/** A timer that comes this much early counts: floating point may not reach the moment itself. */
const earlyMs = 0.001;

/** One session's place in one limit. Only the limit touches it. */
export interface Flow {
  /** Moved, and not yet let pass. More than zero while it is in the queue. */
  owedBytes: number;
  /** Virtual time when all of it will have passed, or did. */
  finishTag: number;
  passed: PromiseWithResolvers<void> | undefined;
}

export function newFlow(): Flow {
  return { owedBytes: 0, finishTag: 0, passed: undefined };
}

export class BandwidthLimit {
  readonly #clock: Clock;
  #bytesPerSecond: number;
  /** By finish tag, equal ones in the order of coming. */
  readonly #queue: Flow[] = [];
  /** Virtual time: what a session has had that always waited. */
  #virtualBytes = 0;
  /** When the last bytes let pass had all been paid for. */
  #freeAtMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  /** @param bytesPerSecond 0: no limit. */
  constructor(clock: Clock, bytesPerSecond = 0) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Infinity without a limit. Larger steps pass too, but hold the others up for longer. */
  get stepBytes(): number {
    if (this.#bytesPerSecond === 0) return Number.POSITIVE_INFINITY;
    const bytes = Math.floor(this.#bytesPerSecond / stepsPerSecond);
    return Math.min(stepBytesMax, Math.max(stepBytesMin, bytes));
  }

  /** Flows that wait. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Counts at once, also for who waits already. @param bytesPerSecond 0: nobody waits any more. */
  change(bytesPerSecond: number): void {
    if (bytesPerSecond === this.#bytesPerSecond) return;
    this.#bytesPerSecond = bytesPerSecond;
    this.#keepBurstOnly();
    this.#serve();
  }

  /** Counts bytes that moved, or are about to. */
  spend(flow: Flow, bytes: number): void {
    if (this.#bytesPerSecond === 0 || bytes === 0) return;
    if (flow.owedBytes > 0) flow.finishTag += bytes;
    else this.#enter(flow, bytes);
    flow.owedBytes += bytes;
    this.#serve();
  }

  /** Resolves when all that the flow has spent is let pass. Undefined: it is. */
  passed(flow: Flow): Promise<void> | undefined {
    if (flow.owedBytes === 0) return undefined;
    flow.passed ??= Promise.withResolvers();
    return flow.passed.promise;
  }

  /** Its session is gone: nobody waits for what it owes. */
  leave(flow: Flow): void {
    const place = this.#queue.indexOf(flow);
    if (place === -1) return;
    this.#queue.splice(place, 1);
    letPass(flow);
    this.#serve();
  }

  #enter(flow: Flow, bytes: number): void {
    if (this.#queue.length === 0) this.#keepBurstOnly();
    flow.finishTag = Math.max(this.#virtualBytes, flow.finishTag) + bytes;
    const behind = this.#queue.findLastIndex((other) => other.finishTag <= flow.finishTag);
    this.#queue.splice(behind + 1, 0, flow);
  }

  #keepBurstOnly(): void {
    this.#freeAtMs = Math.max(this.#freeAtMs, this.#clock.monotonicMs() - burstMs);
  }

  #serve(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (let head = this.#queue[0]; head; head = this.#queue[0]) {
      const paidAtMs = this.#paidAtMs(head);
      const delayMs = paidAtMs - this.#clock.monotonicMs();
      if (delayMs > earlyMs) {
        this.#timer = this.#clock.setTimer(delayMs, () => this.#serve());
        return;
      }
      this.#virtualBytes += head.owedBytes / this.#queue.length;
      this.#queue.shift();
      this.#freeAtMs = paidAtMs;
      this.#keepBurstOnly();
      letPass(head);
    }
  }

  #paidAtMs({ owedBytes }: Flow): number {
    if (this.#bytesPerSecond === 0) return this.#freeAtMs;
    return this.#freeAtMs + (owedBytes / this.#bytesPerSecond) * 1000;
  }
}

function letPass(flow: Flow): void {
  flow.owedBytes = 0;
  flow.passed?.resolve();
  flow.passed = undefined;
}
