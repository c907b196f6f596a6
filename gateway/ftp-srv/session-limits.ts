/**
 * How many sessions there may be: in all, from one address, of one account. Counts only, so that neither
 * a flood of connections nor one busy client takes the places of everybody else.
 *
 * A session that was refused must never count: whoever is turned away again and again takes no place.
 */
import { customerOf } from '#gateway/kit/networks.ts';

/** 0: no limit. Asked for every session, so that they may change. */
export interface SessionLimitValues {
  readonly sessionsMax: number;
  readonly sessionsPerAddressMax: number;
  /** Addresses behind which many clients may stand: never counted by themselves. */
  readonly exempt: { contains(address: string): boolean };
}

/** By the word of the configuration. */
export type ReachedLimit = 'max_sessions' | 'max_sessions_per_address';

interface Place {
  readonly address: string;
  user?: string;
}

export class SessionLimits {
  readonly #values: () => SessionLimitValues;
  /** By session. */
  readonly #places = new Map<object, Place>();
  readonly #ofAddress = new Tally();
  readonly #ofUser = new Tally();

  constructor(values: () => SessionLimitValues) {
    this.#values = values;
  }

  /** Gives the session a place, or tells the limit that is reached. @param peer its client's address. */
  enter(session: object, peer: string): ReachedLimit | undefined {
    const { sessionsMax, sessionsPerAddressMax, exempt } = this.#values();
    const address = customerOf(peer);
    if (sessionsMax > 0 && this.#places.size >= sessionsMax) return 'max_sessions';
    const isFull =
      sessionsPerAddressMax > 0 && this.#ofAddress.of(address) >= sessionsPerAddressMax;
    if (isFull && !exempt.contains(peer)) return 'max_sessions_per_address';
    this.#places.set(session, { address });
    this.#ofAddress.add(address);
    return undefined;
  }

  /** Counts it for its account. @returns false when that has `sessionsMax` already; 0: no limit. */
  logIn(session: object, user: string, sessionsMax: number): boolean {
    this.logOut(session);
    if (sessionsMax > 0 && this.#ofUser.of(user) >= sessionsMax) return false;
    const place = this.#places.get(session);
    if (!place) return true;
    place.user = user;
    this.#ofUser.add(user);
    return true;
  }

  /** Idempotent. */
  logOut(session: object): void {
    const place = this.#places.get(session);
    if (place?.user === undefined) return;
    this.#ofUser.remove(place.user);
    delete place.user;
  }

  /** Gives the place back. Idempotent, and nothing for a session that got none. */
  leave(session: object): void {
    this.logOut(session);
    const place = this.#places.get(session);
    if (!place) return;
    this.#ofAddress.remove(place.address);
    this.#places.delete(session);
  }
}

/** How many of each; what there is none of takes no memory. */
class Tally {
  readonly #counts = new Map<string, number>();

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  add(name: string): void {
    this.#counts.set(name, this.of(name) + 1);
  }

  remove(name: string): void {
    const left = this.of(name) - 1;
    if (left > 0) this.#counts.set(name, left);
    else this.#counts.delete(name);
  }
}
