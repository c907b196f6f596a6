/** What is said of a file that is too long, and which of two limits it was: the account's or the memory's. */
import { formatBytes } from '#gateway/kit/bytes.ts';
import { TransferError } from './errors.ts';
import { partsMax } from './plan.ts';
import type { UploadOptions } from './upload-options.ts';

/** @param reachedBytes the lesser of the two limits. */
export function tooLarge(
  { limitBytes, plan, pool }: Pick<UploadOptions, 'limitBytes' | 'plan' | 'pool'>,
  reachedBytes: number,
): TransferError {
  const limit = `${reachedBytes} bytes (${formatBytes(reachedBytes)})`;
  if (limitBytes <= plan.reachableBytes) {
    return new TransferError('too-large', `the file exceeds the limit of ${limit} for one file`);
  }
  const memory = formatBytes(pool.limitBytes);
  return new TransferError(
    'too-large',
    `the file exceeds ${limit}, which ${partsMax} parts reach with ${memory} of upload memory`,
    { hint: 'Raise upload_memory to accept larger files.' },
  );
}
