/** Failures of the medium under a shelf. COS has no code of its own for them: clients see InternalError. */
import { describeError, KindError, systemCode } from '#gateway/kit/errors.ts';

export type ShelfErrorKind =
  /** The bound of the memory shelf, or no space left on the disk. */
  | 'full'
  /** Another process keeps its data in this directory. */
  | 'in-use'
  /** Any other failure to read or write. */
  | 'io'
  /** What was kept cannot be read back: a foreign or damaged data directory. */
  | 'damaged';

export class ShelfError extends KindError<ShelfErrorKind> {}

/** A failed file operation, with the file's own words behind it. */
export function fileError(action: string, error: unknown): ShelfError {
  if (error instanceof ShelfError) return error;
  const isFull = systemCode(error) === 'ENOSPC' || systemCode(error) === 'EDQUOT';
  const kind = isFull ? 'full' : 'io';
  return new ShelfError(kind, `cannot ${action}: ${describeError(error)}`, { cause: error });
}
