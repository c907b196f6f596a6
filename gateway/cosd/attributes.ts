/**
 * What an object carries besides its bytes: type, class, own metadata and the headers COS stores and
 * gives back with GET and HEAD (COS pages 436/7749 and 436/7746).
 */
import type { IncomingHttpHeaders } from 'node:http';
import { guessContentType } from './content-type.ts';
import { CosError } from './errors.ts';

export interface Attributes {
  readonly contentType: string;
  /** STANDARD unless sent. */
  readonly storageClass: string;
  /** Whole header names: `x-cos-meta-…`, and those of `storedHeaders`. */
  readonly headers: Readonly<Record<string, string>>;
}

export const standardClass = 'STANDARD';

/** One entry, and all of them: names without `x-cos-meta-` and values, in bytes (COS page 436/7746). */
export const metadataEntryBytesMax = 2 * 1024;
export const metadataBytesMax = 4 * 1024;

const metadataPrefix = 'x-cos-meta-';
const storedHeaders = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'expires',
] as const;

const encryptionHeader = 'x-cos-server-side-encryption';
const kmsKeyHeader = 'x-cos-server-side-encryption-cos-kms-key-id';

/** @throws CosError MetadataTooLarge, InvalidArgument. */
export function attributesFrom(headers: IncomingHttpHeaders, key: string): Attributes {
  return {
    contentType: headers['content-type'] || guessContentType(key),
    storageClass: storageClassFrom(headers),
    headers: {
      ...storedHeadersFrom(headers),
      ...metadataFrom(headers),
      ...encryptionFrom(headers),
    },
  };
}

/** What a copy is that takes all from its source that COS lets it take (COS page 436/10881). */
export function copiedFrom(source: Attributes, headers: IncomingHttpHeaders): Attributes {
  const { [encryptionHeader]: _algorithm, [kmsKeyHeader]: _key, ...kept } = source.headers;
  return {
    contentType: source.contentType,
    storageClass: storageClassFrom(headers),
    headers: { ...kept, ...encryptionFrom(headers) },
  };
}

/** Told of, as COS does; nothing is encrypted here. */
function encryptionFrom(headers: IncomingHttpHeaders): Record<string, string> {
  const algorithm = headers[encryptionHeader];
  if (typeof algorithm !== 'string') return {};
  if (algorithm === 'AES256') return { [encryptionHeader]: algorithm };
  if (algorithm !== 'cos/kms') {
    throw new CosError('InvalidArgument', { message: 'The encryption algorithm is not valid.' });
  }
  const keyId = headers[kmsKeyHeader];
  return {
    [encryptionHeader]: algorithm,
    [kmsKeyHeader]: typeof keyId === 'string' ? keyId : 'default-key',
  };
}

function storageClassFrom(headers: IncomingHttpHeaders): string {
  const storageClass = headers['x-cos-storage-class'];
  return typeof storageClass === 'string' && storageClass !== '' ? storageClass : standardClass;
}

function storedHeadersFrom(headers: IncomingHttpHeaders): Record<string, string> {
  const stored: Record<string, string> = {};
  for (const name of storedHeaders) {
    const value = headers[name];
    // Proxies and the SDK send Cache-Control empty: no value.
    if (value) stored[name] = value;
  }
  return stored;
}

function metadataFrom(headers: IncomingHttpHeaders): Record<string, string> {
  const metadata: Record<string, string> = {};
  let allBytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(metadataPrefix) || typeof value !== 'string') continue;
    if (!/^[a-z\d-]+$/.test(name)) {
      throw new CosError('InvalidArgument', { message: `The header ${name} is not a valid name.` });
    }
    const entryBytes = name.length - metadataPrefix.length + value.length;
    allBytes += entryBytes;
    if (entryBytes > metadataEntryBytesMax || allBytes > metadataBytesMax) {
      throw new CosError('MetadataTooLarge');
    }
    metadata[name] = value;
  }
  return metadata;
}
