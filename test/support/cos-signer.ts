/**
 * Signs requests to COS, written from the document (COS page 436/7778) and sharing nothing with the
 * embedded COS, so that a mistake in one of them shows.
 */
import { createHash, createHmac } from 'node:crypto';

export interface SignableRequest {
  readonly method: string;
  /** Not encoded, no leading slash; empty: the bucket. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  /** All of them are signed. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface SigningKey {
  readonly secretId: string;
  readonly secretKey: string;
  /** Seconds since the epoch; default: from one second ago for 15 minutes. */
  readonly fromSeconds?: number;
  readonly untilSeconds?: number;
}

/** The fields of a signature in their order, for the Authorization header or for the query. */
export function cosSignature(
  request: SignableRequest,
  key: SigningKey,
): readonly (readonly [string, string])[] {
  const from = key.fromSeconds ?? Math.floor(Date.now() / 1000) - 1;
  const time = `${from};${key.untilSeconds ?? from + 900}`;
  const params = canonical(request.query ?? {});
  const headers = canonical(request.headers ?? {});
  const text = [
    request.method.toLowerCase(),
    `/${request.key ?? ''}`,
    params.text,
    headers.text,
    '',
  ];
  const digest = createHash('sha1').update(text.join('\n')).digest('hex');
  const signature = hmac(hmac(key.secretKey, time), `sha1\n${time}\n${digest}\n`);
  return [
    ['q-sign-algorithm', 'sha1'],
    ['q-ak', key.secretId],
    ['q-sign-time', time],
    ['q-key-time', time],
    ['q-header-list', headers.names],
    ['q-url-param-list', params.names],
    ['q-signature', signature],
  ];
}

/** The value of the Authorization header. */
export function cosAuthorization(request: SignableRequest, key: SigningKey): string {
  return cosSignature(request, key)
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

/** Percent encoding of RFC 3986. */
export function cosEncode(text: string): string {
  return [...Buffer.from(text, 'utf8')]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      if (/[A-Za-z0-9_.~-]/.test(character)) return character;
      return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}

function canonical(fields: Readonly<Record<string, string>>): { names: string; text: string } {
  const pairs = Object.entries(fields)
    .map(([name, value]) => [cosEncode(name).toLowerCase(), cosEncode(value)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    names: pairs.map(([name]) => name).join(';'),
    text: pairs.map(([name, value]) => `${name}=${value}`).join('&'),
  };
}

function hmac(key: string, text: string): string {
  return createHmac('sha1', key).update(text).digest('hex');
}
