/**
 * One FTP session: what it knows between commands, and the order in which things end. It owns the control
 * channel, the source of the next data connection and the transfer under way, and gives each of them back exactly once.
 *
 * It must never answer for a command itself; command entries do, through `reply`.
 */
import type { ControlChannel } from '#gateway/ftp/control.ts';
import { type CutReason, TransferCut } from '#gateway/ftp/cut.ts';
import type { DataSource } from '#gateway/ftp/data-source.ts';
import { allFacts, type FactSelection } from '#gateway/ftp/facts.ts';
import { utf8 } from '#gateway/ftp/filename-encoding.ts';
import { defaultHashName, type HashName } from '#gateway/ftp/hashes.ts';
import type { Arrival } from '#gateway/ftp/proxy-door.ts';
import { assert } from '#gateway/kit/assert.ts';
import type { Timer } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import type { LimitedDirection } from '#gateway/transfer/bandwidth.ts';
import type { Pace } from '#gateway/transfer/pace.ts';
import { ActiveTransfer } from './active-transfer.ts';
import type { ControlSecurity } from './security.ts';
import type { FtpServices, SessionAccount, TransferDirection } from './services.ts';
import { SessionPaces } from './session-paces.ts';
import type { ShellConnection } from './shell.ts';

export interface SessionParts {
  readonly id: string;
  readonly services: FtpServices;
  readonly connection: ShellConnection;
  readonly control: ControlChannel;
  /** Whose control connection it is, taken while it was alive. */
  readonly arrival: Arrival;
  /** When it was TLS from its first byte. */
  readonly security?: ControlSecurity | undefined;
}

/** OPTS UTF8: whether names are UTF-8 or in the account's `filename_encoding`. */
export type NameEncoding = 'utf-8' | 'as-account';

/** The registry is one per process, so its handlers find their session by the connection alone. */
const sessions = new WeakMap<ShellConnection, Session>();

export class Session {
  /** Undefined for a connection that was never adopted. */
  static of(connection: ShellConnection): Session | undefined {
    return sessions.get(connection);
  }

  readonly id: string;
  readonly services: FtpServices;
  readonly connection: ShellConnection;
  readonly control: ControlChannel;
  readonly arrival: Arrival;
  readonly log: Log;

  /** Claimed by USER, not yet proven. */
  claimedUser: string | undefined;
  workingDirectory = '/';
  /** Facts of MLSD and MLST, chosen by OPTS MLST. */
  factSelection: FactSelection = allFacts;
  /** Algorithm of HASH, chosen by OPTS HASH. */
  hashName: HashName = defaultHashName;
  /** From REST or RANG, for the next transfer. */
  restartBytes = 0;
  /** From RANG: the first byte the next RETR does not send. */
  rangeEndBytes: number | undefined;
  /** From ALLO, for the next STOR. */
  expectedBytes: number | undefined;
  renameSource: string | undefined;
  /** After EPSV ALL only EPSV may open data connections (RFC 2428 section 4). */
  isExtendedPassiveOnly = false;
  /** PBSZ was sent, or is taken for granted (implicit TLS). */
  hasBufferSize = false;
  /** PROT: how the next data connection is made (RFC 4217 section 9). */
  dataProtection: 'clear' | 'private' = 'clear';
  failedLogins = 0;
  transfer: ActiveTransfer | undefined;

  #security: ControlSecurity | undefined;
  #nameEncoding: NameEncoding = 'as-account';
  #account: SessionAccount | undefined;
  #dataSource: DataSource | undefined;
  #idleTimer: Timer | undefined;
  #transferCount = 0;
  #commandsBeforeLogin = 0;
  readonly #paces = new SessionPaces();
  readonly #closed = new AbortController();
  readonly #openedMs: number;
  /** When the last command or transfer ended: a client then has something to say again. */
  #answeredMs = 0;

  constructor(parts: SessionParts) {
    this.id = parts.id;
    this.services = parts.services;
    this.connection = parts.connection;
    this.control = parts.control;
    this.arrival = parts.arrival;
    this.log = parts.services.log.child({ session: parts.id, peer: parts.arrival.peerAddress });
    this.#openedMs = parts.services.clock.monotonicMs();
    sessions.set(parts.connection, this);
    if (parts.security) this.secure(parts.security);
    this.#armTimer();
  }

  /** The client's, also behind a balancer that announces it. */
  get peerAddress(): string {
    return this.arrival.peerAddress;
  }

  /** Which address the client connected to. */
  get localAddress(): string {
    return this.arrival.localAddress;
  }

