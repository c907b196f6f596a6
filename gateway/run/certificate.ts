/**
 * A certificate and its key from their files, and what is wrong with them in the words of the person who
 * put them there. It must never let a byte of the key into a message.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { TlsConfig } from '#gateway/config/model.ts';
import { createTlsContext, type TlsIdentity } from '#gateway/ftp/tls/context.ts';
import { KindError, systemCode } from '#gateway/kit/errors.ts';

export type CertificateErrorKind =
  /** A file is missing or may not be read. */
  | 'unreadable'
  | 'no-certificate'
  | 'no-key'
  /** The key needs a passphrase, which nobody could type. */
  | 'encrypted-key'
  /** The key belongs to another certificate. */
  | 'mismatch'
  /** OpenSSL does not serve with this pair: key too short, signature too weak. */
  | 'refused';

export class CertificateError extends KindError<CertificateErrorKind> {
  /** Which file: the word of the `tls` block. */
  readonly word: FileWord;

  constructor(kind: CertificateErrorKind, word: FileWord, message: string, hint: string) {
    super(kind, message, { hint });
    this.word = word;
  }
}

type FileWord = 'certificate_file' | 'key_file';

export interface Certificate extends TlsIdentity {
  readonly subject: string;
  /** SHA-256, as openssl and browsers print it. */
  readonly fingerprint: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** Blocking: before the gateway serves. @throws CertificateError */
export function readCertificate(config: TlsConfig): Certificate {
  const read = (word: FileWord) => {
    try {
      return readFileSync(config[word]);
    } catch (error) {
      throw unreadable(config, word, error);
    }
  };
  return checkCertificate(config, { certificate: read('certificate_file'), key: read('key_file') });
}

/** The bytes alone, without blocking. @throws CertificateError `unreadable` */
export async function readIdentity(config: TlsConfig): Promise<TlsIdentity> {
  const read = async (word: FileWord) => {
    try {
      return await readFile(config[word]);
    } catch (error) {
      throw unreadable(config, word, error);
    }
  };
  return { certificate: await read('certificate_file'), key: await read('key_file') };
}

/** @throws CertificateError of every kind but `unreadable`. */
export function checkCertificate(config: TlsConfig, identity: TlsIdentity): Certificate {
  const own = parseCertificate(config, identity.certificate);
  if (!own.checkPrivateKey(parseKey(config, identity.key))) {
    const message = `${config.key_file}: this key does not belong to ${config.certificate_file}`;
    const hint = 'the server’s own certificate comes first in its file, the chain behind it';
    throw new CertificateError('mismatch', 'key_file', message, hint);
  }
  tryContext(config, identity);
  return {
    ...identity,
    subject: own.subject.replaceAll('\n', ', '),
    fingerprint: own.fingerprint256,
    notBefore: own.validFromDate,
    notAfter: own.validToDate,
  };
}

const readFailures: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'may not be read by this user',
  EISDIR: 'is a directory',
};

function unreadable(config: TlsConfig, word: FileWord, error: unknown): CertificateError {
  const code = systemCode(error) ?? '';
  const reason = Object.hasOwn(readFailures, code) ? readFailures[code] : undefined;
  const message = `${config[word]}: ${reason ?? `cannot be read (${code})`}`;
  const hint = 'the user the gateway runs as must be able to read certificate and key';
  return new CertificateError('unreadable', word, message, hint);
}

function parseCertificate({ certificate_file: path }: TlsConfig, pem: Uint8Array): X509Certificate {
  if (Buffer.from(pem).includes('-----BEGIN CERTIFICATE-----')) {
    try {
      return new X509Certificate(pem);
    } catch {
      // told below: OpenSSL's reason would help nobody
    }
  }
  const message = `${path}: holds no certificate in PEM`;
  const hint =
    'it begins with -----BEGIN CERTIFICATE-----; openssl x509 -inform der makes PEM of DER';
  throw new CertificateError('no-certificate', 'certificate_file', message, hint);
}

function parseKey({ key_file: path }: TlsConfig, pem: Uint8Array): KeyObject {
  if (/ENCRYPTED/.test(Buffer.from(pem).toString('latin1'))) {
    const message = `${path}: the key is encrypted`;
    const hint = `openssl pkey -in ${path} -out plain.key decrypts it; keep that file to the gateway alone`;
    throw new CertificateError('encrypted-key', 'key_file', message, hint);
  }
  try {
    return createPrivateKey(Buffer.from(pem));
  } catch {
    const message = `${path}: holds no private key in PEM`;
    const hint = 'it begins with -----BEGIN PRIVATE KEY----- or -----BEGIN … PRIVATE KEY-----';
    throw new CertificateError('no-key', 'key_file', message, hint);
  }
}

/** Why clients will refuse it, or undefined while it is valid. */
export function validityProblem(
  { notBefore, notAfter }: Certificate,
  nowMs: number,
): 'expired' | 'not valid yet' | undefined {
  if (notAfter.getTime() <= nowMs) return 'expired';
  return notBefore.getTime() > nowMs ? 'not valid yet' : undefined;
}

function tryContext(config: TlsConfig, identity: TlsIdentity): void {
  try {
    createTlsContext(identity, { min: config.min_version, max: config.max_version });
  } catch (error) {
    const reason = error instanceof Error && 'reason' in error ? String(error.reason) : 'unusable';
    const message = `${config.certificate_file}: OpenSSL does not serve with it: ${reason}`;
    const hint = 'use an RSA key of 2048 bits or more, or an EC key, signed with SHA-256';
    throw new CertificateError('refused', 'certificate_file', message, hint);
  }
}
