/**
 * An ObjectStore in memory whose answers a test can script, for what the embedded COS cannot be asked to
 * do at an exact moment. It computes true checksums; every call can be delayed, failed before or after
 * its effect, or answered with something else.
 */
import { createHash } from 'node:crypto';
import { crc64 } from '#gateway/kit/crc64.ts';
import { attributesOf, type ObjectAttributes } from '#gateway/storage/object-attributes.ts';
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
} from '#gateway/storage/object-store.ts';

export type MemoryStoreOperation =
  | 'head'
  | 'read'
  | 'put'
  | 'delete'
  | 'copy'
  | 'createMultipart'
  | 'uploadPart'
  | 'copyPart'
  | 'completeMultipart'
  | 'abortMultipart';

/** What happens to one call instead of the ordinary. */
export interface Script {
  /** Awaited before the effect; the call's signal ends the wait. */
  readonly before?: () => Promise<void> | void;
  /** Thrown instead of the effect. */
  readonly fail?: StoreError;
  /** Thrown after the effect: the reply was lost. */
  readonly failAfter?: StoreError;
  /** Changes the answer. */
  readonly answer?: (receipt: WriteReceipt) => WriteReceipt;
  /** Changes what is stored, or what is read. */
  readonly bytes?: (bytes: Uint8Array) => Uint8Array;
}

export interface MemoryCall {
  readonly operation: MemoryStoreOperation;
  readonly key: string;
  readonly part?: number;
}

interface StoredMemoryObject {
  readonly bytes: Uint8Array;
  readonly info: ObjectInfo;
}

interface MemoryUpload {
  readonly key: string;
  readonly attributes: ObjectAttributes;
  readonly parts: Map<number, Uint8Array>;
}

export class MemoryStore implements ObjectStore {
  readonly objects = new Map<string, StoredMemoryObject>();
  readonly uploads = new Map<string, MemoryUpload>();
  readonly calls: MemoryCall[] = [];
  /** Asked for every call, in order; undefined is the ordinary answer. */
  script: (call: MemoryCall, nth: number) => Script | undefined = () => undefined;
  #serial = 0;
  /** Parts being stored right now, and the most there ever were. */
  partsInFlight = 0;
  partsInFlightPeak = 0;

  /** Operations in order, for comparing whole conversations. */
  get operations(): readonly MemoryStoreOperation[] {
    return this.calls.map((call) => call.operation);
  }

  text(key: string): string | undefined {
    const object = this.objects.get(key);
    return object && Buffer.from(object.bytes).toString();
  }

  store(key: string, bytes: Uint8Array, facts: Partial<ObjectInfo> = {}): ObjectInfo {
    const etag = `"${createHash('md5').update(bytes).digest('hex')}-${++this.#serial}"`;
    const info: ObjectInfo = {
      key,
      sizeBytes: bytes.length,
      etag,
      modifiedAt: new Date(0),
      crc64: crc64(bytes),
      ...facts,
    };
    this.objects.set(key, { bytes: Uint8Array.from(bytes), info });
    return info;
  }

  head(key: string, options: CallOptions = {}): Promise<ObjectInfo> {
    return this.#call({ operation: 'head', key }, options, () => this.#find(key).info);
  }

