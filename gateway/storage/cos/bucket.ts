/**
 * One COS bucket behind the ObjectStore port: each method is the requests it makes and the reply it
 * accepts. Whether an upload is good is not decided here; sizes and checksums go back as COS said them.
 */
import { createHash } from 'node:crypto';
import { assert } from '#gateway/kit/assert.ts';
import {
  type CallOptions,
  type CopyOptions,
  type ListOptions,
  type ListPage,
  type MultipartUpload,
  type ObjectInfo,
  type ObjectStore,
  type PartCopyRange,
  type PutOptions,
  type ReadOptions,
  type ReadResult,
  StoreError,
  type UploadedPart,
  type WriteReceipt,
} from '../object-store.ts';
import { attributeHeaders, copyAttributeHeaders } from './attribute-headers.ts';
import type { CallPlan, Calls } from './calls.ts';
import { storeError } from './failure.ts';
import { readListPage, readUploadPage, type UploadPage } from './list-reply.ts';
import { type ObjectReader, RangeFill } from './object-reader.ts';
import {
  bodyText,
  type CosReply,
  objectInfoOf,
  receiptOfBody,
  receiptOfHeaders,
  requireRoot,
  unusableReply,
} from './reply.ts';
import { completeXml, encodePath } from './request-parts.ts';
import type { CosRequest, Sender } from './sender.ts';
import { elementText } from './xml-scan.ts';

export interface CosBucketParts {
  readonly calls: Calls;
  readonly sender: Sender;
  readonly reader: ObjectReader;
  /** Host of `x-cos-copy-source`. */
  readonly copySourceHost: string;
  /** Ends every connection. */
  readonly closeConnections: () => void;
}

/** Pages of open uploads read at most: a million of them mean something else is wrong. */
const uploadPagesMax = 1000;

export class CosBucket implements ObjectStore {
  readonly #parts: CosBucketParts;

  constructor(parts: CosBucketParts) {
    this.#parts = parts;
  }

  /** Ends idle and busy connections; calls under way fail with kind `network`. Idempotent. */
  close(): void {
    this.#parts.reader.close();
    this.#parts.closeConnections();
  }

