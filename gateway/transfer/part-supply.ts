/**
 * Where an upload's next part comes from: the size the plan wants, from memory the pool has. Never asks
 * for more than may still arrive, and always for the one byte that is too much, so that it is noticed.
 */
import type { GrantOptions, PartBuffer, PartPool } from './budget.ts';
import { FillingPart } from './part.ts';
import { type PartPlan, partsMax } from './plan.ts';
import { starterBytes } from './starters.ts';

export interface PartSupplyOptions {
  readonly pool: PartPool;
  readonly plan: PartPlan;
  readonly limitBytes: number;
  readonly expectedBytes: number | undefined;
}

export class PartSupply {
  readonly #options: PartSupplyOptions;

  constructor(options: PartSupplyOptions) {
    this.#options = options;
  }

  /**
   * A small beginning instead of part 1, always at once; undefined when there is none, or when the file
   * is known to be longer.
   */
  tryStarter(): FillingPart | undefined {
    const { pool, expectedBytes = 0 } = this.#options;
    const buffer = expectedBytes > starterBytes ? undefined : pool.starters.tryTake();
    return buffer && this.#part(1, buffer);
  }

  /** At once, or undefined when it would have to wait. */
  tryNext(number: number, beforeBytes: number): FillingPart | undefined {
    const buffer = this.#options.pool.tryAcquire(this.#request(number, beforeBytes));
    return buffer && this.#part(number, buffer);
  }

  /** @throws TransferError `no-memory`, `aborted` */
  async next(number: number, beforeBytes: number, options: GrantOptions): Promise<FillingPart> {
    const request = this.#request(number, beforeBytes);
    return this.#part(number, await this.#options.pool.acquire(request, options));
  }

  #request(number: number, beforeBytes: number): { bytes: number; leastBytes: number } {
    const { plan, limitBytes, expectedBytes } = this.#options;
    const wish = plan.request(Math.min(partsMax, number), beforeBytes, expectedBytes);
    const restBytes = limitBytes - beforeBytes + 1;
    return {
      bytes: Math.min(wish.bytes, restBytes),
      leastBytes: Math.min(wish.leastBytes, restBytes),
    };
  }

  #part(number: number, buffer: PartBuffer): FillingPart {
    return new FillingPart(number, buffer, this.#options.pool.crc);
  }
}
