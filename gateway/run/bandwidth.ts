/**
 * The bandwidth limits of the gateway and of each account, in this process. A limit outlives the
 * configuration it came from, so that transfers under way follow a change.
 */
import type { GatewayConfig } from '#gateway/config/model.ts';
import type { Clock } from '#gateway/kit/clock.ts';
import { BandwidthLimit, type BandwidthLimits } from '#gateway/transfer/bandwidth.ts';

interface Rates {
  readonly upload_bytes_per_second: number;
  readonly download_bytes_per_second: number;
}

export class Bandwidth {
  readonly #clock: Clock;
  /** Of all sessions together. */
  readonly gateway: BandwidthLimits;
  readonly #accounts = new Map<string, BandwidthLimits>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.gateway = noLimits(clock);
  }

  /** Of one account, the same for all its sessions; without a limit until `change` names the user. */
  ofUser(user: string): BandwidthLimits {
    const limits = this.#accounts.get(user) ?? noLimits(this.#clock);
    this.#accounts.set(user, limits);
    return limits;
  }

  /** Counts at once, for transfers under way too; a removed user's go on as they were. */
  change(config: GatewayConfig): void {
    apply(this.gateway, config);
    for (const account of config.accounts) apply(this.ofUser(account.user), account);
    const users = new Set(config.accounts.map(({ user }) => user));
    for (const user of this.#accounts.keys()) if (!users.has(user)) this.#accounts.delete(user);
  }
}

function noLimits(clock: Clock): BandwidthLimits {
  return { upload: new BandwidthLimit(clock), download: new BandwidthLimit(clock) };
}

function apply({ upload, download }: BandwidthLimits, rates: Rates): void {
  upload.change(rates.upload_bytes_per_second);
  download.change(rates.download_bytes_per_second);
}
