/**
 * Why the API server did not do what was asked. The kinds are chosen by what a caller does next; HTTP
 * status codes and the API's own reasons stay in here.
 */
import { type ErrorDetails, KindError } from '#gateway/kit/errors.ts';

export type KubeErrorKind =
  /** 404: no such object, or no such resource. */
  | 'not-found'
  /** 409: the object changed since it was read, or another field manager owns the field. */
  | 'conflict'
  /** 409 on create: an object of that name is there. */
  | 'already-exists'
  /** 410: that resourceVersion is no longer kept; list again. */
  | 'gone'
  /** 422 and 400: the API server will never accept this. */
  | 'invalid'
  /** 403: RBAC, a quota or an admission rule. */
  | 'forbidden'
  /** 401: the credentials are not, or no longer, accepted. */
  | 'unauthorized'
  /** 429 and 503 with a time to wait, other 5xx, and every connection that failed or broke. */
  | 'unavailable'
  /** No answer within the time limit. */
  | 'timeout'
  /** Neither JSON nor an API object: something else answered. */
  | 'protocol';

const retryableKinds: ReadonlySet<KubeErrorKind> = new Set([
  'conflict',
  'gone',
  'unauthorized',
  'unavailable',
  'timeout',
  'protocol',
]);

export interface KubeErrorDetails extends ErrorDetails {
  /** HTTP status; absent when there was no answer. */
  readonly status?: number;
  /** The API server asked not to be called again sooner. */
  readonly retryAfterMs?: number;
  /** The API server's own words, without the request that stands before them in the message. */
  readonly sentence?: string;
}

export class KubeError extends KindError<KubeErrorKind> {
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly sentence: string;

  constructor(kind: KubeErrorKind, message: string, details: KubeErrorDetails = {}) {
    super(kind, message, { retryable: retryableKinds.has(kind), ...details });
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
    this.sentence = details.sentence ?? message;
  }
}

/** Whether an error is the API server's, and of that kind. */
export function isKubeError(error: unknown, kind: KubeErrorKind): error is KubeError {
  return error instanceof KubeError && error.kind === kind;
}

/** The `Status` object in which the API server explains a refusal. */
export interface ApiStatus {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly retryAfterSeconds?: number };
}

const kindsByCode: Readonly<Record<number, KubeErrorKind>> = {
  400: 'invalid',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
  410: 'gone',
  413: 'invalid',
  415: 'invalid',
  422: 'invalid',
  504: 'timeout',
};

/**
 * @param what the request in words, put before the API server's message.
 * @param retryAfterMs from the Retry-After header; the Status object's own wish is the fallback.
 */
export function errorOfStatus(what: string, status: ApiStatus, retryAfterMs?: number): KubeError {
  const code = status.code ?? 500;
  const { retryAfterSeconds } = status.details ?? {};
  const waitMs =
    retryAfterMs ?? (retryAfterSeconds === undefined ? undefined : retryAfterSeconds * 1000);
  const sentence = status.message || status.reason || `HTTP ${code}`;
  return new KubeError(kindOf(code, status.reason), `${what}: ${sentence}`, {
    status: code,
    sentence,
    ...(waitMs !== undefined && { retryAfterMs: waitMs }),
  });
}

function kindOf(code: number, reason: string | undefined): KubeErrorKind {
  if (reason === 'AlreadyExists') return 'already-exists';
  if (reason === 'Expired') return 'gone';
  return kindsByCode[code] ?? (code >= 500 || code === 429 ? 'unavailable' : 'protocol');
}
