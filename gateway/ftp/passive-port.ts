/**
 * One listening port that several reservations share. It decides whose connection one is, by the address
 * it came from, and closes everybody else's without any effect on a session.
 *
 * It must survive connections that are gone before they are looked at: their address is undefined.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '#gateway/kit/clock.ts';
import { listenPlace } from '#gateway/kit/listen-place.ts';
import { resetSocket } from '#gateway/kit/reset-socket.ts';
import { keepAliveDelayMs } from './control-socket.ts';
import { areConfusable, type PeerRule } from './peer-rule.ts';
import { type Arrival, arrivalOf, type ProxyDoor } from './proxy-door.ts';
import type { PendingReservation } from './reservation.ts';

export interface PassivePortOptions {
  /** 0: any free port. */
  readonly port: number;
  readonly host: string;
  readonly clock: Clock;
  /** Where balancers announce whose connection it is. */
  readonly door?: ProxyDoor | undefined;
  /** A port keeps away from a client that could still be connecting for an unused reservation. */
  readonly coolDownMs: number;
  /** A connection nobody reserved a port for was closed. */
  readonly onStranger: (address: string, port: number) => void;
  /** The listener failed after it was bound. */
  readonly onError: (error: Error, port: number) => void;
}

/**
 * At most one on a port: reservations that could be confused never share it. The address of a peer that is
 * gone already is empty. A client behind a balancer comes that way again, so that no file begins with a
 * header that was taken for bytes.
 */
function isFor(arrival: Arrival, { rule, hasHeader }: PendingReservation): boolean {
  const { peerAddress } = arrival;
  return peerAddress !== '' && arrival.hasHeader === hasHeader && rule.accepts(peerAddress);
}

/** A reservation that ended before its connection came. */
interface Unused {
  readonly rule: PeerRule;
  readonly holder: string | undefined;
  readonly untilMs: number;
}

export class PassivePort {
  readonly #options: PassivePortOptions;
  readonly #server: Server;
  readonly #open = new Set<PendingReservation>();
  readonly #unused = new Set<Unused>();
  #number: number;

  /** @throws what `listen` reports: EADDRINUSE, EACCES, … */
  static async bind(options: PassivePortOptions): Promise<PassivePort> {
    const port = new PassivePort(options);
    await port.#listen();
    return port;
  }

  private constructor(options: PassivePortOptions) {
    this.#options = options;
    this.#number = options.port;
    this.#server = createServer(
      {
        pauseOnConnect: true,
        allowHalfOpen: true,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: keepAliveDelayMs,
      },
      (socket) => this.#onConnection(socket),
    );
  }

  /** Asked of the system once. */
  get number(): number {
    return this.#number;
  }

  get isBusy(): boolean {
    return this.#open.size > 0;
  }

  /** Whether no connection for this rule could be taken for another reservation's, open or just ended. */
  canServe(rule: PeerRule): boolean {
    this.#forgetCooled();
    for (const { rule: other } of this.#open) if (areConfusable(rule, other)) return false;
    for (const { rule: other } of this.#unused) if (areConfusable(rule, other)) return false;
    return true;
  }

  /** Reservations of the holder, open or cooling down. */
  countHeldBy(holder: string): number {
    this.#forgetCooled();
    let held = 0;
    for (const reservation of this.#open) if (reservation.holder === holder) held += 1;
    for (const unused of this.#unused) if (unused.holder === holder) held += 1;
    return held;
  }

  /**
   * When the next cool-down of this port ends, on the monotonic clock; undefined without one. In the past
   * when it ended since a port was last looked for: who waits must then look again, not wait for nothing.
   */
  get coolsAtMs(): number | undefined {
    let earliest: number | undefined;
    for (const { untilMs } of this.#unused) earliest = Math.min(earliest ?? untilMs, untilMs);
    return earliest;
  }

  add(reservation: PendingReservation): void {
    this.#open.add(reservation);
  }

  remove(reservation: PendingReservation, how: 'connected' | 'unused'): void {
    if (!this.#open.delete(reservation) || how === 'connected') return;
    const untilMs = this.#options.clock.monotonicMs() + this.#options.coolDownMs;
    const { rule, holder } = reservation;
    this.#unused.add({ rule, holder, untilMs });
  }

  /** Stops listening and ends what is reserved; connections already handed over live on. */
  close(): void {
    this.#server.close();
    for (const reservation of this.#open) reservation.close();
  }

  #listen(): Promise<void> {
    const { port, host } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ ...listenPlace(host, port), exclusive: true }, () => {
        this.#server.off('error', reject);
        this.#number = (this.#server.address() as AddressInfo).port;
        this.#server.on('error', (error) => this.#options.onError(error, this.number));
        resolve();
      });
    });
  }

  #onConnection(socket: Socket): void {
    // Stays for the whole life of the socket: a reset can come at any moment and must not end the process.
    socket.on('error', () => undefined);
    const { door } = this.#options;
    const expectedBy = [...this.#open];
    if (!door) return this.#deliver(socket, arrivalOf(socket), expectedBy);
    void door.admit(socket).then((arrival) => {
      if (arrival) this.#deliver(socket, arrival, expectedBy);
    });
  }

  /** @param expectedBy reservations of the moment it came: a header must not lead it to a later one. */
  #deliver(socket: Socket, arrival: Arrival, expectedBy: readonly PendingReservation[]): void {
    const owner = expectedBy.find(
      (reservation) => this.#open.has(reservation) && isFor(arrival, reservation),
    );
    if (owner) return owner.deliver(socket);
    resetSocket(socket);
    this.#options.onStranger(arrival.peerAddress, this.number);
  }

  #forgetCooled(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const unused of this.#unused) if (unused.untilMs <= nowMs) this.#unused.delete(unused);
  }
}
