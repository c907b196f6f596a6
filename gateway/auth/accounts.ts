/**
 * Who may log in. `authenticate` answers with the account or with nothing: it never says, and its
 * timing never shows, whether the user or the password was wrong.
 */

import type { AccountConfig, AccountPassword } from '#gateway/config/model.ts';
import { type Log, silentLog } from '#gateway/kit/log.ts';
import { claimsPasswordHash } from '#gateway/kit/password-hash.ts';
import { decoyHash, PasswordChecker } from './password.ts';
import { PasswordFile } from './password-file.ts';

export interface AccountsOptions {
  readonly log?: Log;
  /** Default: a new one with its defaults. Shared across reloads it keeps what it remembers. */
  readonly checker?: PasswordChecker;
}

interface Entry {
  readonly account: AccountConfig;
  /** The password or hash as it is now; undefined when there is none to compare with. */
  readonly secret: () => Promise<string | undefined>;
}

export class Accounts {
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #checker: PasswordChecker;
  /** What a refused login is compared with; undefined where refusing is quick for everybody. */
  readonly #decoy: string | undefined;

  constructor(accounts: readonly AccountConfig[], options: AccountsOptions = {}) {
    const { log = silentLog, checker = new PasswordChecker() } = options;
    this.#checker = checker;
    this.#entries = new Map(
      accounts.map((account) => [account.user, { account, secret: secretOf(account, log) }]),
    );
    this.#decoy = decoyFor(accounts.map(({ password }) => password));
  }

  /**
   * @returns undefined when user or password is wrong, or the account has no usable password.
   * @throws AuthError `busy` when too many checks wait; the signal's reason once it aborts, the check
   *   itself goes on.
   */
  async authenticate(
    user: string,
    password: string,
    signal?: AbortSignal,
  ): Promise<AccountConfig | undefined> {
    signal?.throwIfAborted();
    const verdict = this.#check(user, password);
    return signal === undefined ? verdict : Promise.race([verdict, aborted(signal, verdict)]);
  }

  async #check(user: string, password: string): Promise<AccountConfig | undefined> {
    const entry = this.#entries.get(user);
    const secret = await entry?.secret();
    if (secret !== undefined && claimsPasswordHash(secret)) {
      return (await this.#checker.matchesHash(user, password, secret)) ? entry?.account : undefined;
    }
    if (secret !== undefined && this.#checker.matchesPlain(password, secret)) return entry?.account;
    // An unknown user, or a plain password that is wrong, takes as long as a hash that is wrong.
    if (this.#decoy !== undefined) await this.#checker.matchesHash('', password, this.#decoy);
    return undefined;
  }
}

function secretOf({ password }: AccountConfig, log: Log): Entry['secret'] {
  if (password.kind !== 'file') return () => Promise.resolve(password.value);
  const file = new PasswordFile(password.path, log);
  return () => file.read();
}

/** Costs what the accounts' hashes cost. A file may hold one, so it counts as one. */
function decoyFor(passwords: readonly AccountPassword[]): string | undefined {
  const hash = passwords.find(({ kind }) => kind === 'hash');
  if (hash?.kind === 'hash') return decoyHash(hash.value);
  return passwords.some(({ kind }) => kind === 'file') ? decoyHash() : undefined;
}

/** Rejects when the signal aborts first; leaves no listener behind either way. */
function aborted(signal: AbortSignal, settled: Promise<unknown>): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    const forget = () => signal.removeEventListener('abort', onAbort);
    settled.then(forget, forget);
  });
}
