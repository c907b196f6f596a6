/**
 * The one shape of error every room throws: a literal `kind` a switch can exhaust, an optional `hint`
 * the reader can act on, and whether trying the same thing again can help.
 *
 * A room declares its own class (`StoreError`, `ConfigError`, …) over its own union of kinds, throws it
 * where the failure is understood, and the next border translates it once. Messages may reach logs and
 * FTP clients: never put a password, a key or a signed URL in one.
 */

export interface ErrorDetails {
  /** The error underneath, kept for the log only. */
  readonly cause?: unknown;
  /** One sentence that tells the reader what to do next. */
  readonly hint?: string;
  /** Whether the same operation can succeed when repeated. Default false. */
  readonly retryable?: boolean;
}

export abstract class KindError<Kind extends string> extends Error {
  readonly kind: Kind;
  readonly hint: string | undefined;
  readonly retryable: boolean;

  constructor(kind: Kind, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.kind = kind;
    this.hint = details.hint;
    this.retryable = details.retryable ?? false;
  }
}

/** The message of anything thrown, for logs. SDK network failures are plain objects, not Errors. */
export function describeError(error: unknown): string {
  if (error instanceof Error) return error.message;
  if (typeof error === 'object' && error !== null && 'message' in error) {
    return String(error.message);
  }
  return String(error);
}

/**
 * `ENOENT`, `ECONNREFUSED` and the like: what the system or Node calls a failure. Undefined for anything
 * that carries no such code. SDK network failures are plain objects, not Errors.
 */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
