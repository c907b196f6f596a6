/**
 * A shelf in memory, for tests and for rehearsals that may forget. Bodies are the chunks as they came,
 * never joined or copied: copies and completed uploads share them. Bounded, so that a full store is an
 * answer and not the end of the process.
 */
import { formatBytes, GiB } from '#gateway/kit/bytes.ts';
import type { Body, BodyRange, KeptPart, ObjectShelf, OpenBody, StagedBody } from './shelf.ts';
import { ShelfError } from './shelf-error.ts';

export interface MemoryShelfOptions {
  /**
   * All bodies together, staged ones included; shared bytes count for each body that holds them.
   * Beyond it writes fail with InternalError. Default 1 GiB.
   */
  readonly limitBytes?: number;
}

export function createMemoryShelf(options: MemoryShelfOptions = {}): ObjectShelf {
  return new MemoryShelf(options.limitBytes ?? GiB);
}

class MemoryShelf implements ObjectShelf {
  readonly #limitBytes: number;
  #usedBytes = 0;
  readonly #objects = new Map<string, MemoryBody>();
  readonly #parts = new Map<string, Map<number, MemoryBody>>();

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  async load(): Promise<void> {}

  stage(): MemoryStagedBody {
    return new MemoryStagedBody(this);
  }

  async stageRange(_bucket: string, source: OpenBody, range: BodyRange): Promise<StagedBody> {
    const staged = this.stage();
    for await (const chunk of source.read(range.offsetBytes, range.lengthBytes)) {
      staged.write(chunk);
    }
    return staged;
  }

  async keepObject(bucket: string, record: { key: string }, staged: StagedBody): Promise<Body> {
    return this.#keepBody(bucket, record.key, takeOver(staged));
  }

  async joinObject(
    bucket: string,
    record: { key: string },
    parts: readonly KeptPart[],
  ): Promise<Body> {
    const chunks = parts.flatMap(({ body }) => (body as MemoryBody).chunks);
    const body = new MemoryBody(chunks);
    this.reserve(body.sizeBytes);
    return this.#keepBody(bucket, record.key, body);
  }

  async dropObject(bucket: string, key: string): Promise<void> {
    const name = objectName(bucket, key);
    this.release(this.#objects.get(name)?.sizeBytes ?? 0);
    this.#objects.delete(name);
  }

  async keepUpload(_bucket: string, record: { uploadId: string }): Promise<void> {
    this.#parts.set(record.uploadId, new Map());
  }

  async keepPart(
    _bucket: string,
    uploadId: string,
    record: { number: number },
    staged: StagedBody,
  ): Promise<Body> {
    const body = takeOver(staged);
    const parts = this.#parts.get(uploadId);
    this.release(parts?.get(record.number)?.sizeBytes ?? 0);
    parts?.set(record.number, body);
    return body;
  }

  async dropUpload(_bucket: string, uploadId: string): Promise<void> {
    for (const body of this.#parts.get(uploadId)?.values() ?? []) this.release(body.sizeBytes);
    this.#parts.delete(uploadId);
  }

  async close(): Promise<void> {
    this.#objects.clear();
    this.#parts.clear();
    this.#usedBytes = 0;
  }

  /** @throws ShelfError full. */
  reserve(bytes: number): void {
    if (this.#usedBytes + bytes > this.#limitBytes) {
      throw new ShelfError(
        'full',
        `the memory store holds at most ${formatBytes(this.#limitBytes)}`,
        {
          hint: 'Give it more, or keep the data in a directory.',
        },
      );
    }
    this.#usedBytes += bytes;
  }

  release(bytes: number): void {
    this.#usedBytes -= bytes;
  }

  #keepBody(bucket: string, key: string, body: MemoryBody): MemoryBody {
    const name = objectName(bucket, key);
    this.release(this.#objects.get(name)?.sizeBytes ?? 0);
    this.#objects.set(name, body);
    return body;
  }
}

/** Bucket names hold no slash. */
function objectName(bucket: string, key: string): string {
  return `${bucket}/${key}`;
}

function takeOver(staged: StagedBody): MemoryBody {
  return (staged as MemoryStagedBody).finish();
}

class MemoryStagedBody implements StagedBody {
  readonly #shelf: MemoryShelf;
  #chunks: Uint8Array[] = [];
  sizeBytes = 0;

  constructor(shelf: MemoryShelf) {
    this.#shelf = shelf;
  }

  write(chunk: Uint8Array): undefined {
    this.#shelf.reserve(chunk.length);
    this.#chunks.push(chunk);
    this.sizeBytes += chunk.length;
  }

  /** From here on the bytes are the shelf's. */
  finish(): MemoryBody {
    const body = new MemoryBody(this.#chunks);
    this.#forget();
    return body;
  }

  async discard(): Promise<void> {
    this.#shelf.release(this.sizeBytes);
    this.#forget();
  }

  #forget(): void {
    this.#chunks = [];
    this.sizeBytes = 0;
  }
}

class MemoryBody implements Body, OpenBody {
  readonly chunks: readonly Uint8Array[];
  readonly sizeBytes: number;

  constructor(chunks: readonly Uint8Array[]) {
    this.chunks = chunks;
    this.sizeBytes = chunks.reduce((bytes, chunk) => bytes + chunk.length, 0);
  }

  async open(): Promise<OpenBody> {
    return this;
  }

  *read(offsetBytes: number, lengthBytes: number): Generator<Uint8Array> {
    const endBytes = offsetBytes + lengthBytes;
    let at = 0;
    for (const chunk of this.chunks) {
      const start = Math.max(0, offsetBytes - at);
      const end = Math.min(chunk.length, endBytes - at);
      if (start < end) yield chunk.subarray(start, end);
      at += chunk.length;
      if (at >= endBytes) return;
    }
  }

  async close(): Promise<void> {}
}
