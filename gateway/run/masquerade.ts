/**
 * Which IPv4 address a PASV reply carries: the client's network rule, else `masquerade_address` (an
 * address, or a DNS name resolved again and again), else the address the client connected to.
 *
 * An unresolvable name is not an error of a session: the last known address stays, and while there is
 * none PASV answers 425 and EPSV works.
 */
import { isIPv4 } from 'node:net';
import type { Clock, Timer } from '#gateway/kit/clock.ts';
import { describeError } from '#gateway/kit/errors.ts';
import type { Log } from '#gateway/kit/log.ts';
import { NetworkSet } from '#gateway/kit/networks.ts';

export interface MasqueradeOptions {
  /** IPv4 address or DNS name. */
  readonly address?: string;
  /** First match wins over `address`. */
  readonly networks: readonly { readonly clients: string; readonly address: string }[];
  readonly clock: Clock;
  readonly log: Log;
  /** All IPv4 addresses of a name; rejects when there is none. */
  readonly resolve: (name: string) => Promise<readonly string[]>;
}

/** Node's resolver hides the record's TTL when it asks the system, so a short fixed time stands for it. */
const resolveEveryMs = 30_000;

export class Masquerade {
  readonly #options: MasqueradeOptions;
  readonly #networks: readonly { readonly clients: NetworkSet; readonly address: string }[];
  #resolved: string | undefined;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: MasqueradeOptions) {
    this.#options = options;
    this.#networks = options.networks.map(({ clients, address }) => ({
      clients: new NetworkSet([clients]),
      address,
    }));
  }

  /** Resolves a DNS name for the first time; never rejects. */
  async start(): Promise<void> {
    const { address } = this.#options;
    if (address !== undefined && !isIPv4(address)) await this.#refresh(address);
  }

  /**
   * @param peer the client's address. @param local the address of ours it reached.
   * @returns undefined when no IPv4 address is known for this client.
   */
  addressFor(peer: string, local: string): string | undefined {
    const rule = this.#networks.find(({ clients }) => clients.contains(peer));
    if (rule) return rule.address;
    const { address } = this.#options;
    if (address === undefined) return isIPv4(local) ? local : undefined;
    return isIPv4(address) ? address : this.#resolved;
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  async #refresh(name: string): Promise<void> {
    const { clock, log, resolve } = this.#options;
    try {
      const addresses = [...(await resolve(name))].sort();
      // Several addresses: stay with the one clients already know while it is still listed.
      const kept = addresses.find((address) => address === this.#resolved);
      const chosen = kept ?? addresses[0];
      if (chosen !== this.#resolved)
        log.info({ name, address: chosen }, 'masquerade address resolved');
      this.#resolved = chosen;
    } catch (error) {
      log.warn({ name, reason: describeError(error) }, 'masquerade address not resolved');
    }
    if (!this.#isClosed) {
      this.#timer = clock.setTimer(resolveEveryMs, () => void this.#refresh(name));
    }
  }
}
