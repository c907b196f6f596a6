/**
 * The ObjectStore of one session in a simulation: the driver's frame of deadlines and retries as it is in
 * the product, and below it the weather and the simulated bucket instead of HTTP.
 */
import type { Clock } from '#gateway/kit/clock.ts';
import { silentLog } from '#gateway/kit/log.ts';
import { type CallPlan, Calls, defaultTimeouts } from '#gateway/storage/cos/calls.ts';
import type { CosOperation } from '#gateway/storage/cos/operation.ts';
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
import { type Body, bodyOf, copyInto, damaged } from './body.ts';
import type { Author, OpenUpload, SimulatedCos } from './cos.ts';
import type { Passage, Weather } from './fault.ts';
import { carry } from './wire.ts';

export interface SimulatedStoreOptions {
  readonly cos: SimulatedCos;
  readonly weather: Weather;
  /** Of the world: COS goes on when the gateway is dead. */
  readonly worldClock: Clock;
  /** Of the gateway. */
  readonly clock: Clock;
  readonly random: () => number;
  /** The end of the gateway's process. */
  readonly killed: AbortSignal;
  /** Who asks, for the history of the bucket. */
  readonly name: string;
  readonly observer?: StoreObserver;
  /**
   * What COS says of parts it copied is true: where less than all of an object is copied, nobody else
   * knows their checksum. Default false.
   */
  readonly copiesAreTrue?: boolean;
}

/** What the checks of a run want to know of a store. */
export interface StoreObserver {
  /** For the trace. */
  sent?(operation: CosOperation, key: string, passage: Passage): void;
  /** Right before the request that would replace the object is made for the first time. */
  committing?(key: string): void;
  /** COS has begun an upload. */
  opened?(upload: OpenUpload): void;
  /** An abort reached COS while a Complete of the same upload is at work there. */
  abortedAtWork?(upload: MultipartUpload): void;
}

interface Request<Content, Reply> {
  readonly operation: CosOperation;
  readonly key: string;
  readonly load: () => Content;
  readonly work: (content: Content, author: Author) => Reply;
  readonly onCertain?: () => void;
}

const nothing = () => undefined;

export class SimulatedStore implements ObjectStore {
  readonly #options: SimulatedStoreOptions;
  readonly #calls: Calls;

