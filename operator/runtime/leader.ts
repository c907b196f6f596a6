/**
 * Election by a Lease, so that of several operators one writes. Whether another one is still alive is
 * judged by how long its record has not changed on our own clock; clocks of other machines mean nothing.
 * Leadership that cannot be renewed in time is given up before anybody else may take it.
 */
import { type Clock, sleep } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import type { KubeClient } from './client.ts';
import { isKubeError, KubeError } from './errors.ts';
import { type Lease, type LeaseSpec, leaseKind, leaseWith, microTime } from './lease.ts';

export interface LeaderOptions {
  /** Must know `leaseKind`. */
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  /** Of this process, and of no other: the pod's name and something random. */
  readonly identity: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Told every change. */
  readonly onChange?: (isLeader: boolean) => void;
  /** An unchanged record counts as abandoned after this. Default 15 s. */
  readonly leaseMs?: number;
  /** Leadership that could not be renewed for so long is given up; less than leaseMs. Default 10 s. */
  readonly renewLimitMs?: number;
  /** Between tries. Default 2 s. */
  readonly retryMs?: number;
}

/** `stopped`: the signal aborted. `lost`: another one leads, or may; the process should end. */
export type LeadershipEnd = 'stopped' | 'lost';

export class Leader {
  readonly #options: Required<Omit<LeaderOptions, 'onChange'>> & Pick<LeaderOptions, 'onChange'>;
  /** The last record seen, and since when it has been the same. */
  #seen: { readonly lease: Lease; readonly sinceMs: number } | undefined;
  #isLeader = false;

  constructor(options: LeaderOptions) {
    this.#options = { leaseMs: 15_000, renewLimitMs: 10_000, retryMs: 2_000, ...options };
  }

  get isLeader(): boolean {
    return this.#isLeader;
  }

  /** Who leads, as far as known. */
  get holder(): string | undefined {
    return this.#seen?.lease.spec?.holderIdentity;
  }

  /**
   * Waits for leadership and then calls `work` once, whose signal aborts when leadership is lost or the
   * outer signal aborts. Waits for its end; after an orderly stop the Lease is free at once.
   * @throws what `work` throws, unless its signal had aborted.
   */
  async lead(
    work: (signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<LeadershipEnd> {
    const { log, name, onChange } = this.#options;
    const acquiredMs = await this.#acquire(signal);
    if (acquiredMs === undefined) return 'stopped';
    this.#isLeader = true;
    onChange?.(true);
    log.info({ lease: name }, 'leading');
    const lost = new AbortController();
    const finished = new AbortController();
    const end = AbortSignal.any([signal, lost.signal]);
    const renewing = this.#renew(acquiredMs, finished.signal).then((isLost) => {
      if (isLost) lost.abort(new KubeError('conflict', 'no longer the leader'));
    });
    try {
      await work(end);
    } catch (error) {
      if (!end.aborted) throw error;
    } finally {
      // Renewed until the work has really ended: nobody else may begin before that.
      this.#isLeader = false;
      finished.abort();
      await renewing;
      onChange?.(false);
      if (!lost.signal.aborted) await this.#release();
    }
    return lost.signal.aborted ? 'lost' : 'stopped';
  }

  /** @returns when the request that won began, or undefined when the signal aborted. */
  async #acquire(signal: AbortSignal): Promise<number | undefined> {
    const { clock, log, retryMs } = this.#options;
    let holderTold: string | undefined;
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      if ((await this.#attempt(startedMs, signal)) === 'held') return startedMs;
      if (this.holder !== holderTold) {
        holderTold = this.holder;
        log.info({ holder: holderTold }, 'waiting for leadership');
      }
      await this.#pause(retryMs, signal);
    }
    return undefined;
  }