  head(key: string, { signal }: CallOptions = {}): Promise<ObjectInfo> {
    return this.#send({ operation: 'HeadObject', method: 'HEAD', key }, { signal }, (reply) =>
      objectInfoOf('HeadObject', key, Number(reply.headers['content-length'] ?? Number.NaN), reply),
    );
  }

  async read(
    key: string,
    offsetBytes: number,
    target: Uint8Array,
    { signal, ifMatch }: ReadOptions = {},
  ): Promise<ReadResult> {
    const fill = new RangeFill(key, offsetBytes, target, ifMatch);
    const plan = { operation: 'GetObject', signal, payloadBytes: target.length } as const;
    await this.#parts.calls.run(plan, async (context) => {
      if (!fill.isComplete) await this.#parts.reader.readRange(fill, context);
      if (!fill.isComplete) throw storeError('GetObject', 'network');
    });
    assert(fill.info, 'a complete read has seen a reply');
    return { info: fill.info, bytesRead: fill.filledBytes };
  }

  put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<WriteReceipt> {
    const headers = {
      ...attributeHeaders(options),
      'Content-MD5': createHash('md5').update(body).digest('base64'),
    };
    return this.#send(
      { operation: 'PutObject', method: 'PUT', key, headers, body },
      { signal: options.signal, payloadBytes: body.length },
      (reply) => receiptOfHeaders('PutObject', reply),
    );
  }

  async delete(key: string, { signal }: CallOptions = {}): Promise<void> {
    const request = { operation: 'DeleteObject', method: 'DELETE', key } as const;
    await ignoring(
      'missing',
      this.#send(request, { signal }, () => undefined),
    );
  }

  copy(
    sourceKey: string,
    targetKey: string,
    { signal, sourceIfMatch, ...attributes }: CopyOptions = {},
  ): Promise<WriteReceipt> {
    const headers = {
      ...this.#copySource(sourceKey, sourceIfMatch),
      ...copyAttributeHeaders(attributes),
    };
    return this.#send(
      { operation: 'PutObjectCopy', method: 'PUT', key: targetKey, headers },
      { signal, pace: 'patient' },
      (reply) => receiptOfBody('PutObjectCopy', reply, 'CopyObjectResult'),
    );
  }

  list(options: ListOptions): Promise<ListPage> {
    const { prefix, delimiter, marker, maxKeys = 1000 } = options;
    const query = {
      prefix,
      'max-keys': String(maxKeys),
      'encoding-type': 'url',
      ...(delimiter !== undefined && { delimiter }),
      ...(marker !== undefined && { marker }),
    };
    return this.#send(
      { operation: 'GetBucket', method: 'GET', query },
      { signal: options.signal },
      readListPage,
    );
  }

  createMultipart(key: string, options: PutOptions = {}): Promise<MultipartUpload> {
    const operation = 'InitiateMultipartUpload';
    return this.#send(
      {
        operation,
        method: 'POST',
        key,
        subresource: 'uploads',
        headers: attributeHeaders(options),
      },
      { signal: options.signal, repeat: 'answered' },
      (reply) => {
        requireRoot(operation, reply, 'InitiateMultipartUploadResult');
        const uploadId = elementText(bodyText(reply), 'UploadId');
        if (!uploadId) throw unusableReply(operation, reply, 'no upload id');
        return { key, uploadId };
      },
    );
  }

  uploadPart(
    { key, uploadId }: MultipartUpload,
    number: number,
    body: Uint8Array,
    { signal }: CallOptions = {},
  ): Promise<WriteReceipt> {
    const headers = { 'Content-Type': 'application/octet-stream' };
    const query = { partNumber: String(number), uploadId };
    return this.#send(
      { operation: 'UploadPart', method: 'PUT', key, query, headers, body },
      { signal, payloadBytes: body.length },
      (reply) => receiptOfHeaders('UploadPart', reply),
    );
  }

  copyPart(
    { key, uploadId }: MultipartUpload,
    number: number,
    range: PartCopyRange,
    { signal }: CallOptions = {},
  ): Promise<WriteReceipt> {
    const lastByte = range.offsetBytes + range.lengthBytes - 1;
    const headers = {
      ...this.#copySource(range.sourceKey, range.sourceIfMatch),
      'x-cos-copy-source-range': `bytes=${range.offsetBytes}-${lastByte}`,
    };
    const query = { partNumber: String(number), uploadId };
    return this.#send(
      { operation: 'UploadPartCopy', method: 'PUT', key, query, headers },
      { signal, pace: 'patient' },
      (reply) => receiptOfBody('UploadPartCopy', reply, 'CopyPartResult'),
    );
  }

  completeMultipart(
    { key, uploadId }: MultipartUpload,
    parts: readonly UploadedPart[],
    { signal }: CallOptions = {},
  ): Promise<WriteReceipt> {
    const operation = 'CompleteMultipartUpload';
    const body = Buffer.from(completeXml(parts));
    const headers = {
      'Content-Type': 'application/xml',
      'Content-MD5': createHash('md5').update(body).digest('base64'),
    };
    return this.#send(
      { operation, method: 'POST', key, query: { uploadId }, headers, body },
      { signal, pace: 'patient', repeat: 'once' },
      (reply) => receiptOfBody(operation, reply, 'CompleteMultipartUploadResult'),
    );
  }

  async abortMultipart(upload: MultipartUpload, { signal }: CallOptions = {}): Promise<void> {
    const { key, uploadId } = upload;
    const request = { operation: 'AbortMultipartUpload', method: 'DELETE', key } as const;
    const aborted = this.#send({ ...request, query: { uploadId } }, { signal }, () => undefined);
    await ignoring('upload-missing', aborted);
  }

  async *listMultipartUploads(
    prefix: string,
    { signal }: CallOptions = {},
  ): AsyncGenerator<MultipartUpload, void, undefined> {
    let next: UploadPage['next'];
    for (let pages = 0; pages < uploadPagesMax; pages++) {
      const page = await this.#uploadPage(prefix, next, signal);
      yield* page.uploads;
      if (!page.next) return;
      if (page.uploads.length === 0) break;
      next = page.next;
    }
    throw storeError('ListMultipartUploads', 'unavailable', { retryable: false });
  }

  async probe({ signal }: CallOptions = {}): Promise<void> {
    const request = { operation: 'HeadBucket', method: 'HEAD' } as const;
    try {
      await this.#send(request, { signal }, () => undefined);
    } catch (error) {
      // A HEAD is refused without a word; a list is refused with the reason, or permitted.
      if (!(error instanceof StoreError) || error.kind !== 'denied') throw error;
      await this.list({ prefix: '', maxKeys: 1, ...(signal && { signal }) });
    }
  }

  #uploadPage(
    prefix: string,
    next: UploadPage['next'],
    signal: AbortSignal | undefined,
  ): Promise<UploadPage> {
    const query = {
      prefix,
      'encoding-type': 'url',
      'max-uploads': '1000',
      ...(next && { 'key-marker': next.keyMarker, 'upload-id-marker': next.uploadIdMarker }),
    };
    return this.#send(
      { operation: 'ListMultipartUploads', method: 'GET', subresource: 'uploads', query },
      { signal },
      readUploadPage,
    );
  }

  #copySource(key: string, ifMatch: string | undefined): Record<string, string> {
    return {
      'x-cos-copy-source': `${this.#parts.copySourceHost}/${encodePath(key)}`,
      ...(ifMatch !== undefined && { 'x-cos-copy-source-If-Match': ifMatch }),
    };
  }

  /** A reply `accept` refuses counts as a failed attempt like any other. */
  #send<T>(
    request: CosRequest,
    plan: Omit<CallPlan, 'operation'>,
    accept: (reply: CosReply) => T,
  ): Promise<T> {
    const { calls, sender } = this.#parts;
    return calls.run({ operation: request.operation, ...plan }, async (context) =>
      accept(await sender.send(request, context)),
    );
  }
}

async function ignoring(kind: StoreError['kind'], call: Promise<void>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof StoreError) || error.kind !== kind) throw error;
  }
}
