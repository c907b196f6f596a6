/**
 * Reads the head of an HTTP/1.1 reply (RFC 9112 sections 4 and 5) for the reader of object bodies.
 * Pure. Strict: what COS would never send is refused, because behind a head understood wrongly the next
 * reply on the connection would be taken for the wrong object's bytes.
 */
import type { CosHeaders } from './reply.ts';

export interface ReplyHead {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: CosHeaders;
  /** Bytes of the body; undefined when the head does not say (chunked, or until the end). */
  readonly contentBytes: number | undefined;
  /** Whether the connection may carry another request. */
  readonly isKeptAlive: boolean;
}

/** Longest head that is read; COS's are below 2 KiB. */
export const headBytesMax = 32 * 1024;

const statusLine = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [^\r\n]*)?$/;
const headerLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/;

/** Length of the head with its empty line, or -1 when it is not whole yet. */
export function headEnd(bytes: Buffer): number {
  const at = bytes.indexOf('\r\n\r\n', 0, 'latin1');
  return at < 0 ? -1 : at + 4;
}

/** @param text a whole head. Undefined when it is no HTTP/1 or contradicts itself. */
export function parseReplyHead(text: string): ReplyHead | undefined {
  const [first = '', ...lines] = text.slice(0, -4).split('\r\n');
  const [, minor, status] = statusLine.exec(first) ?? [];
  const headers = status === undefined ? undefined : parseHeaders(lines);
  if (!headers) return undefined;
  const length = headers['content-length'];
  if (length !== undefined && !/^\d{1,15}$/.test(length)) return undefined;
  const isChunked = headers['transfer-encoding'] !== undefined;
  if (isChunked && length !== undefined) return undefined;
  const persistence = headers['connection']?.toLowerCase();
  return {
    status: Number(status),
    headers,
    contentBytes: length === undefined ? undefined : Number(length),
    isKeptAlive: minor === '1' ? persistence !== 'close' : persistence === 'keep-alive',
  };
}

function parseHeaders(lines: readonly string[]): CosHeaders | undefined {
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const [, name, value] = headerLine.exec(line) ?? [];
    if (name === undefined || value === undefined) return undefined;
    const lower = name.toLowerCase();
    // Lengths that differ are how one reply is smuggled into another.
    if (lower === 'content-length' && headers[lower] !== undefined && headers[lower] !== value) {
      return undefined;
    }
    headers[lower] ??= value;
  }
  return headers;
}
