/**
 * What the embedded COS holds, read and written in the process itself: for tests and for the demo's own
 * words. Goes past HTTP, signatures and faults, and is not counted as a request.
 */
import { hash } from 'node:crypto';
import type { Clock } from '#gateway/kit/clock.ts';
import { crc64 } from '#gateway/kit/crc64.ts';
import { type Attributes, standardClass } from './attributes.ts';
import type { Bucket } from './bucket.ts';
import { guessContentType } from './content-type.ts';
import { CosError } from './errors.ts';
import type { Body, ObjectRecord, PartRecord, UploadRecord } from './shelf.ts';

export interface InspectedUpload extends UploadRecord {
  /** By number. */
  readonly parts: readonly PartRecord[];
}

export interface InspectorPut {
  readonly attributes?: Partial<Attributes>;
  /** Default now. */
  readonly modifiedAtMs?: number;
  /** `absent`: an object from before COS kept the checksum. Default: the true one. */
  readonly crc64?: bigint | 'absent';
}

export class Inspector {
  readonly #bucketNamed: (name: string) => Bucket;
  readonly #clock: Clock;

  constructor(bucketNamed: (name: string) => Bucket, clock: Clock) {
    this.#bucketNamed = bucketNamed;
    this.#clock = clock;
  }

  /** Size, checksums, attributes; undefined when there is no such object. */
  find(bucket: string, key: string): ObjectRecord | undefined {
    return this.#bucketNamed(bucket).find(key);
  }

  /** All of them, in UTF-8 order. */
  keys(bucket: string, prefix = ''): readonly string[] {
    const keys: string[] = [];
    for (const [key] of this.#bucketNamed(bucket).objects.entries()) {
      if (key.startsWith(prefix)) keys.push(key);
    }
    return keys;
  }

  /** @throws CosError NoSuchKey. */
  async bytes(bucket: string, key: string): Promise<Uint8Array> {
    const object = await this.#bucketNamed(bucket).open(key);
    if (!object) throw new CosError('NoSuchKey');
    try {
      const chunks: Uint8Array[] = [];
      const { sizeBytes } = object.record;
      for await (const chunk of object.body.read(0, sizeBytes)) chunks.push(chunk);
      return Buffer.concat(chunks);
    } finally {
      await object.body.close();
    }
  }

  /** Of the bytes as they are stored now, not what the record says. @throws CosError NoSuchKey. */
  async crc64(bucket: string, key: string): Promise<bigint> {
    return crc64(await this.bytes(bucket, key));
  }

  async put(
    bucket: string,
    key: string,
    bytes: Uint8Array | string,
    options: InspectorPut = {},
  ): Promise<ObjectRecord> {
    const target = this.#bucketNamed(bucket);
    const body = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    const staged = target.stage();
    await staged.write(body);
    return target.put({ key, ...this.#factsOf(key, body, options), overwrite: 'allowed' }, staged);
  }

  async delete(bucket: string, key: string): Promise<void> {
    await this.#bucketNamed(bucket).delete(key);
  }

  /**
   * The same bytes under many keys at once: 500,000 take about a second. They live in memory whatever
   * the store is, and a restart does not find them.
   */
  fill(bucket: string, keys: Iterable<string>, bytes: Uint8Array | string): void {
    const body = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    const { attributes, ...facts } = this.#factsOf('', body, {});
    const shared = sharedBody(body);
    const records = function* (): Generator<ObjectRecord> {
      for (const key of keys) yield { key, sizeBytes: body.length, attributes, ...facts };
    };
    this.#bucketNamed(bucket).fill(records(), shared);
  }

  openUploads(bucket: string): readonly InspectedUpload[] {
    return this.#bucketNamed(bucket)
      .uploads()
      .map(({ record, parts }) => ({
        ...record,
        parts: [...parts.values()]
          .map((part) => part.record)
          .toSorted((a, b) => a.number - b.number),
      }));
  }

  #factsOf(key: string, body: Uint8Array, options: InspectorPut) {
    const sum = options.crc64 ?? crc64(body);
    return {
      etag: `"${hash('md5', body)}"`,
      crc64: sum === 'absent' ? undefined : sum,
      modifiedAtMs: options.modifiedAtMs ?? this.#clock.now(),
      attributes: {
        contentType: guessContentType(key),
        storageClass: standardClass,
        headers: {},
        ...options.attributes,
      },
    };
  }
}

function sharedBody(bytes: Uint8Array): Body {
  const open = {
    *read(offsetBytes: number, lengthBytes: number) {
      yield bytes.subarray(offsetBytes, offsetBytes + lengthBytes);
    },
    close: async () => undefined,
  };
  return { sizeBytes: bytes.length, open: async () => open };
}
