/**
 * What TLS handshakes are made with: certificate, key, versions, ciphers and ticket keys. Tickets are the
 * only way to resume a session here, and each context has random keys of its own: a session is resumed
 * in the context it began in, or not at all.
 */
import { createSecureContext, DEFAULT_CIPHERS, type SecureContext } from 'node:tls';

export type TlsVersion = '1.0' | '1.1' | '1.2' | '1.3';

export interface TlsIdentity {
  /** PEM: the server's own, then its chain. */
  readonly certificate: Uint8Array;
  /** PEM, not encrypted. */
  readonly key: Uint8Array;
}

export interface TlsVersions {
  readonly min: TlsVersion;
  readonly max: TlsVersion;
}

/**
 * A control connection may stay for days, and its data connections resume its session. OpenSSL's 5 minutes
 * would make `session_reuse: required` refuse every later transfer. RFC 8446 section 4.6.1 allows 7 days.
 */
export const sessionSeconds: number = 7 * 24 * 3600;

/** Costs about 1 ms. @throws what OpenSSL has against certificate or key. */
export function createTlsContext(identity: TlsIdentity, { min, max }: TlsVersions): SecureContext {
  return createSecureContext({
    cert: Buffer.from(identity.certificate),
    key: Buffer.from(identity.key),
    minVersion: `TLSv1${versionSuffix[min]}`,
    maxVersion: `TLSv1${versionSuffix[max]}`,
    ciphers: isLegacy(min) ? legacyCiphers : DEFAULT_CIPHERS,
    // Devices that old may know nothing but Diffie-Hellman over integers.
    ...(isLegacy(min) && { dhparam: 'auto' }),
    honorCipherOrder: true,
    sessionTimeout: sessionSeconds,
  });
}

const versionSuffix = {
  '1.0': '',
  '1.1': '.1',
  '1.2': '.2',
  '1.3': '.3',
} as const satisfies Record<TlsVersion, string>;

function isLegacy(version: TlsVersion): boolean {
  return version === '1.0' || version === '1.1';
}

/** From level 1 on OpenSSL 3 refuses the MD5 and SHA-1 signatures these versions are made of. */
const legacyCiphers = `${DEFAULT_CIPHERS}:@SECLEVEL=0`;
