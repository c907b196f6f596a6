/**
 * From a name and a password to an account with its jail, its store and its limits. The accounts may be
 * replaced while the gateway runs; what is remembered about passwords and addresses stays.
 */
import { isDeepStrictEqual } from 'node:util';
import { Accounts } from '#gateway/auth/accounts.ts';
import { PasswordChecker } from '#gateway/auth/password.ts';
import { Throttle } from '#gateway/auth/throttle.ts';
import { isSamePlace } from '#gateway/config/diff.ts';
import type { AccountConfig, GatewayConfig } from '#gateway/config/model.ts';
import type { AccountEnd, LoginOutcome, SessionAccount } from '#gateway/ftp-srv/services.ts';
import { type Clock, sleep } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import type { ObjectStore } from '#gateway/storage/object-store.ts';
import { type AccountContext, sessionAccount } from './session-account.ts';

export interface LoginsOptions extends Omit<AccountContext, 'config'> {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  readonly log: Log;
  /** Addresses behind which many clients may stand; see Throttle. */
  readonly exempt: { contains(address: string): boolean };
}

interface Entry {
  readonly config: AccountConfig;
  readonly account: SessionAccount;
}

/** One state of all accounts; never changed, only replaced. */
interface Table {
  readonly accounts: Accounts;
  readonly entries: ReadonlyMap<string, Entry>;
  readonly config: GatewayConfig;
}

export class Logins {
  readonly #options: LoginsOptions;
  readonly #checker = new PasswordChecker();
  readonly #throttle: Throttle;
  /** What the account of a session was made of, also when it is no longer in the table. */
  readonly #configs = new WeakMap<SessionAccount, AccountConfig>();
  #table: Table;

  /** @throws StoreError `rejected` when an account's bucket, region and endpoint make no host. */
  constructor(options: LoginsOptions) {
    this.#options = options;
    this.#throttle = new Throttle({ clock: options.clock, exempt: options.exempt });
    this.#table = this.#tableOf(options.config);
  }

  /** New logins go by the accounts of `config` from now on. @throws as the constructor, changing nothing. */
  change(config: GatewayConfig): void {
    this.#table = this.#tableOf(config, this.#table);
  }

  /** Those of all accounts that may log in. */
  get stores(): ReadonlySet<ObjectStore> {
    return new Set([...this.#table.entries.values()].map(({ account }) => account.store));
  }

  /** Checks the password and slows guessing down. */
  async authenticate(user: string, password: string, peer: string): Promise<LoginOutcome> {
    const retryAfterMs = this.#throttle.retryAfterMs(peer);
    if (retryAfterMs > 0) return { kind: 'throttled', retryAfterMs };
    const found = await this.#table.accounts.authenticate(user, password);
    const entry = found && this.#table.entries.get(found.user);
    // The accounts may have been replaced meanwhile: only a password that still is the same counts.
    if (!entry || !isDeepStrictEqual(entry.config.password, found.password)) {
      await sleep(this.#options.clock, this.#throttle.noteFailure(peer));
      return { kind: 'refused' };
    }
    this.#throttle.noteSuccess(peer);
    return { kind: 'accepted', account: entry.account };
  }

  /** What a session that logged in with `held` may do now. */
  currentAccount(held: SessionAccount): SessionAccount | AccountEnd {
    const entry = this.#table.entries.get(held.user);
    if (!entry) return 'removed';
    if (entry.account === held) return held;
    const config = this.#configs.get(held);
    return config && isSamePlace(config, entry.config) ? entry.account : 'moved';
  }

  #tableOf(config: GatewayConfig, before?: Table): Table {
    const { log } = this.#options;
    const entries = config.accounts.map((account) => this.#entryOf(account, config, before));
    return {
      accounts: new Accounts(config.accounts, { log, checker: this.#checker }),
      entries: new Map(entries.map((entry) => [entry.config.user, entry])),
      config,
    };
  }

  /** An account that stays as it is keeps its value, and its warnings are not repeated. */
  #entryOf(account: AccountConfig, config: GatewayConfig, before: Table | undefined): Entry {
    const known = before?.entries.get(account.user);
    const haveSameParts =
      before?.config.min_part_size === config.min_part_size &&
      before.config.parts_in_flight === config.parts_in_flight;
    if (known && haveSameParts && isDeepStrictEqual(known.config, account)) return known;
    const made = sessionAccount(account, { ...this.#options, config });
    this.#configs.set(made, account);
    return { config: account, account: made };
  }
}
