/**
 * How often and how patiently a failed request to COS is sent again, by the kind of its failure. One place,
 * beside the meaning of the kinds (error-table.ts); what is not here is not repeated at all.
 *
 * Pauses double and are drawn at random below their bound (full jitter), so that the gateways of a bucket
 * that was busy do not come back all at once.
 */
import type { RetryPolicy } from '#gateway/kit/retry.ts';
import type { meaningOfKind } from './error-table.ts';

type Meanings = typeof meaningOfKind;
export type RetryableKind = {
  [Kind in keyof Meanings]: Meanings[Kind]['retryable'] extends true ? Kind : never;
}[keyof Meanings];

export const retryOfKind = {
  // A bucket takes about 30,000 requests a second (COS page 436/13653): wait until others have stopped.
  throttled: { attemptsMax: 7, firstDelayMs: 500, delayMsMax: 8_000, deadlineMs: 60_000 },
  unavailable: { attemptsMax: 6, firstDelayMs: 200, delayMsMax: 5_000, deadlineMs: 60_000 },
  // A connection that was closed while it rested is the usual reason, and a new one helps at once.
  network: { attemptsMax: 6, firstDelayMs: 100, delayMsMax: 5_000, deadlineMs: 60_000 },
  // Each attempt may have waited for half a minute already.
  timeout: { attemptsMax: 4, firstDelayMs: 200, delayMsMax: 5_000, deadlineMs: 60_000 },
  // Whatever damages the same bytes three times is not chance.
  corrupt: { attemptsMax: 3, firstDelayMs: 100, delayMsMax: 1_000, deadlineMs: 60_000 },
} as const satisfies Readonly<Record<RetryableKind, RetryPolicy>>;

/**
 * Why a request was sent again. Beside the kinds: `clock`, signed with COS's own time after a refusal that
 * blamed ours; `key`, signed with the key that replaced a refused one. Both once for each request, at once.
 */
export const retryReasons = [
  ...(Object.keys(retryOfKind) as RetryableKind[]),
  'clock',
  'key',
] as const;
export type RetryReason = (typeof retryReasons)[number];

/** @param over wins for every kind. */
export function retryPolicyOf(kind: RetryableKind, over: Partial<RetryPolicy> = {}): RetryPolicy {
  return { ...retryOfKind[kind], ...over };
}

export function isRetryableKind(kind: string): kind is RetryableKind {
  return Object.hasOwn(retryOfKind, kind);
}
