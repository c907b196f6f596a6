/**
 * Which units of the pool are free, as a sorted list of runs. Pure bookkeeping: first fit at the lowest
 * address, because a page of the pool costs real memory from its first use on, and low pages already do.
 */
import { assert } from '#gateway/kit/assert.ts';

export interface Extent {
  readonly start: number;
  readonly units: number;
}

export class Extents {
  readonly totalUnits: number;
  #free: Extent[];
  #freeUnits: number;

  constructor(totalUnits: number) {
    this.totalUnits = totalUnits;
    this.#free = [{ start: 0, units: totalUnits }];
    this.#freeUnits = totalUnits;
  }

  get freeUnits(): number {
    return this.#freeUnits;
  }

  /** The lowest run of exactly `units`, or undefined when no free run is that long. */
  take(units: number): Extent | undefined {
    const index = this.#free.findIndex((run) => run.units >= units);
    const run = this.#free[index];
    if (!run) return undefined;
    const rest = { start: run.start + units, units: run.units - units };
    this.#free.splice(index, 1, ...(rest.units > 0 ? [rest] : []));
    this.#freeUnits -= units;
    return { start: run.start, units };
  }

  /** The longest free run, cut to `unitsMax`, or undefined when it is shorter than `unitsMin`. */
  takeLongest(unitsMin: number, unitsMax: number): Extent | undefined {
    const longest = this.#free.reduce((most, run) => Math.max(most, run.units), 0);
    return longest >= unitsMin ? this.take(Math.min(longest, unitsMax)) : undefined;
  }

  give(extent: Extent): void {
    const end = extent.start + extent.units;
    const index = this.#free.findIndex((run) => run.start >= extent.start);
    const at = index === -1 ? this.#free.length : index;
    const before = this.#free[at - 1];
    const after = this.#free[at];
    assert(
      (!before || before.start + before.units <= extent.start) && (!after || end <= after.start),
      'memory is given back once',
    );
    const joinsBefore = before !== undefined && before.start + before.units === extent.start;
    const joinsAfter = after !== undefined && after.start === end;
    const joined = {
      start: joinsBefore ? before.start : extent.start,
      units: extent.units + (joinsBefore ? before.units : 0) + (joinsAfter ? after.units : 0),
    };
    this.#free.splice(at - (joinsBefore ? 1 : 0), Number(joinsBefore) + Number(joinsAfter), joined);
    this.#freeUnits += extent.units;
  }
}
