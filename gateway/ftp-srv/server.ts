/**
 * The FTP server: adopts each connection of the ftp-srv shell before a byte of it was read, gives it a
 * session of ours, and runs its commands through the shell's registry and dispatch.
 *
 * It must never leave a socket to ftp-srv's own reader, and never end a transfer when it stops unless its
 * drain deadline passed.
 */

import type { Socket } from 'node:net';
import type { Command } from '#gateway/ftp/command.ts';
import { ControlChannel } from '#gateway/ftp/control.ts';
import type { ControlEnd } from '#gateway/ftp/control-options.ts';
import { type Arrival, arrivalOf } from '#gateway/ftp/proxy-door.ts';
import { SecureSocket } from '#gateway/ftp/tls/secure-socket.ts';
import { sleep } from '#gateway/kit/clock.ts';
import { lacksIpv6 } from '#gateway/kit/listen-place.ts';
import type { ObjectStore } from '#gateway/storage/object-store.ts';
import { renewAccount } from './account-renewal.ts';
import type { ActiveTransfer } from './active-transfer.ts';
import { registryEntries } from './commands/table.ts';
import { Greeting } from './greeting.ts';
import { ImplicitListener } from './implicit-listener.ts';
import type { FtpServices } from './services.ts';
import { Session } from './session.ts';
import { drainSessions } from './session-drain.ts';
import { detachSocket, FtpShell, installRegistry, type ShellConnection } from './shell.ts';
import { answerShellLogin } from './shell-login.ts';
import { answerUrgent } from './urgent.ts';

export interface FtpServerOptions {
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  /** Of implicit FTPS, with `services.tls`. Absent: none. 0: any free port. */
  readonly implicitPort?: number | undefined;
  readonly services: FtpServices;
}

export interface DrainOptions {
  /** New sessions are still served for this long: whoever sends clients here needs time to hear of it. */
  readonly acceptMs: number;
  /** Transfers still running after this long are cut; counted from the same moment. */
  readonly deadlineMs: number;
  /** After `acceptMs`, sessions without a transfer are told goodbye this long after their last command. */
  readonly idleMs: number;
}

export class FtpGatewayServer {
  readonly #services: FtpServices;
  readonly #address: string;
  readonly #shell: FtpShell;
  readonly #implicit: ImplicitListener | undefined;
  readonly #sessions = new Map<ShellConnection, Session>();
  readonly #greeting: Greeting;
  /** Of sockets on their way to a session. */
  readonly #arrivals = new WeakMap<Socket, Arrival>();
  #isClosed = false;
  #isDraining = false;

