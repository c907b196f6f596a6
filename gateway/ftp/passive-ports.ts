/**
 * The passive ports of the process, shared by all sessions. A port is a session's only from the reply to
 * PASV until its client has connected, so a few ports carry many transfers.
 *
 * A reservation gets a port on which no connection could be mistaken for another session's; the least
 * recently used one first. When there is none it waits its turn for a few seconds.
 */
import type { Timer } from '#gateway/kit/clock.ts';
import { FtpError } from './errors.ts';
import type { PassivePort } from './passive-port.ts';
import {
  defaultPassivePortsLimits,
  type PassiveMode,
  type PassivePortCounts,
  type PassivePortsLimits,
  type PassivePortsOptions,
  type ReserveOptions,
} from './passive-ports-options.ts';
import { PassiveRange } from './passive-range.ts';
import { type PeerNetworks, type PeerRule, peerRule } from './peer-rule.ts';
import { PortQueue } from './port-queue.ts';
import { PendingReservation, type Reservation } from './reservation.ts';

export type { PeerPolicy } from './peer-rule.ts';
export type { Reservation } from './reservation.ts';

/** What a session asks for. */
interface Wish {
  readonly rule: PeerRule;
  readonly hasHeader: boolean;
  readonly holder: string | undefined;
  readonly mode: PassiveMode;
}

export class PassivePorts {
  readonly #options: PassivePortsOptions;
  readonly #limits: PassivePortsLimits;
  readonly #range: PassiveRange;
  readonly #queue: PortQueue<Wish, Reservation>;
  #coolTimer: Timer | undefined;
  #isClosed = false;

  /** Binds the ports. One that cannot be bound is skipped, logged and tried again later; none is fatal. */
  static async open(options: PassivePortsOptions): Promise<PassivePorts> {
    const ports = new PassivePorts(options);
    await ports.#range.open();
    return ports;
  }

  private constructor(options: PassivePortsOptions) {
    const { ports, host = '::', clock, log } = options;
    this.#options = options;
    this.#limits = { ...defaultPassivePortsLimits, ...options.limits };
    this.#queue = new PortQueue(clock, this.#limits);
    this.#range = new PassiveRange({
      ports,
      host,
      clock,
      log,
      limits: this.#limits,
      door: options.door,
      onStranger: () => options.onStranger?.(),
      onGrown: () => this.#serveWaiting(),
    });
  }

  get counts(): PassivePortCounts {
    const { bound, unboundCount } = this.#range;
    const busy = [...bound].filter((port) => port.isBusy).length;
    return { busy, free: bound.size - busy, unbound: unboundCount, waiting: this.#queue.size };
  }

  /** The ports bound now, ascending: for the log line at start and for checks. */
  get numbers(): readonly number[] {
    return [...this.#range.bound].map((port) => port.number).sort((one, other) => one - other);
  }

  /**
   * A port for one data connection of the session whose control peer is given.
   * @throws FtpError `no-port` after 5 s or when too many wait already, `closed`; or the signal's reason.
   */
  async reserve(options: ReserveOptions): Promise<Reservation> {
    options.signal?.throwIfAborted();
    if (this.#isClosed) throw closedError();
    const networks = this.#options.networks ?? noNetworks;
    const { peer, policy, hasHeader = false, holder } = options;
    const rule = peerRule(peer, policy, networks);
    const wish = { rule, hasHeader, holder, mode: options.mode ?? 'epsv' };
    return this.#tryReserve(wish) ?? (await this.#wait(wish, options.signal));
  }

  /**
   * Closes all listeners and ends all reservations. Connections already handed over live on, so that
   * transfers can finish.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#coolTimer?.cancel();
    this.#queue.failAll(closedError());
    this.#options.door?.close();
    await this.#range.close();
  }

  /**
   * The least recently used port that can serve it. A holder of many gets it only while more are left than
   * it holds: so one alone may have half of the ports, and whoever comes next still finds some.
   */
  #tryReserve(wish: Wish): Reservation | undefined {
    const held = this.#heldBy(wish.holder);
    let first: PassivePort | undefined;
    let left = 0;
    for (const port of this.#range.bound) {
      if (!port.canServe(wish.rule)) continue;
      first ??= port;
      left += 1;
      if (left <= held) continue;
      this.#range.markUsed(first);
      return this.#reserveOn(first, wish);
    }
    return undefined;
  }

  /** Ports that nobody else can have because of it, for now. */
  #heldBy(holder: string | undefined): number {
    if (holder === undefined) return 0;
    let held = 0;
    for (const port of this.#range.bound) held += port.countHeldBy(holder);
    return held;
  }

  #reserveOn(port: PassivePort, { rule, hasHeader, holder, mode }: Wish): Reservation {
    const { clock, onOutcome } = this.#options;
    const reservedMs = clock.monotonicMs();
    const reservation = new PendingReservation({
      port: port.number,
      rule,
      hasHeader,
      holder,
      clock,
      timeouts: this.#limits,
      onPortFree: (done, how) => {
        port.remove(done, how);
        if (how === 'connected') {
          onOutcome?.(mode, 'connected', (clock.monotonicMs() - reservedMs) / 1000);
        }
        this.#serveWaiting();
      },
      onTimeout: () => onOutcome?.(mode, 'timeout'),
    });
    port.add(reservation);
    return reservation;
  }

  async #wait(wish: Wish, signal: AbortSignal | undefined): Promise<Reservation> {
    const waiting = this.#queue.wait(wish, signal);
    this.#serveWhenCooled();
    this.#range.grow();
    try {
      return await waiting;
    } catch (error) {
      const isLate = error instanceof FtpError && error.kind === 'no-port';
      if (isLate) this.#options.onOutcome?.(wish.mode, 'no-port');
      throw error;
    }
  }

  #serveWaiting(): void {
    this.#queue.serve((wish) => this.#tryReserve(wish));
    this.#serveWhenCooled();
  }

  #serveWhenCooled(): void {
    this.#coolTimer?.cancel();
    this.#coolTimer = undefined;
    if (this.#isClosed || this.#queue.size === 0) return;
    const times = [...this.#range.bound].flatMap((port) => port.coolsAtMs ?? []);
    if (times.length === 0) return;
    const { clock } = this.#options;
    const delayMs = Math.max(1, Math.min(...times) - clock.monotonicMs());
    this.#coolTimer = clock.setTimer(delayMs, () => this.#serveWaiting());
  }
}

const noNetworks: PeerNetworks = { containsBoth: () => false };

function closedError(): FtpError {
  return new FtpError('closed', 'the passive ports are closed');
}
