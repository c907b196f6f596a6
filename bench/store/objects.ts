/**
 * What the stand-in for COS answers: receipts with the right CRC-64 for uploads of the pattern, the pattern
 * for downloads, pages of a large directory, and nothing else. Bodies that are not the pattern get the
 * receipt of a damaged object, so that a contender which loses a byte is seen to fail.
 *
 * Objects: `get/<bytes>` exist in every size; what was put exists in its size; `many/` holds 100,000 names.
 */

import { isPattern, patternCrc64, patternSlice, periodBytes } from '../pattern.ts';
import type { Answer, Body, StoreRequest } from './connection.ts';
import { listPage } from './list-page.ts';

interface OpenUpload {
  readonly key: string;
  /** By part number. */
  readonly partBytes: Map<number, number>;
}

export class Objects {
  /** How often each kind of request came. */
  readonly counts = new Map<string, number>();
  readonly #sizes = new Map<string, number>();
  readonly #uploads = new Map<string, OpenUpload>();
  #serial = 0;

  serve(request: StoreRequest, answer: (answer: Answer) => void): Body {
    const [path, queryText] = cut(request.target, '?');
    const query = new URLSearchParams(queryText);
    const key = decodeURIComponent(path.slice(1));
    const kind = kindOf(request.method, key, query);
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    switch (kind) {
      case 'put':
        return this.#store(answer, (bytes) => this.#sizes.set(key, bytes));
      case 'part':
        return this.#store(answer, (bytes) => this.#takePart(query, bytes));
      default:
        return ignoring(() => answer(this.#answer(kind, key, query, request)));
    }
  }

  #answer(kind: Kind, key: string, query: URLSearchParams, request: StoreRequest): Answer {
    switch (kind) {
      case 'initiate':
        return this.#initiate(key);
      case 'complete':
        return this.#complete(query);
      case 'list':
        return { status: 200, headers: xmlType, body: listPage(query) };
      case 'get':
        return this.#get(key, request);
      case 'head':
        return this.#head(key);
      default:
        return { status: 204 };
    }
  }

  /** Parts begin at whole periods, so every body begins with the pattern's first byte. */
  #store(answer: (answer: Answer) => void, keep: (bytes: number) => void): Body {
    let bytes = 0;
    let isRight = true;
    return {
      take(chunk) {
        isRight &&= isPattern(chunk, bytes);
        bytes += chunk.length;
      },
      end() {
        keep(bytes);
        answer({ status: 200, headers: receipt(isRight ? patternCrc64(bytes) : 0n) });
      },
    };
  }

  #initiate(key: string): Answer {
    const uploadId = `upload-${++this.#serial}`;
    this.#uploads.set(uploadId, { key, partBytes: new Map() });
    const body = `<InitiateMultipartUploadResult><UploadId>${uploadId}</UploadId></InitiateMultipartUploadResult>`;
    return { status: 200, headers: xmlType, body: Buffer.from(body) };
  }

  #takePart(query: URLSearchParams, bytes: number): void {
    const upload = this.#uploads.get(query.get('uploadId') ?? '');
    upload?.partBytes.set(Number(query.get('partNumber')), bytes);
  }

  #complete(query: URLSearchParams): Answer {
    const uploadId = query.get('uploadId') ?? '';
    const upload = this.#uploads.get(uploadId);
    if (!upload) return { status: 404 };
    this.#uploads.delete(uploadId);
    const bytes = [...upload.partBytes.values()].reduce((sum, part) => sum + part, 0);
    this.#sizes.set(upload.key, bytes);
    const body = `<CompleteMultipartUploadResult><ETag>"bench"</ETag></CompleteMultipartUploadResult>`;
    const headers = [...xmlType, ...receipt(patternCrc64(bytes))];
    return { status: 200, headers, body: Buffer.from(body) };
  }

  #sizeOf(key: string): number | undefined {
    const named = /^get\/(\d+)/.exec(key)?.[1];
    return named === undefined ? this.#sizes.get(key) : Number(named);
  }

  #head(key: string): Answer {
    const bytes = this.#sizeOf(key);
    if (bytes === undefined) return { status: 404 };
    return { status: 200, headers: receipt(patternCrc64(bytes)), bodyBytes: bytes };
  }

  #get(key: string, { range }: StoreRequest): Answer {
    const bytes = this.#sizeOf(key);
    if (bytes === undefined) return notFound;
    const first = range?.first ?? 0;
    const last = Math.min(range?.last ?? bytes - 1, bytes - 1);
    const bodyBytes = last - first + 1;
    const headers = [
      ...receipt(patternCrc64(bytes)),
      ...(range ? [`Content-Range: bytes ${first}-${last}/${bytes}`] : []),
    ];
    const status = range ? 206 : 200;
    if (bodyBytes <= periodBytes) {
      return { status, headers, body: patternSlice(first, bodyBytes) };
    }
    return { status, headers, bodyBytes, pieces: pieces(first, bodyBytes) };
  }
}

const kinds = ['put', 'part', 'initiate', 'complete', 'list', 'get', 'head', 'delete'] as const;
type Kind = (typeof kinds)[number];

function kindOf(method: string, key: string, query: URLSearchParams): Kind {
  switch (method) {
    case 'PUT':
      return query.has('partNumber') ? 'part' : 'put';
    case 'POST':
      return query.has('uploads') ? 'initiate' : 'complete';
    case 'GET':
      return key === '' ? 'list' : 'get';
    case 'HEAD':
      return 'head';
    default:
      return 'delete';
  }
}

const xmlType: readonly string[] = ['Content-Type: application/xml'];
const notFound: Answer = {
  status: 404,
  headers: xmlType,
  body: Buffer.from('<Error><Code>NoSuchKey</Code><Message>none</Message></Error>'),
};

function receipt(crc64: bigint): readonly string[] {
  return ['ETag: "bench"', `x-cos-hash-crc64ecma: ${crc64}`];
}

function* pieces(firstByte: number, bodyBytes: number): Generator<Buffer> {
  for (let at = 0; at < bodyBytes; at += periodBytes) {
    yield patternSlice(firstByte + at, bodyBytes - at);
  }
}

function ignoring(end: () => void): Body {
  return { take: () => undefined, end };
}

function cut(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
