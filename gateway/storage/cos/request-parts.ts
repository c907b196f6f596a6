/** How keys, queries and part lists are written into requests. Pure. */
import type { UploadedPart } from '../object-store.ts';

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