  constructor(options: SimulatedStoreOptions) {
    this.#options = options;
    this.#calls = new Calls({
      clock: options.clock,
      log: silentLog,
      timeouts: defaultTimeouts,
      random: options.random,
    });
  }

  head(key: string, options: CallOptions = {}): Promise<ObjectInfo> {
    const { cos } = this.#options;
    const request = { operation: 'HeadObject', key, load: nothing } as const;
    return this.#send({ ...request, work: () => cos.head(key) }, options);
  }

  read(
    key: string,
    offsetBytes: number,
    target: Uint8Array,
    { signal, ifMatch }: ReadOptions = {},
  ): Promise<ReadResult> {
    const range = { offsetBytes, lengthBytes: target.length, ...(ifMatch && { ifMatch }) };
    const work = () => this.#options.cos.read(key, range);
    const request = { operation: 'GetObject', key, load: nothing, work } as const;
    const plan = { payloadBytes: target.length, ...(signal && { signal }) };
    return this.#send(request, plan).then(({ info, body }) => ({
      info,
      bytesRead: copyInto(target, body),
    }));
  }

  put(key: string, bytes: Uint8Array, { signal, ...attributes }: PutOptions = {}) {
    this.#options.observer?.committing?.(key);
    const plan = { payloadBytes: bytes.length, ...(signal && { signal }) };
    return this.#send<Body, WriteReceipt>(
      {
        operation: 'PutObject',
        key,
        load: () => bodyOf(Uint8Array.from(bytes)),
        work: (body, author) => this.#options.cos.put(key, body, attributes, author),
      },
      plan,
    );
  }

  async delete(key: string, options: CallOptions = {}): Promise<void> {
    const work = (_: unknown, author: Author) => this.#options.cos.delete(key, author);
    await this.#send({ operation: 'DeleteObject', key, load: nothing, work }, options);
  }

  copy(sourceKey: string, key: string, { signal, ...options }: CopyOptions = {}) {
    const work = (_: unknown, author: Author) =>
      this.#options.cos.copy(sourceKey, key, options, { author, alter: alterFor(author) });
    const plan = { pace: 'patient', ...(signal && { signal }) } as const;
    return this.#send({ operation: 'PutObjectCopy', key, load: nothing, work }, plan);
  }

  list(options: ListOptions): Promise<ListPage> {
    const { prefix: key, signal } = options;
    const work = () => this.#options.cos.list(options);
    return this.#send({ operation: 'GetBucket', key, load: nothing, work }, signal && { signal });
  }

  async createMultipart(key: string, { signal, ...attributes }: PutOptions = {}) {
    const { cos, observer } = this.#options;
    const work = (_: unknown, author: Author) => {
      const upload = cos.createMultipart(key, attributes, author);
      observer?.opened?.(upload);
      return upload;
    };
    const request = { operation: 'InitiateMultipartUpload', key, load: nothing, work } as const;
    const plan = { repeat: 'answered', ...(signal && { signal }) } as const;
    const { uploadId } = await this.#send(request, plan);
    return { key, uploadId };
  }

  uploadPart(
    upload: MultipartUpload,
    number: number,
    bytes: Uint8Array,
    { signal }: CallOptions = {},
  ): Promise<WriteReceipt> {
    const plan = { payloadBytes: bytes.length, ...(signal && { signal }) };
    return this.#send<Body, WriteReceipt>(
      {
        operation: 'UploadPart',
        key: upload.key,
        load: () => bodyOf(Uint8Array.from(bytes)),
        work: (body, author) =>
          this.#options.cos.uploadPart(upload, number, alterFor(author)(body)),
      },
      plan,
    );
  }

  copyPart(
    upload: MultipartUpload,
    number: number,
    range: PartCopyRange,
    { signal }: CallOptions = {},
  ): Promise<WriteReceipt> {
    const { key } = upload;
    const work = (_: unknown, author: Author) =>
      this.#options.cos.copyPart(upload, number, range, alterFor(author));
    const plan = { pace: 'patient', ...(signal && { signal }) } as const;
    return this.#send({ operation: 'UploadPartCopy', key, load: nothing, work }, plan);
  }

  completeMultipart(
    upload: MultipartUpload,
    parts: readonly UploadedPart[],
    { signal }: CallOptions = {},
  ): Promise<WriteReceipt> {
    const { cos, observer } = this.#options;
    const { key, uploadId } = upload;
    observer?.committing?.(key);
    const plan = { pace: 'patient', repeat: 'once', ...(signal && { signal }) } as const;
    let atWork: { completing: number } | undefined;
    return this.#send(
      {
        operation: 'CompleteMultipartUpload',
        key,
        load: nothing,
        onCertain: () => {
          atWork = cos.uploads.get(uploadId);
          if (atWork) atWork.completing++;
        },
        work: (_, author) => {
          if (atWork) atWork.completing--;
          return cos.complete(upload, parts, { author, alter: alterFor(author) });
        },
      },
      plan,
    );
  }

  async abortMultipart(upload: MultipartUpload, options: CallOptions = {}): Promise<void> {
    const { cos, observer } = this.#options;
    const work = () => {
      const isAtWork = (cos.uploads.get(upload.uploadId)?.completing ?? 0) > 0;
      if (isAtWork) observer?.abortedAtWork?.(upload);
      cos.abort(upload);
    };
    const request = { operation: 'AbortMultipartUpload', key: upload.key, load: nothing } as const;
    try {
      await this.#send({ ...request, work }, options);
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== 'upload-missing') throw error;
    }
  }

  async *listMultipartUploads(
    prefix: string,
    options: CallOptions = {},
  ): AsyncGenerator<MultipartUpload, void, undefined> {
    const work = () => this.#options.cos.listUploads(prefix);
    const request = { operation: 'ListMultipartUploads', key: prefix, load: nothing } as const;
    const found = await this.#send({ ...request, work }, options);
    for (const { key, uploadId, initiatedAt } of found) yield { key, uploadId, initiatedAt };
  }

  async probe(options: CallOptions = {}): Promise<void> {
    await this.#send({ operation: 'HeadBucket', key: '', load: nothing, work: nothing }, options);
  }

  #send<Content, Reply>(
    request: Request<Content, Reply>,
    plan: Omit<CallPlan, 'operation'> = {},
  ): Promise<Reply> {
    const { operation } = request;
    return this.#calls.run({ operation, ...plan }, ({ signal }) => this.#attempt(request, signal));
  }

  #attempt<Content, Reply>(request: Request<Content, Reply>, signal: AbortSignal): Promise<Reply> {
    const { weather, worldClock: clock, killed, name, observer, copiesAreTrue } = this.#options;
    const { operation, key, load, work, onCertain = nothing } = request;
    const drawn = weather.draw(operation, key.includes('.cosftp/'));
    const isTrue = operation === 'UploadPartCopy' && copiesAreTrue === true;
    const passage = isTrue ? asTrue(drawn) : drawn;
    observer?.sent?.(operation, key, passage);
    const author: Author = { name, isDamaged: passage.isDamaged === true, isTold: false };
    return carry(
      { clock, passage, givenUp: [signal, killed] },
      {
        operation,
        load,
        work: (content) => work(content, author),
        onCertain,
        alterReply: (reply) => {
          const told = alterCrc(reply, passage.crc);
          author.isTold = told === reply && hasCrc(reply);
          return told;
        },
      },
    );
  }
}

function asTrue({ crc: _crc, isDamaged: _isDamaged, ...passage }: Passage): Passage {
  return passage;
}

function alterFor({ isDamaged }: Author): (body: Body) => Body {
  return isDamaged ? damaged : (body) => body;
}

function hasCrc(reply: unknown): boolean {
  return typeof reply === 'object' && reply !== null && 'crc64' in reply;
}

function alterCrc<Reply>(reply: Reply, how: Passage['crc']): Reply {
  if (how === undefined || typeof reply !== 'object' || reply === null) return reply;
  const { crc64, ...rest } = reply as Reply & { crc64?: bigint };
  const isWrong = how === 'wrong' && crc64 !== undefined;
  return { ...rest, ...(isWrong && { crc64: crc64 ^ 1n }) } as Reply;
}
