/**
 * Slows down and then shuts out addresses from which logins keep failing. Failures are counted per
 * address (IPv6: per /64, which one customer has whole) in bounded memory. Addresses behind which many
 * clients may stand, balancers and private networks, are exempt: shutting one out would shut out
 * everybody.
 */

import type { Clock } from '#gateway/kit/clock.ts';
import { customerOf } from '#gateway/kit/networks.ts';

export interface ThrottleOptions {
  readonly clock: Clock;
  /** Addresses never counted. Default: none. */
  readonly exempt?: { contains(address: string): boolean };
  /** Failures within the window that shut an address out. Default 10. */
  readonly failuresMax?: number;
  /** How long a failure counts. Default 600,000 (10 minutes). */
  readonly windowMs?: number;
  /** How long an address is shut out. Default 600,000 (10 minutes). */
  readonly lockMs?: number;
  /** Addresses remembered; the one that failed longest ago is forgotten first. Default 10,000. */
  readonly addressesMax?: number;
}

interface AddressRecord {
  /** When each counted failure was, oldest first; at most failuresMax. */
  failedAtMs: number[];
  lockedUntilMs: number;
}

/** The first failures are typing mistakes; from the third on, the answer takes 1, 2, 4, 8 s. */
const freeFailures = 2;
const firstDelayMs = 1000;
const delayMsMax = 8000;

export class Throttle {
  readonly #options: Required<ThrottleOptions>;
  readonly #records = new Map<string, AddressRecord>();

  constructor(options: ThrottleOptions) {
    this.#options = {
      exempt: { contains: () => false },
      failuresMax: 10,
      windowMs: 600_000,
      lockMs: 600_000,
      addressesMax: 10_000,
      ...options,
    };
  }

  /** How long the address is shut out still; 0: it may try. Ask before checking a password. */
  retryAfterMs(address: string): number {
    const record = this.#records.get(customerOf(address));
    if (record === undefined) return 0;
    return Math.max(0, record.lockedUntilMs - this.#options.clock.monotonicMs());
  }

  /** @returns how long to wait before answering this failure. */
  noteFailure(address: string): number {
    const { clock, exempt, windowMs, failuresMax, lockMs } = this.#options;
    if (exempt.contains(address)) return 0;
    const nowMs = clock.monotonicMs();
    const record = this.#touch(customerOf(address));
    record.failedAtMs = record.failedAtMs.filter((failedMs) => nowMs - failedMs < windowMs);
    record.failedAtMs.push(nowMs);
    const failures = record.failedAtMs.length;
    if (failures >= failuresMax) {
      record.lockedUntilMs = nowMs + lockMs;
      record.failedAtMs = [];
    }
    if (failures <= freeFailures) return 0;
    return Math.min(delayMsMax, firstDelayMs * 2 ** (failures - freeFailures - 1));
  }

  /** Forgets the address' failures: somebody there knows a password. A running lock-out stays. */
  noteSuccess(address: string): void {
    if (this.retryAfterMs(address) === 0) this.#records.delete(customerOf(address));
  }

  /** Addresses remembered now. */
  get addresses(): number {
    return this.#records.size;
  }

  #touch(key: string): AddressRecord {
    const record = this.#records.get(key) ?? { failedAtMs: [], lockedUntilMs: 0 };
    this.#records.delete(key);
    this.#records.set(key, record);
    const oldest = this.#records.keys().next();
    if (this.#records.size > this.#options.addressesMax && !oldest.done) {
      this.#records.delete(oldest.value);
    }
    return record;
  }
}
