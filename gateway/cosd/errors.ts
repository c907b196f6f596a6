/**
 * What COS answers when it refuses: code, HTTP status and message (COS page 436/7730). One table, so that
 * a handler names a code and nothing else. Texts are seen by clients and never hold a key or a secret.
 */
import { type ErrorDetails, KindError } from '#gateway/kit/errors.ts';
import { ShelfError } from './shelf-error.ts';

const refusals = {
  BadDigest: [400, 'The Content-MD5 you specified did not match what we received.'],
  EntityTooLarge: [400, 'Your proposed upload exceeds the maximum allowed object size.'],
  EntityTooSmall: [400, 'Your proposed upload is smaller than the minimum allowed object size.'],
  ExpiredToken: [400, 'The provided token has expired.'],
  IncompleteBody: [400, 'You did not provide the number of bytes specified by Content-Length.'],
  InvalidArgument: [400, 'Invalid Argument.'],
  InvalidBucketName: [400, 'The specified bucket is not valid.'],
  InvalidDigest: [400, 'The Content-MD5 you specified is not valid.'],
  InvalidObjectName: [400, 'The specified object name is not valid.'],
  InvalidPart: [400, 'One or more of the specified parts could not be found or did not match.'],
  InvalidPartOrder: [400, 'The list of parts was not in ascending order.'],
  InvalidRequest: [400, 'The request is not valid.'],
  InvalidURI: [400, "Couldn't parse the specified URI."],
  KeyTooLong: [400, 'The specified key is too long.'],
  MalformedXML: [400, 'The XML you provided was not well-formed or did not validate.'],
  MetadataTooLarge: [400, 'Your metadata headers exceed the maximum allowed metadata size.'],
  MissingContentMD5: [400, 'The request requires the Content-MD5 header.'],
  AccessDenied: [403, 'Access Denied.'],
  InvalidAccessKeyId: [403, 'The Access Key Id you provided does not exist in our records.'],
  InvalidObjectState: [403, 'The operation is not valid for the storage class of the object.'],
  RequestTimeTooSkewed: [
    403,
    'The difference between the request time and the current time is too large.',
  ],
  SignatureDoesNotMatch: [
    403,
    'The Signature you specified is invalid. Check your secret key and signing method.',
  ],
  NoSuchBucket: [404, 'The specified bucket does not exist.'],
  NoSuchKey: [404, 'The specified key does not exist.'],
  NoSuchUpload: [404, 'The specified multipart upload does not exist.'],
  MethodNotAllowed: [405, 'The specified method is not allowed against this resource.'],
  FileAlreadyExists: [409, 'The specified object exists and the request forbids overwriting it.'],
  MissingContentLength: [411, 'You must provide the Content-Length HTTP header.'],
  PreconditionFailed: [412, 'At least one of the preconditions you specified did not hold.'],
  InvalidRange: [416, 'The requested range is not satisfiable.'],
  InternalError: [500, 'We encountered an internal error. Please try again.'],
  NotImplemented: [501, 'The embedded COS does not know this operation.'],
} as const satisfies Record<string, readonly [httpStatus: number, message: string]>;

export type CosErrorCode = keyof typeof refusals;

export interface CosErrorDetails extends ErrorDetails {
  /** Instead of the table's text. */
  readonly message?: string;
  /** Sent with the reply, for example Content-Range with InvalidRange. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal on its way to the client; `kind` is the code in the reply. */
export class CosError extends KindError<CosErrorCode> {
  readonly httpStatus: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: CosErrorCode, details: CosErrorDetails = {}) {
    super(code, details.message ?? refusals[code][1], details);
    this.httpStatus = refusals[code][0];
    this.headers = details.headers ?? {};
  }
}

/**
 * Whatever went wrong, as COS would say it. A full shelf has no code of its own in COS, so InternalError
 * says it in words.
 */
export function asCosError(error: unknown): CosError {
  if (error instanceof CosError) return error;
  const isFull = error instanceof ShelfError && error.kind === 'full';
  return isFull
    ? new CosError('InternalError', { message: 'The embedded COS is out of space.', cause: error })
    : new CosError('InternalError', { cause: error });
}
