/** Failures of the medium under a shelf. COS has no code of its own for them: clients see InternalError. */
import { KindError } from '#gateway/kit/errors.ts';

export type ShelfErrorKind =
  /** The bound of the memory shelf, or no space left on the disk. */
  | 'full'
  /** Any other failure to read or write. */
  | 'io'
  /** What was kept cannot be read back: a foreign or damaged data directory. */
  | 'damaged';

export class ShelfError extends KindError<ShelfErrorKind> {}
