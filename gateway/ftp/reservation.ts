/**
 * One session's claim on a passive port, from the reply to PASV until its data connection is handed over.
 *
 * It ends exactly once: handed over, given back, or run out. A connection that came before STOR is held,
 * unread, for a bounded time. It must never hand out a connection twice or leave one open that nobody
 * will take.
 */
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock, Timer } from '#gateway/kit/clock.ts';
import { resetSocket } from '#gateway/kit/reset-socket.ts';
import type { AcceptOptions, DataSource } from './data-source.ts';
import { FtpError } from './errors.ts';
import type { PeerRule } from './peer-rule.ts';

/**
 * What a session sees of its passive port. `accept` also rejects with FtpError `reservation-gone` (given
 * back, replaced or run out) and `closed`.
 */
export interface Reservation extends DataSource {
  readonly port: number;
}

export interface ReservationTimeouts {
  /** Until the client connects, while no transfer waits for it. Default 15 s: SYN retries take 7. */
  readonly unusedMs: number;
  /** From the client's connection to the transfer command. Default 60 s. */
  readonly heldMs: number;
}

export const defaultReservationTimeouts: ReservationTimeouts = { unusedMs: 15_000, heldMs: 60_000 };

export interface ReservationParts {
  readonly port: number;
  readonly rule: PeerRule;
  /** Whether a balancer announces the connection. */
  readonly hasHeader: boolean;
  /** Whom it is counted for. */
  readonly holder?: string | undefined;
  readonly clock: Clock;
  readonly timeouts: ReservationTimeouts;
  /**
   * The port may serve others again: once. `unused` when no connection came, so that one which is still
   * under way must not be given to the next session.
   */
  readonly onPortFree: (reservation: PendingReservation, how: 'connected' | 'unused') => void;
  /** `accept` waited in vain. */
  readonly onTimeout?: () => void;
}

type State =
  | { readonly name: 'awaited' }
  | { readonly name: 'held'; readonly socket: Socket }
  | { readonly name: 'over'; readonly kind: EndingKind };

interface Acceptor {
  readonly resolve: (socket: Socket) => void;
  readonly reject: (reason: unknown) => void;
}

/** The side of the port: connections are delivered here. */
export class PendingReservation implements Reservation {
  readonly port: number;
  readonly rule: PeerRule;
  readonly hasHeader: boolean;
  readonly holder: string | undefined;
  readonly #parts: ReservationParts;
  #state: State = { name: 'awaited' };
  #timer: Timer | undefined;
  #acceptor: Acceptor | undefined;

  constructor(parts: ReservationParts) {
    this.#parts = parts;
    this.port = parts.port;
    this.rule = parts.rule;
    this.hasHeader = parts.hasHeader;
    this.holder = parts.holder;
    this.#endAfter(parts.timeouts.unusedMs, 'reservation-gone');
  }

  /** Takes the client's connection over. Only while it is listed on its port. */
  deliver(socket: Socket): void {
    this.#stopTimer();
    this.#state = { name: 'held', socket };
    if (this.#acceptor) this.#handOver(socket, this.#acceptor);
    else this.#endAfter(this.#parts.timeouts.heldMs, 'reservation-gone');
    this.#parts.onPortFree(this, 'connected');
  }

  async accept(options: AcceptOptions): Promise<Socket> {
    const { signal } = options;
    const onAbort = () => this.#finish('reservation-gone', signal?.reason);
    try {
      return await new Promise<Socket>((resolve, reject) => {
        this.#acceptor = { resolve, reject };
        if (signal?.aborted) return onAbort();
        signal?.addEventListener('abort', onAbort, { once: true });
        this.#serve(this.#acceptor, options.timeoutMs);
      });
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  release(): void {
    this.#finish('reservation-gone');
  }

  /** The listener is closing. */
  close(): void {
    this.#finish('closed');
  }

  #serve(acceptor: Acceptor, timeoutMs: number): void {
    switch (this.#state.name) {
      case 'held':
        return this.#handOver(this.#state.socket, acceptor);
      case 'over':
        return acceptor.reject(endings[this.#state.kind]());
      case 'awaited':
        return this.#endAfter(timeoutMs, 'no-data-connection');
    }
  }

  #handOver(socket: Socket, acceptor: Acceptor): void {
    this.#stopTimer();
    this.#state = { name: 'over', kind: 'reservation-gone' };
    this.#acceptor = undefined;
    acceptor.resolve(socket);
  }

  /**
   * After a busy moment a deadline can fire in the same turn in which the kernel already has the
   * connection; one turn lets it in.
   */
  #endAfter(delayMs: number, kind: EndingKind): void {
    this.#timer?.cancel();
    const timer = this.#parts.clock.setTimer(delayMs, async () => {
      await turn();
      if (this.#timer === timer) this.#finish(kind);
    });
    this.#timer = timer;
  }

  #stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** @param reason what `accept` rejects with instead of the kind's own error. */
  #finish(kind: EndingKind, reason?: unknown): void {
    const state = this.#state;
    this.#stopTimer();
    if (state.name !== 'over') this.#state = { name: 'over', kind };
    this.#acceptor?.reject(reason ?? endings[kind]());
    if (state.name === 'held') resetSocket(state.socket);
    if (state.name !== 'awaited') return;
    if (kind === 'no-data-connection') this.#parts.onTimeout?.();
    this.#parts.onPortFree(this, 'unused');
  }
}

type EndingKind = 'no-data-connection' | 'reservation-gone' | 'closed';

const endings = {
  'no-data-connection': () =>
    new FtpError('no-data-connection', 'the client did not open its data connection in time'),
  'reservation-gone': () => new FtpError('reservation-gone', 'the passive port was given up'),
  closed: () => new FtpError('closed', 'the passive ports are closed'),
} as const satisfies Record<EndingKind, () => FtpError>;
