/**
 * What can go wrong in a transfer itself. What the store answered is a StoreError and passes through this
 * room unchanged, so that its COS code and request id reach the reply.
 */
import { KindError } from '#gateway/kit/errors.ts';

export type TransferErrorKind =
  /** More bytes arrived than the account's limit or the memory for parts allows. */
  | 'too-large'
  /** Asked right before the commit, the caller no longer vouched for the data. */
  | 'refused'
  /** No memory for parts within the time a grant may take. Nothing was sent to the store. */
  | 'no-memory'
  /** What the store has, or what it sent, differs from our bytes by size or CRC-64. */
  | 'corrupt'
  /** The caller gave the transfer up. */
  | 'aborted'
  /** A rename copied and verified its target, but both names exist now. */
  | 'source-kept'
  /** A rename that may not replace anything found another file at its target; the message names it. */
  | 'target-taken'
  /** Files arrive in a directory as fast as its rename moves them. */
  | 'unsettled';

export class TransferError extends KindError<TransferErrorKind> {}
