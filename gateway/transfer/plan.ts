/**
 * How large the parts of an upload are. Pure. Nobody knows how long an FTP upload will be, and COS takes
 * at most 10,000 parts (page 7750); so parts start small, for small files need little memory, grow soon
 * to a size at which the latency of COS does not matter, and then slowly, so that the 10,000th part
 * reaches the account's limit if the memory for parts allows it.
 *
 *     part       1  2  3  4      …                                   10,000
 *     MiB        1  2  4  8 8 8 8 8 9 9 9 9 9 9 10 10 …   at most memory/4
 *                └ ramp ┘└ cruise, one unit more every `partsPerStep` parts ┘
 */
import { assert } from '#gateway/kit/assert.ts';
import { MiB } from '#gateway/kit/bytes.ts';
import { type GrantRequest, unitBytes } from './budget.ts';

export const partsMax = 10_000;

/**
 * From this size on, 4 parts in flight over 50 ms of latency move 640 MiB/s, and larger parts gain
 * nothing but the ability to reach a larger file.
 */
const cruiseBytesDefault = 8 * MiB;

/** One upload takes at most a quarter of the memory with one part, so that it never stops the others. */
const memoryShare = 4;

/** The last twentieth of the reach is not worth the largest parts from the beginning. */
const reachShare = 0.95;

export interface PartPlanOptions {
  /** `min_part_size`: rounded up to whole MiB, cut to a quarter of the memory. Default 1 MiB. */
  readonly minPartBytes: number;
  /** `upload_memory`, or rather what the part pool made of it (`limitBytes`). */
  readonly memoryBytes: number;
  /** `single_file_max_size` of the account. */
  readonly limitBytes: number;
}

export interface PartPlan {
  /** Size of part `number` (1 to 10,000). */
  partBytes(number: number): number;
  /** All 10,000 parts together: no file of this plan can be longer. */
  readonly reachableBytes: number;
  readonly partBytesMax: number;
  /**
   * What to ask the pool for. A shorter grant is accepted as long as the parts that remain can still
   * reach `min(limitBytes, reachableBytes)`.
   * @param beforeBytes In the parts before this one.
   * @param expectedBytes Announced by ALLO: a file up to 8 MiB becomes one part, and so one request; a
   * larger one skips the ramp.
   */
  request(number: number, beforeBytes: number, expectedBytes?: number): Required<GrantRequest>;
}

export function partPlan(options: PartPlanOptions): PartPlan {
  const memoryUnits = Math.max(1, Math.floor(options.memoryBytes / unitBytes));
  const mostUnits = Math.max(1, Math.floor(memoryUnits / memoryShare));
  const leastUnits = clamp(Math.ceil(options.minPartBytes / unitBytes), 1, mostUnits);
  const cruiseUnits = clamp(cruiseBytesDefault / unitBytes, leastUnits, mostUnits);
  const ramp = rampUnits(leastUnits, cruiseUnits);
  const rampTotal = ramp.reduce((total, units) => total + units, 0);
  const growth: Growth = {
    parts: partsMax - ramp.length,
    firstUnits: cruiseUnits,
    mostUnits,
  };
  const mostTotal = Math.floor(totalUnits(growth, 1) * reachShare);
  const missingUnits = Math.ceil(options.limitBytes / unitBytes) - rampTotal;
  const partsPerStep = slowestGrowth(growth, Math.min(missingUnits, mostTotal));
  const reachableBytes = (rampTotal + totalUnits(growth, partsPerStep)) * unitBytes;
  const goalBytes = Math.min(options.limitBytes, reachableBytes);
  const partBytesMax = mostUnits * unitBytes;
  const cruiseBytes = cruiseUnits * unitBytes;

  function partBytes(number: number): number {
    assert(Number.isInteger(number) && number >= 1 && number <= partsMax, 'a part number of COS');
    const steps = Math.floor((number - 1 - ramp.length) / partsPerStep);
    return (ramp[number - 1] ?? Math.min(mostUnits, cruiseUnits + steps)) * unitBytes;
  }

  return {
    partBytes,
    reachableBytes,
    partBytesMax,
    request(number, beforeBytes, expectedBytes = 0) {
      const announcedBytes = clamp(wholeUnits(expectedBytes - beforeBytes), 0, cruiseBytes);
      const restBytes = goalBytes - beforeBytes - (partsMax - number) * partBytesMax;
      const leastBytes = clamp(wholeUnits(restBytes), leastUnits * unitBytes, partBytesMax);
      return { bytes: Math.max(partBytes(number), announcedBytes, leastBytes), leastBytes };
    },
  };
}

/** The longest file that fits into 10,000 parts of this memory: told at start and in the 552. */
export function reachableBytes(options: Omit<PartPlanOptions, 'limitBytes'>): number {
  return partPlan({ ...options, limitBytes: Number.MAX_SAFE_INTEGER }).reachableBytes;
}

interface Growth {
  readonly parts: number;
  readonly firstUnits: number;
  readonly mostUnits: number;
}

/** Doubles from `least` to just below `cruise`. */
function rampUnits(least: number, cruise: number): readonly number[] {
  const ramp: number[] = [];
  for (let units = least; units < cruise; units *= 2) ramp.push(units);
  return ramp;
}

/** Sum over all parts after the ramp: one unit more after every `partsPerStep` parts, up to the most. */
function totalUnits({ parts, firstUnits, mostUnits }: Growth, partsPerStep: number): number {
  const growing = Math.min(parts, partsPerStep * (mostUnits - firstUnits));
  const steps = Math.floor(growing / partsPerStep);
  const grown = (partsPerStep * steps * (steps - 1)) / 2 + (growing % partsPerStep) * steps;
  return growing * firstUnits + grown + (parts - growing) * mostUnits;
}

/** The largest step length whose sum reaches `units`, which that of the fastest growth, 1, does. */
function slowestGrowth(growth: Growth, units: number): number {
  let reaches = 1;
  let fails = growth.parts + 1;
  while (fails - reaches > 1) {
    const middle = Math.floor((reaches + fails) / 2);
    if (totalUnits(growth, middle) >= units) reaches = middle;
    else fails = middle;
  }
  return reaches;
}

function wholeUnits(bytes: number): number {
  return Math.ceil(bytes / unitBytes) * unitBytes;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
