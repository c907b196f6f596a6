/** Why a gateway could not be brought into its wished state. The API server's own refusals are KubeErrors. */
import { type ErrorDetails, KindError } from '#gateway/kit/errors.ts';

export type ReconcileErrorKind =
  /** An object of the wished name exists and belongs to somebody else. Only a person can decide. */
  | 'foreign-object'
  /** An object of the wished name is left from a deleted gateway and about to be collected. */
  | 'leftover-object';

export class ReconcileError extends KindError<ReconcileErrorKind> {
  constructor(kind: ReconcileErrorKind, message: string, details: ErrorDetails = {}) {
    super(kind, message, { retryable: kind === 'leftover-object', ...details });
  }
}
