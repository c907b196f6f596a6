/**
 * Addresses behind the host names that some clouds give a load balancer instead of an address. Answers
 * are kept for a short time; a failed look-up keeps the last good answer, because a gateway must not lose
 * its address to a moment without DNS.
 */
import { type Clock, sleep } from '#gateway/kit/clock.ts';
import { describeError } from '#gateway/kit/errors.ts';
import type { Log } from '#gateway/kit/log.ts';
import { hostNameRefreshMs } from '#operator/plan/address.ts';

/** IPv4 addresses of a host name, in any order; rejects when there is no answer. */
export type LookUp = (hostName: string) => Promise<readonly string[]>;

export interface HostNamesOptions {
  readonly lookUp: LookUp;
  readonly clock: Clock;
  readonly log: Log;
  /** How long an answer is good. Default 30 s, as often as plans ask: clouds use 60 s and less. */
  readonly keepMs?: number;
}

interface Answer {
  readonly addresses: readonly string[];
  /** After the wait for it, or a slow answer would be old when it comes. */
  readonly answeredMs: number;
}

/** More names than this are not remembered at once; the oldest go first. */
const namesMax = 1024;
/** A reconcile waits no longer for DNS; what answers later is remembered all the same. */
const answerMsMax = 5_000;

export class HostNames {
  readonly #options: HostNamesOptions;
  readonly #answers = new Map<string, Answer>();
  readonly #asking = new Map<string, Promise<readonly string[]>>();

  constructor(options: HostNamesOptions) {
    this.#options = options;
  }

  /**
   * Sorted IPv4 addresses; empty when the name never had an answer. Waits 5 s at most, then the last good
   * answer counts. Rejects only with the reason of the signal.
   */
  async resolve(hostName: string, signal?: AbortSignal): Promise<readonly string[]> {
    const { clock, keepMs = hostNameRefreshMs } = this.#options;
    signal?.throwIfAborted();
    const known = this.#answers.get(hostName);
    // A reconcile that was asked for after keepMs must not find the answer still good by a hair.
    if (known && clock.monotonicMs() - known.answeredMs < keepMs - 1_000) return known.addresses;
    const over = new AbortController();
    const ends = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
    const late = sleep(clock, answerMsMax, ends).then(() =>
      this.#keepLast(hostName, `no answer within ${answerMsMax / 1000} s`),
    );
    try {
      return await Promise.race([this.#ask(hostName), late]);
    } finally {
      over.abort();
    }
  }

  /** One look-up per name at a time, also beyond the deadline: each holds a thread. Never rejects. */
  #ask(hostName: string): Promise<readonly string[]> {
    const known = this.#asking.get(hostName);
    if (known) return known;
    const asking = this.#lookUp(hostName).finally(() => this.#asking.delete(hostName));
    this.#asking.set(hostName, asking);
    return asking;
  }

  async #lookUp(hostName: string): Promise<readonly string[]> {
    try {
      const found = await this.#options.lookUp(hostName);
      if (found.length === 0) return this.#remember(hostName, this.#lastOf(hostName));
      return this.#remember(hostName, found.toSorted(compareAddresses));
    } catch (error) {
      return this.#keepLast(hostName, describeError(error));
    }
  }

  #keepLast(hostName: string, reason: string): readonly string[] {
    this.#options.log.warn({ hostName, reason }, 'load balancer host name not resolved');
    return this.#remember(hostName, this.#lastOf(hostName));
  }

  #lastOf(hostName: string): readonly string[] {
    return this.#answers.get(hostName)?.addresses ?? [];
  }

  #remember(hostName: string, addresses: readonly string[]): readonly string[] {
    this.#answers.delete(hostName);
    this.#answers.set(hostName, { addresses, answeredMs: this.#options.clock.monotonicMs() });
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > namesMax && oldest !== undefined) this.#answers.delete(oldest);
    return addresses;
  }
}

function compareAddresses(first: string, second: string): number {
  const parts = (address: string) => address.split('.').map(Number);
  const [one, other] = [parts(first), parts(second)];
  const place = one.findIndex((part, index) => part !== other[index]);
  return place < 0 ? 0 : (one[place] ?? 0) - (other[place] ?? 0);
}