  read(
    key: string,
    offsetBytes: number,
    target: Uint8Array,
    options: ReadOptions = {},
  ): Promise<ReadResult> {
    return this.#call({ operation: 'read', key }, options, (script) => {
      const { bytes, info } = this.#find(key);
      if (options.ifMatch && options.ifMatch !== info.etag) {
        throw new StoreError('changed', 'replaced', { httpStatus: 412 });
      }
      if (offsetBytes >= bytes.length) {
        throw new StoreError('invalid-range', 'beyond the end', { httpStatus: 416 });
      }
      const slice = bytes.subarray(offsetBytes, offsetBytes + target.length);
      const sent = script?.bytes?.(Uint8Array.from(slice)) ?? slice;
      target.set(sent);
      return { info, bytesRead: sent.length };
    });
  }

  put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<WriteReceipt> {
    return this.#call({ operation: 'put', key }, options, (script) => {
      const sum = crc64(body);
      const stored = script?.bytes?.(Uint8Array.from(body)) ?? body;
      const { etag } = this.store(key, stored, attributesOf(options));
      return this.#receipt(script, { etag, crc64: sum });
    });
  }

  delete(key: string, options: CallOptions = {}): Promise<void> {
    return this.#call({ operation: 'delete', key }, options, () => void this.objects.delete(key));
  }

  copy(sourceKey: string, targetKey: string, options: CopyOptions = {}): Promise<WriteReceipt> {
    return this.#call({ operation: 'copy', key: targetKey }, options, (script) => {
      const source = this.#find(sourceKey, options.sourceIfMatch);
      const bytes = script?.bytes?.(Uint8Array.from(source.bytes)) ?? source.bytes;
      const { storageClass: _class, serverSideEncryption: _key, ...kept } = source.info;
      const { storageClass, serverSideEncryption, ...given } = attributesOf(options);
      const info = this.store(targetKey, bytes, {
        ...(Object.keys(given).length === 0 ? attributesOf(kept) : given),
        ...(storageClass && { storageClass }),
        ...(serverSideEncryption && { serverSideEncryption }),
        ...(source.info.crc64 === undefined && noCrc),
      });
      return this.#receipt(script, receiptOf(info));
    });
  }

  list(_options: ListOptions): Promise<ListPage> {
    throw new Error('not needed by these tests');
  }

  createMultipart(key: string, options: PutOptions = {}): Promise<MultipartUpload> {
    return this.#call({ operation: 'createMultipart', key }, options, () => {
      const uploadId = `upload-${++this.#serial}`;
      this.uploads.set(uploadId, { key, attributes: attributesOf(options), parts: new Map() });
      return { key, uploadId };
    });
  }

  async uploadPart(
    upload: MultipartUpload,
    number: number,
    body: Uint8Array,
    options: CallOptions = {},
  ): Promise<WriteReceipt> {
    const call = { operation: 'uploadPart', key: upload.key, part: number } as const;
    this.partsInFlightPeak = Math.max(this.partsInFlightPeak, ++this.partsInFlight);
    try {
      return await this.#call(call, options, (script) =>
        this.#storePart(upload, number, body, script),
      );
    } finally {
      this.partsInFlight--;
    }
  }

  copyPart(
    upload: MultipartUpload,
    number: number,
    range: PartCopyRange,
    options: CallOptions = {},
  ): Promise<WriteReceipt> {
    const call = { operation: 'copyPart', key: upload.key, part: number } as const;
    return this.#call(call, options, (script) => {
      const { bytes } = this.#find(range.sourceKey, range.sourceIfMatch);
      const slice = bytes.subarray(range.offsetBytes, range.offsetBytes + range.lengthBytes);
      return this.#storePart(upload, number, slice, script);
    });
  }

  completeMultipart(
    upload: MultipartUpload,
    parts: readonly UploadedPart[],
    options: CallOptions = {},
  ): Promise<WriteReceipt> {
    return this.#call({ operation: 'completeMultipart', key: upload.key }, options, (script) => {
      const open = this.#findUpload(upload);
      const pieces = parts.map(({ number }, index) => {
        const piece = open.parts.get(number);
        if (!piece || number !== index + 1) throw new StoreError('rejected', 'InvalidPart');
        return piece;
      });
      const bytes = Buffer.concat(pieces);
      const info = this.store(upload.key, script?.bytes?.(bytes) ?? bytes, open.attributes);
      this.uploads.delete(upload.uploadId);
      return this.#receipt(script, { etag: info.etag, crc64: crc64(bytes) });
    });
  }

  abortMultipart(upload: MultipartUpload, options: CallOptions = {}): Promise<void> {
    return this.#call({ operation: 'abortMultipart', key: upload.key }, options, () => {
      this.uploads.delete(upload.uploadId);
    });
  }

  async *listMultipartUploads(prefix: string): AsyncGenerator<MultipartUpload> {
    for (const [uploadId, { key }] of this.uploads)
      if (key.startsWith(prefix)) yield { key, uploadId };
  }

  probe(): Promise<void> {
    return Promise.resolve();
  }

  async #call<T>(
    call: MemoryCall,
    { signal }: CallOptions,
    effect: (script: Script | undefined) => T,
  ): Promise<T> {
    const nth = this.calls.filter(({ operation }) => operation === call.operation).length + 1;
    this.calls.push(call);
    const script = this.script(call, nth);
    await unlessAborted(signal, Promise.resolve(script?.before?.()));
    if (script?.fail) throw script.fail;
    const result = effect(script);
    if (script?.failAfter) throw script.failAfter;
    return result;
  }

  #find(key: string, ifMatch?: string): StoredMemoryObject {
    const object = this.objects.get(key);
    if (!object) throw new StoreError('missing', 'no such key', { httpStatus: 404 });
    if (ifMatch && ifMatch !== object.info.etag) {
      throw new StoreError('changed', 'replaced', { httpStatus: 412 });
    }
    return object;
  }

  #findUpload(upload: MultipartUpload) {
    const open = this.uploads.get(upload.uploadId);
    if (!open) throw new StoreError('upload-missing', 'no such upload', { httpStatus: 404 });
    return open;
  }

  #storePart(
    upload: MultipartUpload,
    number: number,
    body: Uint8Array,
    script: Script | undefined,
  ): WriteReceipt {
    const bytes = script?.bytes?.(Uint8Array.from(body)) ?? Uint8Array.from(body);
    this.#findUpload(upload).parts.set(number, bytes);
    return this.#receipt(script, { etag: `"part-${++this.#serial}"`, crc64: crc64(bytes) });
  }

  #receipt(script: Script | undefined, receipt: WriteReceipt): WriteReceipt {
    return script?.answer?.(receipt) ?? receipt;
  }
}

/** Spread into facts: the store keeps no checksum of this object. */
export const noCrc: Partial<ObjectInfo> = { crc64: undefined } as unknown as Partial<ObjectInfo>;

function receiptOf({ etag, crc64: sum }: ObjectInfo): WriteReceipt {
  return { etag, ...(sum !== undefined && { crc64: sum }) };
}

function unlessAborted<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      reject(new StoreError('aborted', 'stopped', { cause: signal?.reason }));
    };
    if (signal?.aborted) return onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal?.removeEventListener('abort', onAbort));
  });
}
