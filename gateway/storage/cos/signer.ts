/**
 * Signs requests with the time COS believes it is. Knows the difference between the two clocks and
 * nothing of requests; never logs a key.
 */
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import type { CosCredentials } from '../credentials/source.ts';
import { StoreError } from '../object-store.ts';
import { readText } from './attribute-headers.ts';
import { signRequest } from './sdk.ts';
import type { SignableRequest, SignedHeaders } from './transport.ts';

/** A signature is good from a minute ago, so that a clock slightly ahead of COS's does no harm. */
const validBeforeSeconds = 60;
const validAfterSeconds = 900;
/** Differences below this are no reason for a refusal (COS tolerates 15 minutes). */
const skewMsMin = 30_000;

export class Signer {
  readonly #clock: Clock;
  readonly #log: Log;
  #skewMs = 0;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** COS's time less ours, as far as anybody noticed. */
  get skewMs(): number {
    return this.#skewMs;
  }

  sign(request: SignableRequest, credentials: CosCredentials): SignedHeaders {
    const now = Math.floor((this.#clock.now() + this.#skewMs) / 1000);
    const { secretId, secretKey, token } = credentials;
    const keyTime = `${now - validBeforeSeconds};${now + validAfterSeconds}`;
    const headers = signedTexts(request.headers);
    const authorization = signRequest({ ...request, headers }, { secretId, secretKey, keyTime });
    return { authorization, ...(token !== undefined && { token }) };
  }

  /**
   * Takes over COS's time after a refusal that blames ours, so that one repetition can succeed.
   * @param signedSkewMs `skewMs` when the refused request was signed.
   * @returns whether the time is another one now, also when another request found that out; false for
   * any other failure.
   */
  followStoreClock(
    failure: StoreError,
    dateHeader: string | undefined,
    signedSkewMs: number,
  ): boolean {
    if (!blamesClock(failure)) return false;
    this.#compareClocks(dateHeader);
    return this.#skewMs !== signedSkewMs;
  }

  #compareClocks(dateHeader: string | undefined): void {
    const storeMs = Date.parse(dateHeader ?? '');
    const skewMs = storeMs - this.#clock.now();
    if (Number.isNaN(storeMs) || Math.abs(skewMs - this.#skewMs) < skewMsMin) return;
    this.#skewMs = skewMs;
    this.#log.warn(
      { skew_seconds: Math.round(skewMs / 1000) },
      'clock differs from the store, signing with its time',
    );
  }
}

/** COS reads header bytes as UTF-8 before it compares; Node has them as Latin-1. */
function signedTexts(headers: SignableRequest['headers']): SignableRequest['headers'] {
  const values = Object.values(headers);
  if (values.every((value) => typeof value !== 'string' || readText(value) === value))
    return headers;
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      return [name, typeof value === 'string' ? readText(value) : value];
    }),
  );
}

/** A HEAD is refused without a word, so a 403 may always mean the clock. */
function blamesClock({ code, httpStatus, cause }: StoreError): boolean {
  if (code === 'RequestTimeTooSkewed') return true;
  if (code === 'AccessDenied') return cause instanceof Error && /expired/i.test(cause.message);
  return httpStatus === 403 && code === undefined;
}