  get ageSeconds(): number {
    return (this.services.clock.monotonicMs() - this.#openedMs) / 1000;
  }

  /** Whoever left before 226 has given the upload up, also behind a QUIT: libraries close like that. */
  get isControlAlive(): boolean {
    return this.control.isAlive;
  }

  /** Since the client's last byte and the end of what it asked for. */
  get idleMs(): number {
    if (this.transfer) return 0;
    const sinceMs = Math.max(this.control.lastHeardMs, this.#answeredMs);
    return this.services.clock.monotonicMs() - sinceMs;
  }

  /** Aborts when the control connection is gone: nothing asked for this session matters any more. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  get isLoggedIn(): boolean {
    return this.#account !== undefined;
  }

  /** The registry lets only logged-in sessions reach entries that use it. */
  get account(): SessionAccount {
    assert(this.#account, 'a command that needs a login ran without one');
    return this.#account;
  }

  /** Undefined while the control connection is in clear. */
  get security(): ControlSecurity | undefined {
    return this.#security;
  }

  /** The control connection is TLS from now on; there is no way back. */
  secure(security: ControlSecurity): void {
    this.#security = security;
    this.forgetConnectionOptions();
  }

  logIn(account: SessionAccount): void {
    this.#account = account;
    this.claimedUser = account.user;
    this.chooseNameEncoding(this.#nameEncoding);
    this.failedLogins = 0;
    this.#armTimer();
  }

  /** From the next command on, and after the next login too: Windows Explorer chooses before USER. */
  chooseNameEncoding(choice: NameEncoding): void {
    this.#nameEncoding = choice;
    this.control.codec = (choice === 'as-account' && this.#account?.codec) || utf8;
  }

  /** @returns how many commands it has sent since it was last logged in, or came. */
  countBeforeLogin(): number {
    this.#commandsBeforeLogin = this.isLoggedIn ? 0 : this.#commandsBeforeLogin + 1;
    return this.#commandsBeforeLogin;
  }

  /** The same user with other rights, from the next command on. */
  renewAccount(account: SessionAccount): void {
    this.#account = account;
  }

  /** Back to the state after the greeting (REIN, AUTH, a new USER), and to the time allowed for a login. */
  reset(): void {
    const wasLoggedIn = this.isLoggedIn;
    this.#account = undefined;
    if (wasLoggedIn) this.#armTimer();
    this.control.codec = utf8;
    this.claimedUser = undefined;
    this.workingDirectory = '/';
    this.factSelection = allFacts;
    this.hashName = defaultHashName;
    this.isExtendedPassiveOnly = false;
    this.forgetTransferParameters();
    this.releaseDataSource();
  }

  /**
   * PBSZ, PROT and OPTS UTF8 are the connection's, not the user's: many clients send them before USER, so
   * only AUTH and REIN take them back. Clients of implicit TLS send no PROT: their data is protected from
   * the start.
   */
  forgetConnectionOptions(): void {
    this.chooseNameEncoding('as-account');
    const isImplicit = this.#security?.mode === 'implicit';
    this.hasBufferSize = isImplicit;
    this.dataProtection = isImplicit ? 'private' : 'clear';
  }

  /** REST, RANG, ALLO and RNFR speak only of the command that follows them. */
  forgetTransferParameters(): void {
    this.restartBytes = 0;
    this.rangeEndBytes = undefined;
    this.expectedBytes = undefined;
    this.renameSource = undefined;
  }

  /** One reply; several texts become one multi-line reply (RFC 959 section 4.2). */
  async reply(code: number, ...texts: readonly string[]): Promise<void> {
    await this.control.reply(code, ...texts);
  }

  /** Each of PASV, EPSV, PORT and EPRT replaces what the one before opened. */
  holdDataSource(source: DataSource): void {
    this.releaseDataSource();
    this.#dataSource = source;
    if (this.closed.aborted) this.releaseDataSource();
  }

  /** Hands it to the transfer that will use it up. */
  takeDataSource(): DataSource | undefined {
    const source = this.#dataSource;
    this.#dataSource = undefined;
    return source;
  }

  releaseDataSource(): void {
    this.#dataSource?.release();
    this.#dataSource = undefined;
  }

  beginTransfer(direction: TransferDirection, path: string): ActiveTransfer {
    assert(!this.transfer, 'one transfer at a time');
    const id = `${this.id}-${++this.#transferCount}`;
    this.transfer = new ActiveTransfer(id, direction, path, this.services.clock.monotonicMs());
    this.#idleTimer?.cancel();
    if (this.closed.aborted) this.transfer.stop('control-lost');
    return this.transfer;
  }

  /** What its transfers keep to, one after the other. */
  paceOf(direction: LimitedDirection): Pace {
    return this.#paces.of(direction, this.account, this.services);
  }

  endTransfer(): void {
    this.transfer = undefined;
    this.touch();
  }

  /** A command runs: however long it takes, its client is not idle. The login timer goes on. */
  beginCommand(): void {
    if (this.isLoggedIn) this.#idleTimer?.cancel();
  }

  /** A command or a transfer ended: the idle time starts again. The login timer never does. */
  touch(): void {
    this.#answeredMs = this.services.clock.monotonicMs();
    if (this.isLoggedIn && !this.transfer && !this.closed.aborted) this.#armTimer();
  }

  /** The control connection is gone: stop what runs, give back what is held. */
  onControlClosed(): void {
    this.#closed.abort(new TransferCut('control-lost'));
    this.#idleTimer?.cancel();
    this.transfer?.stop('control-lost');
    this.releaseDataSource();
    this.#paces.close();
  }

  /** Ends the session after one last reply; a running transfer is cut for `reason`. */
  async close(code: number, text: string, reason: CutReason): Promise<void> {
    this.transfer?.stop(reason);
    await this.reply(code, text);
    this.control.end();
  }

  #armTimer(): void {
    const { timeouts, clock } = this.services;
    this.#idleTimer?.cancel();
    const delayMs = this.isLoggedIn ? timeouts.idleMs : timeouts.loginMs;
    this.#idleTimer = clock.setTimer(delayMs, () => {
      this.log.info({ logged_in: this.isLoggedIn }, 'session timed out');
      void this.close(421, 'Timeout: closing control connection', 'control-lost');
    });
  }
}
