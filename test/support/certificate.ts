/**
 * Self-signed certificates made on the spot, for tests only: X.509 v3 in DER (RFC 5280 section 4.1), which
 * node:crypto can read and sign but not build.
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

export interface TestCertificate {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

export interface TestCertificateOptions {
  /** Default `localhost`. */
  readonly commonName?: string;
  /** Default P-256. */
  readonly keyType?: 'ec' | 'rsa';
  /** Of an RSA key. Default 2048. */
  readonly keyBits?: number;
  /** Default an hour ago. */
  readonly notBefore?: Date;
  /** Default a day from now. */
  readonly notAfter?: Date;
  /** Encrypts the key. */
  readonly passphrase?: string;
}

const hourMs = 3_600_000;

export function testCertificate(options: TestCertificateOptions = {}): TestCertificate {
  const { commonName = 'localhost', keyType = 'ec', keyBits = 2048, passphrase } = options;
  const { notBefore = new Date(Date.now() - hourMs) } = options;
  const { notAfter = new Date(Date.now() + 24 * hourMs) } = options;
  const { publicKey, privateKey } =
    keyType === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: keyBits });
  const name = sequence(set(sequence(commonNameId, der(0x0c, Buffer.from(commonName)))));
  const algorithm = keyType === 'ec' ? sequence(ecdsaSha256) : sequence(rsaSha256, der(0x05));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    name,
    sequence(time(notBefore), time(notAfter)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(sequence(subjectAltNameId, der(0x04, sequence(localhostName, loopback))))),
  );
  const signature = der(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', body, privateKey)]));
  const certificate = pem('CERTIFICATE', sequence(body, algorithm, signature));
  const key = privateKey.export({
    type: 'pkcs8',
    format: 'pem',
    ...(passphrase !== undefined && { cipher: 'aes-256-cbc', passphrase }),
  });
  return { certificate, key: String(key) };
}

/** Tag, length, content (X.690 section 8.1). */
function der(tag: number, content: Uint8Array = Buffer.alloc(0)): Buffer {
  const { length } = content;
  const long = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...(length < 0x80 ? [length] : long)]), content]);
}

function sequence(...items: Uint8Array[]): Buffer {
  return der(0x30, Buffer.concat(items));
}

function set(...items: Uint8Array[]): Buffer {
  return der(0x31, Buffer.concat(items));
}

/** GeneralizedTime; RFC 5280 wants UTCTime before 2050, every reader takes both. */
function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/\.\d+|[-:T]/g, '');
  return der(0x18, Buffer.from(digits));
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').replace(/.{1,64}/g, '$&\n');
  return `-----BEGIN ${label}-----\n${lines}-----END ${label}-----\n`;
}

const objectId = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
const commonNameId = objectId('550403');
const subjectAltNameId = objectId('551d11');
const ecdsaSha256 = objectId('2a8648ce3d040302');
const rsaSha256 = objectId('2a864886f70d01010b');
const localhostName = der(0x82, Buffer.from('localhost'));
const loopback = der(0x87, Buffer.from([127, 0, 0, 1]));
