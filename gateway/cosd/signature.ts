/**
 * Checks who signed a request, as COS does (COS page 436/7778): HMAC-SHA1 over method, path, the listed
 * parameters and the listed headers, in the Authorization header or in the query. Never answers or logs
 * what the right signature would have been.
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import { CosError } from './errors.ts';
import { percentEncode } from './percent.ts';

/** A key pair's other half. */
export interface Secret {
  readonly secretKey: string;
  /** Temporary keys: requests must carry it as x-cos-security-token. */
  readonly token?: string;
  /** Temporary keys: from then on COS answers ExpiredToken. Milliseconds since the epoch. */
  readonly expiresAtMs?: number;
}

/** Undefined: no such key. */
export type SecretLookup = (secretId: string) => Secret | undefined;

export interface SignedRequest {
  readonly method: string;
  /** Decoded, no leading slash. */
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** A client's clock may be off by this much (Tencent's guide to 403 errors). */
export const skewMsMax = 15 * 60 * 1000;

/**
 * @returns the SecretId that signed.
 * @throws CosError AccessDenied (nothing signed, or expired), RequestTimeTooSkewed, InvalidAccessKeyId,
 * SignatureDoesNotMatch, ExpiredToken.
 */
export function checkSignature(
  request: SignedRequest,
  secretOf: SecretLookup,
  nowMs: number,
): string {
  const fields = signatureFields(request);
  checkTimes(fields, request, nowMs);
  const secret = secretOf(fields.secretId);
  if (!secret) throw new CosError('InvalidAccessKeyId');
  checkToken(secret, request, nowMs);
  const expected = Buffer.from(signatureOf(request, fields, secret.secretKey));
  const given = Buffer.from(fields.signature);
  const matches = expected.length === given.length && timingSafeEqual(expected, given);
  if (!matches) throw new CosError('SignatureDoesNotMatch');
  return fields.secretId;
}

interface SignatureFields {
  readonly secretId: string;
  readonly signTime: string;
  readonly keyTime: string;
  /** Percent-encoded lower-case names. */
  readonly headerNames: readonly string[];
  readonly parameterNames: readonly string[];
  readonly signature: string;
}

function signatureFields({ headers, query }: SignedRequest): SignatureFields {
  const authorization = headers['authorization'];
  const fields =
    typeof authorization === 'string' && authorization !== ''
      ? new Map(authorization.split('&').map(splitField))
      : query;
  const field = (name: string) => fields.get(name) ?? '';
  if (field('q-ak') === '' || field('q-signature') === '') throw new CosError('AccessDenied');
  if (field('q-sign-algorithm') !== 'sha1') throw new CosError('AccessDenied');
  return {
    secretId: field('q-ak'),
    signTime: field('q-sign-time'),
    keyTime: field('q-key-time'),
    headerNames: namesIn(field('q-header-list')),
    parameterNames: namesIn(field('q-url-param-list')),
    signature: field('q-signature'),
  };
}

function splitField(field: string): [string, string] {
  const equals = field.indexOf('=');
  return equals < 0 ? [field.trim(), ''] : [field.slice(0, equals).trim(), field.slice(equals + 1)];
}

function namesIn(list: string): readonly string[] {
  return list === '' ? [] : list.toLowerCase().split(';');
}

/**
 * Both windows must hold now. A window that begins in the future is a clock that runs ahead; one that is
 * over cannot be told from a signature that was kept too long, unless the request carries its own Date.
 */
function checkTimes(fields: SignatureFields, request: SignedRequest, nowMs: number): void {
  for (const window of new Set([fields.signTime, fields.keyTime])) {
    const [, start, end] = /^(\d{1,12});(\d{1,12})$/.exec(window) ?? [];
    if (start === undefined || end === undefined) throw new CosError('AccessDenied');
    if (Number(start) * 1000 - nowMs > skewMsMax) throw new CosError('RequestTimeTooSkewed');
    if (Number(end) * 1000 < nowMs) {
      throw isDatedOtherwise(request, nowMs)
        ? new CosError('RequestTimeTooSkewed')
        : new CosError('AccessDenied', { message: 'Request has expired' });
    }
  }
}

function isDatedOtherwise({ headers }: SignedRequest, nowMs: number): boolean {
  const date = headers['date'];
  return typeof date === 'string' && Math.abs(Date.parse(date) - nowMs) > skewMsMax;
}

function checkToken(secret: Secret, request: SignedRequest, nowMs: number): void {
  if (secret.token === undefined) return;
  const sent = request.headers['x-cos-security-token'] ?? request.query.get('x-cos-security-token');
  // Without its token COS cannot tell a temporary key from an unknown one.
  if (sent !== secret.token) throw new CosError('InvalidAccessKeyId');
  if (secret.expiresAtMs !== undefined && secret.expiresAtMs <= nowMs) {
    throw new CosError('ExpiredToken');
  }
}

function signatureOf(request: SignedRequest, fields: SignatureFields, secretKey: string): string {
  const httpString = [
    request.method.toLowerCase(),
    `/${request.key}`,
    listed(fields.parameterNames, parameterValues(fields.parameterNames, request.query)),
    listed(fields.headerNames, headerValues(fields.headerNames, request.headers)),
    '',
  ].join('\n');
  const stringToSign = `sha1\n${fields.signTime}\n${hash('sha1', httpString)}\n`;
  const signKey = signKeyOf(secretKey, fields.keyTime);
  return createHmac('sha1', signKey).update(stringToSign).digest('hex');
}

/** A client signs many requests with one key time; the SDK begins another every second. */
const signKeys = new Map<string, string>();
const signKeysMax = 1000;

function signKeyOf(secretKey: string, keyTime: string): string {
  const name = `${keyTime};${secretKey}`;
  const known = signKeys.get(name);
  if (known !== undefined) return known;
  const signKey = createHmac('sha1', secretKey).update(keyTime).digest('hex');
  if (signKeys.size >= signKeysMax) signKeys.clear();
  signKeys.set(name, signKey);
  return signKey;
}

/** `name=value&…`, sorted by name. */
function listed(names: readonly string[], values: ReadonlyMap<string, string>): string {
  return names
    .toSorted()
    .map((name) => `${name}=${percentEncode(values.get(name) ?? '')}`)
    .join('&');
}

function parameterValues(
  names: readonly string[],
  query: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  if (names.length === 0) return query;
  const values = new Map<string, string>();
  for (const [name, value] of query) values.set(percentEncode(name).toLowerCase(), value);
  return values;
}

function headerValues(
  names: readonly string[],
  headers: SignedRequest['headers'],
): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const name of names) {
    const value = headers[name];
    if (value !== undefined)
      values.set(name, utf8(typeof value === 'string' ? value : value.join()));
  }
  return values;
}

/** Node hands header bytes over as Latin-1; what was signed is their UTF-8 reading. */
function utf8(value: string): string {
  return /^[\x00-\x7f]*$/.test(value) ? value : Buffer.from(value, 'latin1').toString('utf8');
}
