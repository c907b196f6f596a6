/**
 * Whatever the SDK or the network threw becomes a StoreError, once, here. The texts are ours; what COS
 * wrote stays in `cause` for the log. The SDK rejects with Errors, with plain objects that are no Error
 * (network failures) and, for HEAD, with nothing but a status (cos-nodejs-sdk-v5 3.0.0, sdk/util.js).
 */
import { describeError, systemCode } from '#gateway/kit/errors.ts';
import { StoreError, type StoreErrorDetails, type StoreErrorKind } from '../object-store.ts';
import {
  hintOfCode,
  isKnownCode,
  kindOfCode,
  kindOfHttpStatus,
  meaningOfKind,
} from './error-table.ts';
import type { CosOperation } from './operation.ts';
import type { CosHeaders, ErrorReply } from './reply.ts';

/** A refusal COS put into words, or the bare status where it did not. */
export interface Refusal {
  readonly status: number;
  readonly headers: CosHeaders;
  readonly error?: ErrorReply;
}

/** Thrown by a reader of ours where the SDK throws its own. */
export class RefusedReply extends Error {
  override readonly name = 'RefusedReply';
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super('refused');
    this.refusal = refusal;
  }
}

export function refusalError(
  operation: CosOperation,
  refusal: Refusal,
  cause?: unknown,
): StoreError {
  const { status, headers, error } = refusal;
  const code = error?.code;
  const kind =
    code !== undefined && isKnownCode(code) ? kindOfCode[code] : kindOfStatus(operation, status);
  const requestId = headers['x-cos-request-id'] ?? error?.requestId;
  const hint = code !== undefined && isKnownCode(code) ? hintOfCode[code] : undefined;
  return storeError(operation, kind, {
    httpStatus: status,
    ...(code !== undefined && { code }),
    ...(requestId !== undefined && { requestId }),
    ...(hint !== undefined && { hint }),
    cause: cause ?? (error?.message ? new Error(error.message) : undefined),
  });
}

function kindOfStatus(operation: CosOperation, status: number): StoreErrorKind {
  // A 200 that carries an Error: copying or completing broke after the reply had begun.
  if (status < 300) return 'unavailable';
  if (status === 404 && isBucketOperation(operation)) return 'bucket-missing';
  return kindOfHttpStatus(status);
}

function isBucketOperation(operation: CosOperation): boolean {
  return (
    operation === 'HeadBucket' || operation === 'GetBucket' || operation === 'ListMultipartUploads'
  );
}

/** A StoreError of that kind with the table's words; `details` win. */
export function storeError(
  operation: CosOperation,
  kind: StoreErrorKind,
  details: StoreErrorDetails = {},
): StoreError {
  const meaning: { retryable: boolean; sentence: string; hint?: string } = meaningOfKind[kind];
  const code = details.code === undefined ? '' : ` (${details.code})`;
  return new StoreError(kind, `${operation} failed: ${meaning.sentence}${code}`, {
    retryable: meaning.retryable,
    ...(meaning.hint !== undefined && { hint: meaning.hint }),
    ...details,
  });
}

/** Codes of Node and of cos-request that mean silence rather than a broken connection. */
const timeoutCodes: ReadonlySet<string> = new Set(['ETIMEDOUT', 'ESOCKETTIMEDOUT']);

/** A failure without a reply: reset, refused, unresolved, timed out, or a certificate refused. */
export function transportError(operation: CosOperation, thrown: unknown): StoreError {
  if (thrown instanceof StoreError) return thrown;
  const code = systemCode(thrown) ?? '';
  const cause = thrown instanceof Error ? thrown : new Error(describeError(thrown));
  if (timeoutCodes.has(code)) return storeError(operation, 'timeout', { cause });
  if (isCertificateFailure(code)) {
    const hint = 'the certificate of the endpoint is not trusted here or is for another name';
    return storeError(operation, 'network', { cause, hint, retryable: false });
  }
  return storeError(operation, 'network', { cause });
}

function isCertificateFailure(code: string): boolean {
  return /^ERR_TLS_CERT|CERT_|_CERT$|UNABLE_TO_VERIFY|SELF_SIGNED/.test(code);
}