  /** @returns true when leadership is lost, false when there is nothing to renew any more. */
  async #renew(acquiredMs: number, signal: AbortSignal): Promise<boolean> {
    const { clock, log, renewLimitMs, retryMs } = this.#options;
    let renewedMs = acquiredMs;
    for (;;) {
      const leftMs = renewedMs + renewLimitMs - clock.monotonicMs();
      await this.#pause(Math.max(0, Math.min(retryMs, leftMs)), signal);
      if (signal.aborted) return false;
      const startedMs = clock.monotonicMs();
      const result = await this.#attempt(renewedMs, signal);
      if (signal.aborted) return false;
      if (result === 'held') renewedMs = startedMs;
      const isOver = clock.monotonicMs() - renewedMs >= renewLimitMs;
      if (result === 'other' || (result === 'failed' && isOver)) {
        log.error({ holder: this.holder, reason: result }, 'leadership lost');
        return true;
      }
    }
  }

  /**
   * One try to take or renew the Lease.
   * @param sinceMs since when time counts: the try ends when the renew limit has passed since then.
   */
  async #attempt(sinceMs: number, signal: AbortSignal): Promise<'held' | 'other' | 'failed'> {
    const { clock, log, renewLimitMs } = this.#options;
    const limit = new AbortController();
    const leftMs = Math.max(1, sinceMs + renewLimitMs - clock.monotonicMs());
    const timer = clock.setTimer(leftMs, () => {
      limit.abort(new KubeError('timeout', 'the lease was not answered in time'));
    });
    try {
      return await this.#take(AbortSignal.any([signal, limit.signal]));
    } catch (error) {
      // Somebody was faster: the next look will tell who.
      if (isKubeError(error, 'conflict') || isKubeError(error, 'already-exists')) return 'failed';
      if (!signal.aborted) log.warn({ error }, 'lease not reached');
      return 'failed';
    } finally {
      timer.cancel();
    }
  }

  async #take(signal: AbortSignal): Promise<'held' | 'other'> {
    const { client, clock, identity } = this.#options;
    const lease = await this.#read(signal);
    if (!lease) {
      const first = {
        holderIdentity: identity,
        leaseTransitions: 0,
        acquireTime: microTime(clock),
      };
      this.#note(await client.create<Lease>(this.#leaseWith(first), { signal }));
      return 'held';
    }
    this.#note(lease);
    const { spec = {} } = lease;
    const isOurs = spec.holderIdentity === identity;
    if (!isOurs && !this.#isAbandoned(spec)) return 'other';
    const next: LeaseSpec = isOurs
      ? spec
      : {
          holderIdentity: identity,
          acquireTime: microTime(clock),
          leaseTransitions: (spec.leaseTransitions ?? 0) + 1,
        };
    this.#note(await client.replace<Lease>(this.#leaseWith(next, lease), { signal }));
    return 'held';
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    const { client, name, namespace } = this.#options;
    try {
      return await client.get<Lease>({ kind: leaseKind, namespace, name }, { signal });
    } catch (error) {
      if (isKubeError(error, 'not-found')) return undefined;
      throw error;
    }
  }

  #note(lease: Lease): void {
    const version = lease.metadata?.resourceVersion;
    if (this.#seen && this.#seen.lease.metadata?.resourceVersion === version) return;
    this.#seen = { lease, sinceMs: this.#options.clock.monotonicMs() };
  }

  /** Given back, or unchanged for as long as its holder itself promised to need at most. */
  #isAbandoned({ holderIdentity = '', leaseDurationSeconds }: LeaseSpec): boolean {
    if (holderIdentity === '' || !this.#seen) return holderIdentity === '';
    const { clock, leaseMs } = this.#options;
    const limitMs = Math.max(leaseMs, (leaseDurationSeconds ?? 0) * 1000);
    return clock.monotonicMs() - this.#seen.sinceMs >= limitMs;
  }

  #leaseWith(spec: LeaseSpec, current?: Lease): Lease {
    const { clock, leaseMs, name, namespace } = this.#options;
    return leaseWith(spec, { metadata: current?.metadata ?? { name, namespace }, clock, leaseMs });
  }

  /** Reads first: a renewal that was cut off may have been carried out. */
  async #release(): Promise<void> {
    const { client, clock, identity, log, renewLimitMs } = this.#options;
    const limit = new AbortController();
    const timer = clock.setTimer(Math.min(renewLimitMs, 2_000), () => limit.abort());
    try {
      const lease = await this.#read(limit.signal);
      if (lease?.spec?.holderIdentity !== identity) return;
      const free = this.#leaseWith({ ...lease.spec, holderIdentity: '' }, lease);
      await client.replace(free, { signal: limit.signal });
      log.info({}, 'leadership given back');
    } catch (error) {
      log.warn({ error }, 'leadership not given back');
    } finally {
      timer.cancel();
    }
  }

  async #pause(delayMs: number, signal: AbortSignal): Promise<void> {
    try {
      await sleep(this.#options.clock, delayMs, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
