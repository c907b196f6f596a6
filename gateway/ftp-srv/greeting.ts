/**
 * The first word to a client: 220, or 421 when the gateway is stopping or has all the sessions it may
 * have. A flood of clients must cost neither a flood of log lines nor places for those who are let in.
 */
import { SparseLog } from '#gateway/kit/sparse-log.ts';
import type { FtpServices } from './services.ts';
import type { Session } from './session.ts';
import type { ReachedLimit } from './session-limits.ts';

const refusals = {
  draining: 'Server is stopping',
  max_sessions: 'Too many sessions, try again later',
  max_sessions_per_address: 'Too many sessions from your address, close one first',
} as const satisfies Record<ReachedLimit | 'draining', string>;

/** Refused sessions that are still there, reading their 421. */
const refusedMax = 256;

export class Greeting {
  readonly #services: FtpServices;
  readonly #sparseLog: SparseLog;
  /** Greeted 421 and about to go: nobody waits for them. */
  readonly #refused = new Set<Session>();
  #isRefusing = false;

  constructor(services: FtpServices) {
    this.#services = services;
    this.#sparseLog = new SparseLog(services.log, services.clock);
  }

  /** From now on everybody is greeted 421. */
  refuseAll(): void {
    this.#isRefusing = true;
  }

  hasRefused(session: Session): boolean {
    return this.#refused.has(session);
  }

  /** It is gone. */
  forget(session: Session): void {
    this.#refused.delete(session);
  }

  async greet(session: Session): Promise<void> {
    const reached = this.#isRefusing
      ? 'draining'
      : this.#services.limits.enter(session, session.peerAddress);
    if (reached) return this.#refuse(session, reached);
    return session.reply(220, 'COS FTP gateway ready');
  }

  async #refuse(session: Session, reason: keyof typeof refusals): Promise<void> {
    this.#refused.add(session);
    this.#services.observer.sessionRefused(reason);
    const isStopping = reason === 'draining';
    if (!isStopping) this.#sparseLog.warn({ peer: session.peerAddress, reason }, 'session refused');
    // Whoever comes faster than it can be told reads nothing.
    if (this.#refused.size > refusedMax) return session.control.destroy();
    return session.close(421, refusals[reason], 'drain');
  }
}
