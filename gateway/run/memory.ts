/**
 * How much memory the parts of all transfers may use when the configuration does not say. Pure.
 *
 * The part pool takes pages only when they are touched and first at low addresses, so a generous limit
 * costs an idle gateway nothing; it only bounds what many simultaneous transfers can take.
 */
import { GiB, MiB } from '#gateway/kit/bytes.ts';

export interface MemoryFacts {
  /** The container's limit, or the machine's memory. */
  readonly availableBytes: number;
  /** What the process needs besides parts: heap, buffers of sessions, code. */
  readonly baseBytes: number;
}

/** Resident size of a gateway with a few hundred sessions and no part in memory. */
export const processBaseBytes: number = 150 * MiB;

const share = 0.75;
const chosenMemoryBytesMin: number = 16 * MiB;
const chosenMemoryBytesMax: number = GiB;

/** ¾ of what the base leaves, in whole MiB, from 16 MiB to 1 GiB. */
export function chooseUploadMemory(facts: MemoryFacts): number {
  const leftBytes = Math.max(0, facts.availableBytes - facts.baseBytes);
  const wholeBytes = Math.floor((leftBytes * share) / MiB) * MiB;
  return Math.min(chosenMemoryBytesMax, Math.max(chosenMemoryBytesMin, wholeBytes));
}
