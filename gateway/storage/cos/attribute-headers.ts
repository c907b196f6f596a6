/**
 * Attributes of objects as headers of requests and of replies (COS pages 436/7749, 436/10881 and
 * 436/7745). Pure.
 *
 * Values may hold any text: on the wire they are UTF-8, which Node hands over and takes as Latin-1.
 */
import type { ObjectAttributes, ServerSideEncryption } from '../object-attributes.ts';
import type { CosHeaders } from './reply.ts';

const metadataPrefix = 'x-cos-meta-';
const encryptionHeader = 'x-cos-server-side-encryption';
const kmsKeyHeader = 'x-cos-server-side-encryption-cos-kms-key-id';

/** Stored beside the bytes and sent again with them, as they are. */
const storedHeaders = {
  cacheControl: 'Cache-Control',
  contentDisposition: 'Content-Disposition',
  contentEncoding: 'Content-Encoding',
  expires: 'Expires',
} as const satisfies Partial<Record<keyof ObjectAttributes, string>>;

type StoredHeader = keyof typeof storedHeaders;
const storedHeaderNames = Object.entries(storedHeaders) as readonly (readonly [
  StoredHeader,
  string,
])[];

/** Headers that say what an object is: Content-Type always, the rest when given. */
export function attributeHeaders(attributes: ObjectAttributes): Record<string, string> {
  const headers: Record<string, string> = {
    'Content-Type': wireText(attributes.contentType ?? 'application/octet-stream'),
    ...placementHeaders(attributes),
  };
  for (const [attribute, name] of storedHeaderNames) {
    const value = attributes[attribute];
    if (value !== undefined) headers[name] = wireText(value);
  }
  for (const [name, value] of Object.entries(attributes.metadata ?? {})) {
    headers[metadataPrefix + name] = wireText(value);
  }
  return headers;
}

/**
 * What a copy may change. Type, stored headers and metadata replace all of the source's when one of them
 * is given; class and encryption never come from the source and must be said again (COS page 436/10881).
 */
export function copyAttributeHeaders(attributes: ObjectAttributes): Record<string, string> {
  const isReplacing =
    attributes.contentType !== undefined ||
    attributes.metadata !== undefined ||
    storedHeaderNames.some(([attribute]) => attributes[attribute] !== undefined);
  return isReplacing
    ? { ...attributeHeaders(attributes), 'x-cos-metadata-directive': 'Replaced' }
    : placementHeaders(attributes);
}

function placementHeaders(attributes: ObjectAttributes): Record<string, string> {
  const { storageClass, serverSideEncryption } = attributes;
  return {
    ...(storageClass !== undefined && { 'x-cos-storage-class': storageClass }),
    ...(serverSideEncryption && encryptionHeaders(serverSideEncryption)),
  };
}

function encryptionHeaders(encryption: ServerSideEncryption): Record<string, string> {
  const keyId = encryption.algorithm === 'cos/kms' ? encryption.keyId : undefined;
  return {
    [encryptionHeader]: encryption.algorithm,
    ...(keyId !== undefined && { [kmsKeyHeader]: keyId }),
  };
}

/** From the reply to HEAD or GET; absent is what COS did not say. */
export function attributesFromHeaders(headers: CosHeaders): ObjectAttributes {
  const contentType = headers['content-type'];
  const storageClass = headers['x-cos-storage-class'];
  const serverSideEncryption = encryptionFrom(headers);
  const metadata = metadataFrom(headers);
  const stored: Partial<Record<StoredHeader, string>> = {};
  for (const [attribute, name] of storedHeaderNames) {
    const value = headers[name.toLowerCase()];
    if (value) stored[attribute] = readText(value);
  }
  return {
    ...(contentType && { contentType: readText(contentType) }),
    ...stored,
    ...(storageClass && { storageClass }),
    ...(serverSideEncryption && { serverSideEncryption }),
    ...(metadata && { metadata }),
  };
}

/** Undefined also for an algorithm that is not known here: the store's default is said by silence. */
function encryptionFrom(headers: CosHeaders): ServerSideEncryption | undefined {
  const algorithm = headers[encryptionHeader];
  if (algorithm === 'AES256') return { algorithm };
  if (algorithm !== 'cos/kms') return undefined;
  const keyId = headers[kmsKeyHeader];
  return { algorithm, ...(keyId && { keyId }) };
}

function metadataFrom(headers: CosHeaders): Record<string, string> | undefined {
  let metadata: Record<string, string> | undefined;
  for (const name in headers) {
    if (!name.startsWith(metadataPrefix)) continue;
    metadata ??= {};
    metadata[name.slice(metadataPrefix.length)] = readText(headers[name] ?? '');
  }
  return metadata;
}

const ascii = /^[\x20-\x7e\t]*$/;

/** As Node's HTTP sends it. */
function wireText(text: string): string {
  return ascii.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** What header bytes say; those that are no UTF-8 are read as Latin-1. */
export function readText(value: string): string {
  if (ascii.test(value)) return value;
  try {
    return utf8.decode(Buffer.from(value, 'latin1'));
  } catch {
    return value; // an older writer's Latin-1
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
