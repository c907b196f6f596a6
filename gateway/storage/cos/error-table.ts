/**
 * What each answer of COS means to the gateway: error code, else HTTP status, becomes a literal kind;
 * the kind decides whether the same request can succeed when it is sent again. One place, so that a
 * code is never interpreted twice. Sources: COS page 436/7730 and Tencent's published client code.
 */
import type { StoreErrorKind } from '../object-store.ts';

/** Codes COS documents. A code that is not here is read by its HTTP status. */
export const kindOfCode = {
  NoSuchKey: 'missing',
  NoSuchCopySource: 'missing',
  NoSuchVersion: 'missing',
  NoSuchBucket: 'bucket-missing',
  NoSuchUpload: 'upload-missing',
  AccessDenied: 'denied',
  AccountProblem: 'denied',
  MethodNotAllowed: 'denied',
  ObjectLocked: 'denied',
  UnavailableForLegalReasons: 'denied',
  ExpiredToken: 'credentials',
  InvalidAccessKeyId: 'credentials',
  InvalidSecurity: 'credentials',
  InvalidToken: 'credentials',
  RequestTimeTooSkewed: 'credentials',
  SignatureDoesNotMatch: 'credentials',
  InvalidObjectState: 'archived',
  PreconditionFailed: 'changed',
  FileAlreadyExists: 'exists',
  ObjectAlreadyExists: 'exists',
  PathConflict: 'exists',
  UploadConflict: 'exists',
  InvalidObjectName: 'invalid-name',
  InvalidURI: 'invalid-name',
  KeyTooLong: 'invalid-name',
  InvalidRange: 'invalid-range',
  EntityTooLarge: 'too-large',
  BadDigest: 'corrupt',
  SlowDown: 'throttled',
  ServiceUnavailable: 'throttled',
  InternalError: 'unavailable',
  InternalServerError: 'unavailable',
  IncompleteBody: 'network',
  RequestTimeout: 'timeout',
  RequestTimeOut: 'timeout',
  UserNetworkTooSlow: 'timeout',
  EntityTooSmall: 'rejected',
  InvalidArgument: 'rejected',
  InvalidBucketName: 'rejected',
  InvalidDigest: 'rejected',
  InvalidPart: 'rejected',
  InvalidPartOrder: 'rejected',
  InvalidRequest: 'rejected',
  MalformedXML: 'rejected',
  MetadataTooLarge: 'rejected',
  MissingContentLength: 'rejected',
  NotImplemented: 'rejected',
  PermanentRedirect: 'rejected',
  TemporaryRedirect: 'rejected',
} as const satisfies Readonly<Record<string, StoreErrorKind>>;

export type KnownCode = keyof typeof kindOfCode;

export function isKnownCode(code: string): code is KnownCode {
  return Object.hasOwn(kindOfCode, code);
}

const kindOfStatus: Readonly<Record<number, StoreErrorKind>> = {
  401: 'credentials',
  403: 'denied',
  404: 'missing',
  405: 'denied',
  408: 'timeout',
  409: 'exists',
  412: 'changed',
  413: 'too-large',
  416: 'invalid-range',
  429: 'throttled',
  451: 'denied',
  501: 'rejected',
  503: 'throttled',
};

/** For replies without a code: HEAD errors have no body (COS page 7730), proxies answer HTML. */
export function kindOfHttpStatus(status: number): StoreErrorKind {
  return kindOfStatus[status] ?? (status >= 500 ? 'unavailable' : 'rejected');
}

export interface KindMeaning {
  /** Whether sending the same request again can help. */
  readonly retryable: boolean;
  /** Completes `<operation> failed: `. */
  readonly sentence: string;
  /** What the reader can do. */
  readonly hint?: string;
}

export const meaningOfKind = {
  missing: { retryable: false, sentence: 'there is no such object' },
  'bucket-missing': {
    retryable: false,
    sentence: 'there is no such bucket',
    hint: 'check bucket and region: the name must include the APPID',
  },
  'upload-missing': { retryable: false, sentence: 'the multipart upload is not known' },
  denied: {
    retryable: false,
    sentence: 'the store does not permit it',
    hint: 'the CAM policy of the key must allow this operation on the prefix of the account',
  },
  credentials: {
    retryable: false,
    sentence: 'the store does not accept the key',
    hint: 'check secretid and secretkey, whether a token expired, and the clock of this machine',
  },
  archived: {
    retryable: false,
    sentence: 'the object is archived',
    hint: 'restore it in COS first',
  },
  changed: { retryable: false, sentence: 'the object was replaced meanwhile' },
  exists: { retryable: false, sentence: 'something of that name is in the way' },
  'invalid-name': { retryable: false, sentence: 'the store does not accept the name' },
  'invalid-range': { retryable: false, sentence: 'the range lies outside the object' },
  'too-large': { retryable: false, sentence: 'the store does not accept that many bytes' },
  corrupt: { retryable: true, sentence: 'the bytes were damaged on their way' },
  throttled: { retryable: true, sentence: 'the store asks for fewer requests' },
  unavailable: { retryable: true, sentence: 'the store could not do it' },
  network: {
    retryable: true,
    sentence: 'the connection to the store failed',
    hint: 'check endpoint, DNS and the way to the store',
  },
  timeout: { retryable: true, sentence: 'the store did not answer in time' },
  aborted: { retryable: false, sentence: 'it was given up' },
  rejected: { retryable: false, sentence: 'the store does not accept the request' },
} as const satisfies Readonly<Record<StoreErrorKind, KindMeaning>>;

/** Says more than the hint of the kind. */
export const hintOfCode: Partial<Readonly<Record<KnownCode, string>>> = {
  SignatureDoesNotMatch: 'the secretkey does not belong to the secretid',
  InvalidAccessKeyId: 'there is no such secretid, or it is disabled',
  RequestTimeTooSkewed: 'the clock of this machine is wrong by more than 15 minutes',
  ExpiredToken: 'the temporary key expired',
  NoSuchBucket: 'check bucket and region: the name must include the APPID',
  PermanentRedirect: 'the bucket is in another region than the one given',
  TemporaryRedirect: 'the bucket is in another region than the one given',
  MethodNotAllowed: 'the bucket does not support this operation',
};
