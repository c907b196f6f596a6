/**
 * One gateway process of a simulation: memory, markers and janitor as `gateway/run` puts them together,
 * on a clock that stops when the process is killed.
 */
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import { MarkedStore } from '#gateway/storage/marked-store.ts';
import type { ObjectStore } from '#gateway/storage/object-store.ts';
import type { MarkerOwner } from '#gateway/storage/upload-marker.ts';
import { PartPool } from '#gateway/transfer/budget.ts';
import { runJanitor } from '#gateway/transfer/janitor-rounds.ts';
import type { SimulatedCos } from './cos.ts';
import type { Weather } from './fault.ts';
import { SimulatedStore, type SimulatedStoreOptions, type StoreObserver } from './store.ts';

/** The jail that all gateways of a run share. */
export const prefix = 'jail/';

export interface World {
  readonly clock: Clock;
  readonly cos: SimulatedCos;
  readonly weather: Weather;
  /** In [0, 1): jitter of retries. */
  readonly random: () => number;
  readonly log: Log;
}

export class Gateway {
  readonly name: string;
  readonly clock: Clock;
  readonly pool: PartPool;
  readonly #world: World;
  readonly #owner: MarkerOwner;
  readonly #live = new Set<string>();
  readonly #killed = new AbortController();
  readonly #closing = new AbortController();
  #markers = 0;

  constructor(
    world: World,
    owner: MarkerOwner,
    memory: { readonly memoryBytes: number; readonly poisonReleased: boolean },
  ) {
    this.name = `${owner.instance}/${owner.run}`;
    this.#world = world;
    this.#owner = owner;
    this.clock = {
      now: () => world.clock.now(),
      monotonicMs: () => world.clock.monotonicMs(),
      setTimer: (delayMs, fire) =>
        world.clock.setTimer(delayMs, () => {
          if (!this.#killed.signal.aborted) fire();
        }),
    };
    const { memoryBytes, poisonReleased } = memory;
    this.pool = new PartPool({ memoryBytes, poisonReleased, clock: this.clock });
  }

  get isKilled(): boolean {
    return this.#killed.signal.aborted;
  }

  /** @param options who asks, and for whom. */
  rawStore(
    options: Pick<SimulatedStoreOptions, 'name' | 'observer' | 'copiesAreTrue'>,
  ): SimulatedStore {
    const { cos, weather, random, clock: worldClock } = this.#world;
    const killed = this.#killed.signal;
    const { clock } = this;
    return new SimulatedStore({ cos, weather, worldClock, clock, random, killed, ...options });
  }

  /** Its uploads are marked. */
  mark(store: ObjectStore): MarkedStore {
    const { random, log } = this.#world;
    return new MarkedStore({
      store,
      prefix,
      owner: this.#owner,
      clock: this.clock,
      log,
      live: this.#live,
      nextNumber: () => ++this.#markers,
      random,
    });
  }

  /** In the background until `close` or `kill`. */
  startJanitor(observer: StoreObserver): void {
    const store = this.rawStore({ name: `janitor of ${this.name}`, observer });
    void runJanitor({
      owner: this.#owner,
      clock: this.clock,
      log: this.#world.log,
      live: this.#live,
      targets: () => [{ store, prefix }],
      signal: this.#closing.signal,
    });
  }

  close(): void {
    this.#closing.abort();
  }

  /** SIGKILL: nothing of it goes on but what COS has. */
  kill(): void {
    this.#killed.abort();
  }
}
