/**
 * The listening ports behind the passive range: which are bound, which still could be, which failed.
 * A small range is bound at once, a large one in steps as sessions need it.
 *
 * A port that cannot be bound is skipped, logged once and tried again; it never stops the process.
 */

import type { Clock, Timer } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import { PassivePort } from './passive-port.ts';
import type { ProxyDoor } from './proxy-door.ts';

export type PortChoice =
  /** Both included. */
  | { readonly first: number; readonly last: number }
  /** That many free ports of the system's choice. */
  | { readonly ephemeral: number };

export interface RangeLimits {
  /** Ranges with more ports than this bind only some at start. Default 256. */
  readonly boundAtStartMax: number;
  /** How many those bind at start and whenever all are taken. Default 64. */
  readonly growPorts: number;
  /** When ports that could not be bound are tried again. Default 30 s. */
  readonly rebindMs: number;
  /** After an unused reservation its client may still be connecting. Default 2 s. */
  readonly coolDownMs: number;
}

export interface PassiveRangeOptions {
  readonly ports: PortChoice;
  /** See kit/listen-place.ts for `::`. */
  readonly host: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: RangeLimits;
  readonly door?: ProxyDoor | undefined;
  readonly onStranger: () => void;
  /** More ports were bound. */
  readonly onGrown: () => void;
}

export class PassiveRange {
  readonly #options: PassiveRangeOptions;
  /** In the order of last use, the longest ago first. */
  readonly #bound = new Set<PassivePort>();
  /** Numbers to bind when more are needed. */
  #unbound: number[];
  readonly #failed = new Set<number>();
  #growing: Promise<void> | undefined;
  #rebindTimer: Timer | undefined;
  #isClosed = false;

  constructor(options: PassiveRangeOptions) {
    this.#options = options;
    this.#unbound = portNumbers(options.ports);
  }

  /** The least recently used first. */
  get bound(): ReadonlySet<PassivePort> {
    return this.#bound;
  }

  /** Ports of the range that are not bound. */
  get unboundCount(): number {
    return this.#unbound.length + this.#failed.size;
  }

  async open(): Promise<void> {
    const { boundAtStartMax, growPorts } = this.#options.limits;
    const total = this.#unbound.length;
    await this.#bindMore(total > boundAtStartMax ? growPorts : total);
    if (this.#bound.size === 0) this.#options.log.error({}, 'no passive port could be bound');
  }

  /** Binds more ports when there are any, in the background. */
  grow(): void {
    void this.#bindMore(this.#options.limits.growPorts);
  }

  markUsed(port: PassivePort): void {
    this.#bound.delete(port);
    this.#bound.add(port);
  }

  /** Stops listening; connections already handed over live on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#rebindTimer?.cancel();
    await this.#growing;
    for (const port of this.#bound) port.close();
    this.#bound.clear();
  }

  /** One batch at a time. */
  async #bindMore(count: number): Promise<void> {
    if (this.#growing || this.#isClosed || this.#unbound.length === 0) return;
    this.#growing = this.#bindUpTo(this.#bound.size + count);
    await this.#growing;
    this.#growing = undefined;
    this.#rebindLater();
    this.#options.onGrown();
  }

  async #bindUpTo(wanted: number): Promise<void> {
    while (this.#bound.size < wanted && this.#unbound.length > 0) {
      const batch = this.#unbound.splice(0, wanted - this.#bound.size);
      await Promise.all(batch.map((number) => this.#bind(number)));
    }
  }

  async #bind(number: number): Promise<void> {
    const { log } = this.#options;
    try {
      this.#bound.add(await this.#listenOn(number));
      if (this.#failed.delete(number)) log.info({ port: number }, 'passive port bound after all');
    } catch (error) {
      if (!this.#failed.has(number))
        log.warn({ err: error, port: number }, 'passive port not bound');
      this.#failed.add(number);
    }
  }

  async #listenOn(number: number): Promise<PassivePort> {
    const { host, clock, log, limits, door, onStranger } = this.#options;
    return PassivePort.bind({
      host,
      port: number,
      clock,
      door,
      coolDownMs: limits.coolDownMs,
      onStranger: (address: string, port: number) => {
        log.debug({ peer: address, port }, 'unexpected data connection closed');
        onStranger();
      },
      onError: (error: Error, port: number) =>
        log.error({ err: error, port }, 'passive port failed'),
    });
  }

  #rebindLater(): void {
    const { clock, limits } = this.#options;
    if (this.#isClosed || this.#failed.size === 0 || this.#rebindTimer) return;
    this.#rebindTimer = clock.setTimer(limits.rebindMs, () => {
      this.#rebindTimer = undefined;
      const failed = [...this.#failed].filter((number) => !this.#unbound.includes(number));
      this.#unbound.unshift(...failed);
      void this.#bindMore(failed.length);
    });
  }
}

function portNumbers(ports: PortChoice): number[] {
  if ('ephemeral' in ports) return Array.from({ length: ports.ephemeral }, () => 0);
  const { first, last } = ports;
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
