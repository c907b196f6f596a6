/**
 * Addresses behind the host names that some clouds give a load balancer instead of an address. Answers
 * are kept for a short time; a failed look-up keeps the last good answer, because a gateway must not lose
 * its address to a moment without DNS.
 */
import type { Clock } from '#gateway/kit/clock.ts';
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
  readonly askedMs: number;
}

/** More names than this are not remembered at once; the oldest go first. */
const namesMax = 1024;

export class HostNames {
  readonly #options: HostNamesOptions;
  readonly #answers = new Map<string, Answer>();

  constructor(options: HostNamesOptions) {
    this.#options = options;
  }

  /** Sorted IPv4 addresses; empty when the name never had an answer. Never rejects. */
  async resolve(hostName: string): Promise<readonly string[]> {
    const { lookUp, clock, log, keepMs = hostNameRefreshMs } = this.#options;
    const known = this.#answers.get(hostName);
    const nowMs = clock.monotonicMs();
    // A reconcile that was asked for after keepMs must not find the answer still good by a hair.
    if (known && nowMs - known.askedMs < keepMs - 1_000) return known.addresses;
    let addresses = known?.addresses ?? [];
    try {
      const found = await lookUp(hostName);
      if (found.length > 0) addresses = found.toSorted(compareAddresses);
    } catch (error) {
      log.warn({ hostName, reason: describeError(error) }, 'load balancer host name not resolved');
    }
    this.#remember(hostName, { addresses, askedMs: nowMs });
    return addresses;
  }

  #remember(hostName: string, answer: Answer): void {
    this.#answers.delete(hostName);
    this.#answers.set(hostName, answer);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > namesMax && oldest !== undefined) this.#answers.delete(oldest);
  }
}

function compareAddresses(first: string, second: string): number {
  const parts = (address: string) => address.split('.').map(Number);
  const [one, other] = [parts(first), parts(second)];
  const place = one.findIndex((part, index) => part !== other[index]);
  return place < 0 ? 0 : (one[place] ?? 0) - (other[place] ?? 0);
}
