/**
 * The bandwidth a session keeps to, per direction: what it shares with the other sessions of its account
 * and with all sessions of the gateway. Kept from transfer to transfer, as long as the user stays.
 */
import type { LimitedDirection } from '#gateway/transfer/bandwidth.ts';
import { Pace } from '#gateway/transfer/pace.ts';
import type { FtpServices, SessionAccount } from './services.ts';

export class SessionPaces {
  readonly #paces: Partial<Record<LimitedDirection, Pace>> = {};

  of(direction: LimitedDirection, account: SessionAccount, services: FtpServices): Pace {
    const { clock, bandwidth, observer } = services;
    const limits = [account.bandwidth[direction], bandwidth[direction]];
    const known = this.#paces[direction];
    if (known?.keepsTo(limits)) return known;
    known?.close();
    const onWaited = (seconds: number) => observer.bandwidthWaited(direction, seconds);
    const pace = new Pace({ limits, clock, onWaited });
    this.#paces[direction] = pace;
    return pace;
  }

  /** The session is gone, and nothing it had to wait for counts any more. */
  close(): void {
    this.#paces.upload?.close();
    this.#paces.download?.close();
  }
}
