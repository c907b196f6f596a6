/** What the passive ports are given and asked for, their bounds, and how they are counted. No code. */
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import type { PortChoice, RangeLimits } from './passive-range.ts';
import type { PeerNetworks, PeerPolicy } from './peer-rule.ts';
import type { PortQueueLimits } from './port-queue.ts';
import type { ProxyDoor } from './proxy-door.ts';
import { defaultReservationTimeouts, type ReservationTimeouts } from './reservation.ts';

/** By which command the client asked. */
export type PassiveMode = 'pasv' | 'epsv';
/** `timeout`: a transfer waited for the client in vain. Reservations nobody used are not counted. */
export type PassiveOutcome = 'connected' | 'timeout' | 'no-port';

export interface PassivePortsOptions {
  readonly ports: PortChoice;
  /** Address to listen on. Default `::`, all addresses of both families; IPv4 alone where IPv6 is off. */
  readonly host?: string;
  /** For the policy `network`. Default none. */
  readonly networks?: PeerNetworks;
  readonly clock: Clock;
  readonly log: Log;
  /** Before data connections, where balancers announce whose they are. Closed with the ports. */
  readonly door?: ProxyDoor;
  /** A connection nobody reserved a port for was closed: for metrics. */
  readonly onStranger?: () => void;
  /** For metrics; `waitSeconds` from the reservation to the client's connection. */
  readonly onOutcome?: (mode: PassiveMode, outcome: PassiveOutcome, waitSeconds?: number) => void;
  readonly limits?: Partial<PassivePortsLimits>;
}

export interface PassivePortsLimits extends ReservationTimeouts, RangeLimits, PortQueueLimits {}

export const defaultPassivePortsLimits: PassivePortsLimits = {
  ...defaultReservationTimeouts,
  waitMs: 5_000,
  waitingMax: 1024,
  waitingOfHolderMax: 256,
  coolDownMs: 2_000,
  boundAtStartMax: 256,
  growPorts: 64,
  rebindMs: 30_000,
};

export interface ReserveOptions {
  /** Address of the control connection. */
  readonly peer: string;
  /** Whether a balancer announced it; then it announces the data connection too. Default false. */
  readonly hasHeader?: boolean;
  readonly policy: PeerPolicy;
  /**
   * Whom its ports are counted for, any text: an account at an address. Who holds many gets no further one
   * while fewer are left for others. Absent: not counted.
   */
  readonly holder?: string;
  /** Only for `onOutcome`. Default epsv. */
  readonly mode?: PassiveMode;
  /** Ends the waiting; the reservation itself is ended by `release`. */
  readonly signal?: AbortSignal;
}

/** Every port of the range is in exactly one of the first three. */
export interface PassivePortCounts {
  /** Reserved by at least one session whose client has not connected yet. */
  readonly busy: number;
  readonly free: number;
  /** Not bound: taken by another process, or not needed yet. */
  readonly unbound: number;
  /** Sessions waiting for a port. */
  readonly waiting: number;
}
