/**
 * A bucket in the gateway's own memory that answers at once: what the gateway costs without any store. It
 * does what 1 KiB files need and refuses everything else.
 */
import { crc64 } from '#gateway/kit/crc64.ts';
import {
  type ListPage,
  type MultipartUpload,
  type ObjectInfo,
  type ObjectStore,
  type ReadResult,
  StoreError,
  type WriteReceipt,
} from '#gateway/storage/object-store.ts';

interface Stored {
  readonly bytes: Uint8Array;
  readonly info: ObjectInfo;
}

export class InstantStore implements ObjectStore {
  readonly #objects = new Map<string, Stored>();
  #serial = 0;

  close(): void {
    this.#objects.clear();
  }

  async head(key: string): Promise<ObjectInfo> {
    return this.#find(key).info;
  }

  async read(key: string, offsetBytes: number, target: Uint8Array): Promise<ReadResult> {
    const { bytes, info } = this.#find(key);
    const slice = bytes.subarray(offsetBytes, offsetBytes + target.length);
    target.set(slice);
    return { info, bytesRead: slice.length };
  }

  async put(key: string, body: Uint8Array): Promise<WriteReceipt> {
    const bytes = Uint8Array.from(body);
    const etag = `"${++this.#serial}"`;
    const sum = crc64(bytes);
    const info = { key, sizeBytes: bytes.length, etag, modifiedAt: new Date(0), crc64: sum };
    this.#objects.set(key, { bytes, info });
    return { etag, crc64: sum };
  }

  async delete(key: string): Promise<void> {
    this.#objects.delete(key);
  }

  async list(): Promise<ListPage> {
    return { objects: [], prefixes: [] };
  }

  copy(): Promise<WriteReceipt> {
    return refuse();
  }

  createMultipart(): Promise<MultipartUpload> {
    return refuse();
  }

  uploadPart(): Promise<WriteReceipt> {
    return refuse();
  }

  copyPart(): Promise<WriteReceipt> {
    return refuse();
  }

  completeMultipart(): Promise<WriteReceipt> {
    return refuse();
  }

  async abortMultipart(): Promise<void> {}

  async *listMultipartUploads(): AsyncGenerator<MultipartUpload> {}

  async probe(): Promise<void> {}

  #find(key: string): Stored {
    const object = this.#objects.get(key);
    if (!object) throw new StoreError('missing', 'no such key', { httpStatus: 404 });
    return object;
  }
}

function refuse(): Promise<never> {
  return Promise.reject(new StoreError('rejected', 'not for files of more than one part'));
}
