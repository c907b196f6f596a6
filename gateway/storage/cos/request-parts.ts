/** How keys, attributes and part lists are written into requests. Pure. */
import type { ObjectAttributes, UploadedPart } from '../object-store.ts';

/** Headers that say what an object is: Content-Type always, class and metadata when given. */
export function attributeHeaders(attributes: ObjectAttributes): Record<string, string> {
  const headers: Record<string, string> = {
    'Content-Type': attributes.contentType ?? 'application/octet-stream',
    ...storageClassHeader(attributes),
  };
  for (const [name, value] of Object.entries(attributes.metadata ?? {})) {
    headers[`x-cos-meta-${name}`] = value;
  }
  return headers;
}

/**
 * What a copy may change. Type and metadata replace all of the source's when one of them is given; the
 * class never comes from the source and must be said again (COS page 436/10881).
 */
export function copyAttributeHeaders(attributes: ObjectAttributes): Record<string, string> {
  const { contentType, metadata } = attributes;
  if (contentType === undefined && metadata === undefined) return storageClassHeader(attributes);
  return { ...attributeHeaders(attributes), 'x-cos-metadata-directive': 'Replaced' };
}

function storageClassHeader({ storageClass }: ObjectAttributes): Record<string, string> {
  return storageClass === undefined ? {} : { 'x-cos-storage-class': storageClass };
}

/** Percent-encodes all but RFC 3986's unreserved characters and slashes, as the signature counts them. */
export function encodePath(path: string): string {
  return encodeURIComponent(path).replace(/%2F|[!'()*]/g, (found) =>
    found === '%2F' ? '/' : `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** `?a=b&c=d` encoded likewise; empty without parameters. */
export function encodeQuery(query: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(query).map(
    ([name, value]) => `${encodeText(name)}=${encodeText(value)}`,
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

function encodeText(text: string): string {
  return encodePath(text).replaceAll('/', '%2F');
}

/** The body of CompleteMultipartUpload (COS page 436/7742). */
export function completeXml(parts: readonly UploadedPart[]): string {
  const items = parts.map(
    ({ number, etag }) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`,
  );
  return `<CompleteMultipartUpload>${items.join('')}</CompleteMultipartUpload>`;
}

function escapeXml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
