/**
 * What the files of simulations are cut out of. Equal offsets make equal beginnings, so overwriting with
 * the same content happens. Checksums of whole blocks are kept: most of a run's time would go into them.
 */
import { KiB, MiB } from '#gateway/kit/bytes.ts';
import { type SeededRandom, seededRandom } from '#test/support/random.ts';
import { type Body, bodyOf, join } from './body.ts';

export interface Stuff {
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

const whole = seededRandom(4711).bytes(12 * MiB);
const blockBytes = 64 * KiB;
const blocks = new Map<number, Body>();

/** @param sizeBytes up to 4 MiB and a little. */
export function drawStuff(random: SeededRandom, sizeBytes: number): Stuff {
  return { offsetBytes: random.between(0, 7) * MiB, sizeBytes };
}

export function bytesOf({ offsetBytes, sizeBytes }: Stuff): Uint8Array {
  return whole.subarray(offsetBytes, offsetBytes + sizeBytes);
}

export function stuffBody({ offsetBytes, sizeBytes }: Stuff): Body {
  const bodies: Body[] = [];
  const endBytes = offsetBytes + sizeBytes;
  let at = offsetBytes;
  for (; at + blockBytes <= endBytes; at += blockBytes) bodies.push(blockAt(at));
  return join([...bodies, bodyOf(whole.subarray(at, endBytes))]);
}

function blockAt(offset: number): Body {
  let block = blocks.get(offset);
  if (!block) {
    block = bodyOf(whole.subarray(offset, offset + blockBytes));
    blocks.set(offset, block);
  }
  return block;
}