  constructor(options: FtpServerOptions) {
    const { address, port, implicitPort, services } = options;
    this.#services = services;
    this.#address = address;
    this.#greeting = new Greeting(services);
    if (services.tls && implicitPort !== undefined) {
      this.#implicit = new ImplicitListener({
        address,
        port: implicitPort,
        services,
        tls: services.tls,
        onConnection: (socket) => void this.#enter(socket, this.#implicit),
      });
    }
    this.#shell = new FtpShell({
      address,
      port,
      log: services.log,
      onConnection: (socket) => void this.#enter(socket),
      adopt: (connection) => this.#adopt(connection),
      logIn: answerShellLogin,
    });
    installRegistry(registryEntries);
  }

  /** @returns the port bound. @throws when the address cannot be bound. */
  async listen(): Promise<number> {
    await this.#shell.listen();
    if (lacksIpv6(this.#address, this.#shell.server)) {
      // The passive ports and implicit FTPS listen in the same way; one line speaks for all.
      const words = { listen_address: this.#address, address: '0.0.0.0' };
      this.#services.log.warn(words, 'no ipv6 here: listening on ipv4 addresses only');
    }
    const address = this.#shell.server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** @returns the port of implicit FTPS; undefined: none is wanted. @throws when it cannot be bound. */
  async listenImplicitly(): Promise<number | undefined> {
    return this.#implicit?.listen();
  }

  get isListening(): boolean {
    return this.#shell.server.listening && (this.#implicit?.isListening ?? true);
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** Under way now, the longest-running session first. */
  get transfers(): readonly ActiveTransfer[] {
    return [...this.#sessions.values()].flatMap((session) => session.transfer ?? []);
  }

  /** Accounts have changed: sessions between commands hear of it now, the others after theirs. */
  renewAccounts(): void {
    for (const session of this.#sessions.values()) {
      if (!session.control.isBusy) void renewAccount(session);
    }
  }

  /** Stores that sessions hold, those of accounts removed meanwhile included. */
  get storesInUse(): ReadonlySet<ObjectStore> {
    const sessions = [...this.#sessions.values()].filter(({ isLoggedIn }) => isLoggedIn);
    return new Set(sessions.map(({ account }) => account.store));
  }

  /** New connections are greeted 421 from now on; what is there goes on. */
  refuseNew(): void {
    this.#greeting.refuseAll();
  }

  /**
   * Resolves when new sessions are refused and no other is left: idle ones are told goodbye, transfers
   * finish or meet the deadline.
   */
  async drain(options: DrainOptions): Promise<void> {
    const { clock, log } = this.#services;
    const beganMs = clock.monotonicMs();
    this.#isDraining = true;
    if (options.acceptMs > 0) await sleep(clock, Math.min(options.acceptMs, options.deadlineMs));
    this.refuseNew();
    log.info({ sessions: this.#staying.length }, 'new sessions are refused');
    await drainSessions({
      sessions: () => this.#staying,
      clock,
      log,
      deadlineMs: beganMs + options.deadlineMs,
      idleMs: options.idleMs,
    });
  }

  /** Probes that connect and are greeted 421 must not keep a drain from its end. */
  get #staying(): readonly Session[] {
    return [...this.#sessions.values()].filter((session) => !this.#greeting.hasRefused(session));
  }

  /** Stops listening and ends every session at once. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.refuseNew();
    this.#services.proxyDoor?.close();
    for (const session of this.#sessions.values()) session.control.destroy();
    await this.#implicit?.close();
    await new Promise<void>((resolve) => this.#shell.server.close(() => resolve()));
    this.#shell.removeAllListeners();
  }

  /**
   * From a listener to a session. Who is announced by a balancer is known only after its header, and TLS
   * comes behind that. @param implicit the listener it came in on, when TLS is next.
   */
  async #enter(socket: Socket, implicit?: ImplicitListener): Promise<void> {
    const { proxyDoor, log } = this.#services;
    const arrival = proxyDoor ? await proxyDoor.admit(socket) : arrivalOf(socket);
    if (!arrival) return;
    const peerLog = log.child({ peer: arrival.peerAddress });
    const served = implicit ? await implicit.secure(socket, peerLog) : socket;
    if (!served) return;
    const isGone = served.destroyed || served.readableEnded;
    if (isGone || this.#isClosed) served.destroy();
    else this.#serve(served, arrival);
  }

  #serve(socket: Socket, arrival: Arrival): void {
    this.#arrivals.set(socket, arrival);
    this.#shell.serve(socket);
  }

  #adopt(connection: ShellConnection): void {
    const socket = detachSocket(connection);
    const { clock } = this.#services;
    const session: Session = new Session({
      id: connection.id.slice(0, 8),
      services: this.#services,
      connection,
      arrival: this.#arrivals.get(socket) ?? arrivalOf(socket),
      security:
        socket instanceof SecureSocket ? { mode: 'implicit', context: socket.context } : undefined,
      control: new ControlChannel({
        socket,
        clock,
        onCommand: (command) => this.#run(connection, session, command),
        onUrgent: (command) => answerUrgent(session, command),
        onReply: (code) => this.#services.observer.reply(code),
        onGone: (end) => this.#forget(connection, session, end),
        onFault: (error) => session.log.error({ err: error }, 'command failed unexpectedly'),
      }),
    });
    this.#sessions.set(connection, session);
    this.#services.observer.sessionOpened();
    connection.reply = (options) => this.#replyForShell(session, options);
    session.log.debug({}, 'session opened');
  }

  /** Greeting and dispatch failures are the only replies ftp-srv still makes. */
  async #replyForShell(session: Session, options: number | { code?: number }): Promise<void> {
    const code = typeof options === 'number' ? options : (options.code ?? 500);
    if (code !== 220) return session.reply(code, shellTexts.get(code) ?? 'Refused');
    return this.#greeting.greet(session);
  }

  async #run(connection: ShellConnection, session: Session, command: Command): Promise<void> {
    session.touch();
    this.#services.observer.command(command.verb);
    const goodbye = renewAccount(session);
    if (goodbye) return goodbye;
    if (session.countBeforeLogin() > loginCommandsMax) {
      session.log.info({}, 'session closed: too many commands without a login');
      return session.close(421, 'Too many commands without a login', 'control-lost');
    }
    await connection.commands.handle({
      directive: command.verb,
      arg: command.argument,
      flags: [],
      raw: '',
    });
    await renewAccount(session);
  }

  #forget(connection: ShellConnection, session: Session, end: ControlEnd): void {
    // A client that sent QUIT behind its download and left in order still reads it.
    const isUploading = session.transfer?.direction === 'upload';
    const hasQuit = end === 'fin' && session.control.isWaiting('QUIT');
    if (!hasQuit || isUploading) session.onControlClosed();
    void session.control.closed.then(() => session.onControlClosed());
    // A stop waits for what still runs: an upload of a client that left has to be aborted in COS.
    void session.control.done.then(() => {
      this.#sessions.delete(connection);
      this.#greeting.forget(session);
      this.#services.limits.leave(session);
      this.#services.observer.sessionClosed(session.ageSeconds, session.security?.mode ?? 'none');
      session.log.debug({ end }, 'session closed');
    });
  }
}

/** What the dispatch says in our words: its own repeats the verb, however long the client made it. */
const shellTexts: ReadonlyMap<number, string> = new Map([
  [502, 'Command not implemented'],
  [530, 'Log in with USER and PASS first'],
]);

/** Commands without a login; clients that try every verb need some 100. */
const loginCommandsMax = 500;
