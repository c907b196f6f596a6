/** Request ids in the form COS gives them: base64 of four hexadecimal numbers. Unique within a process. */
import type { Clock } from '#gateway/kit/clock.ts';

/** The next id with every call. */
export function createRequestIds(clock: Clock): () => string {
  const process = Math.floor(clock.now() % 0xffff_ffff).toString(16);
  let number = 0;
  return () => {
    const seconds = Math.floor(clock.now() / 1000).toString(16);
    return Buffer.from(`${seconds}_${process}_c05d_${(++number).toString(16)}`).toString('base64');
  };
}
