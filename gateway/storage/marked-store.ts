/**
 * An ObjectStore that marks its multipart uploads (upload-marker.ts), so that a process that dies leaves
 * nothing behind that nobody knows of. Every other call passes through.
 *
 * A marker that cannot be written is a warning, never a failed upload; one that cannot be removed is the
 * janitor's. Nothing here aborts or completes anything by itself.
 */
import { type Clock, sleep, type Timer } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import { type RetryPolicy, retry } from '#gateway/kit/retry.ts';
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
} from './object-store.ts';
import { formatMarkerContent, type MarkerOwner, markerKey } from './upload-marker.ts';

export interface MarkedStoreOptions {
  readonly store: ObjectStore;
  /** Of the jail whose keys come here. */
  readonly prefix: string;
  readonly owner: MarkerOwner;
  readonly clock: Clock;
  readonly log: Log;
  /** Keys of markers whose upload this process still has to end: shared with the janitor. */
  readonly live: Set<string>;
  /** How often an upload is begun again after a lost reply. Default 3 more times within 30 s. */
  readonly createRetry?: RetryPolicy;
  /** In [0, 1), for the jitter of retries. Default Math.random. */
  readonly random?: () => number;
  /** Names the next marker of `owner`; never twice the same. Default counts those of this process. */
  readonly nextNumber?: () => number;
}

export const createRetry: RetryPolicy = {
  attemptsMax: 4,
  firstDelayMs: 200,
  delayMsMax: 2_000,
  deadlineMs: 30_000,
};

/** Others take a marker for abandoned after 24 h; one of a longer upload is written again this often. */
export const markerRefreshMs: number = 6 * 3_600_000;

/**
 * How long after its marker an upload may be begun, when the reply that would have named it was lost: no
 * request to begin one lives longer.
 */
export const begunWithinMs = 120_000;

interface LiveMarker {
  readonly key: string;
  /** The last write of it: the removal comes after it. */
  written: Promise<void>;
  refresh?: Timer;
}

/** Numbers of one process: several stores may share a jail. */
let lastNumber = 0;
const countMarker = () => ++lastNumber;

export class MarkedStore implements ObjectStore {
  readonly #options: MarkedStoreOptions;
  readonly #store: ObjectStore;
  /** By upload id. */
  readonly #live = new Map<string, LiveMarker>();
  readonly #removals = new Set<Promise<void>>();
  /** Where markers are not possible, uploads go on without. */
  #isOff = false;

  constructor(options: MarkedStoreOptions) {
    this.#options = options;
    this.#store = options.store;
  }

  /** Resolves when the markers of ended uploads are removed, or after `withinMs`. Never rejects. */
  async settled(withinMs: number): Promise<void> {
    const done = new AbortController();
    const late = sleep(this.#options.clock, withinMs, done.signal).catch(() => undefined);
    await Promise.race([Promise.all(this.#removals), late]);
    done.abort();
  }

  /** After a lost reply with a new marker: the old one stays for the upload that may be there. */
  createMultipart(key: string, options: PutOptions = {}): Promise<MultipartUpload> {
    const { clock, random, createRetry: policy = createRetry } = this.#options;
    return retry(() => this.#create(key, options), {
      policy,
      clock,
      isRetryable: (error) => isSilent(error) && !options.signal?.aborted,
      ...(options.signal && { signal: options.signal }),
      ...(random && { random }),
    });
  }

  async #create(key: string, options: PutOptions): Promise<MultipartUpload> {
    const marker = await this.#mark(key);
    try {
      const upload = await this.#store.createMultipart(key, options);
      if (marker) this.#name(marker, upload);
      return upload;
    } catch (error) {
      if (marker && isSilent(error)) this.#keepForJanitor(marker);
      else if (marker) await this.#remove(marker);
      throw error;
    }
  }

  /** Not at once: the lost request may still be on its way, and the upload begun after a round. */
  #keepForJanitor({ key }: LiveMarker): void {
    const { clock, live } = this.#options;
    clock.setTimer(begunWithinMs, () => void live.delete(key));
  }

  async completeMultipart(
    upload: MultipartUpload,
    parts: readonly UploadedPart[],
    options?: CallOptions,
  ): Promise<WriteReceipt> {
    try {
      const receipt = await this.#store.completeMultipart(upload, parts, options);
      this.#unmark(upload);
      return receipt;
    } catch (error) {
      if (error instanceof StoreError && error.kind === 'upload-missing') this.#unmark(upload);
      throw error;
    }
  }

  async abortMultipart(upload: MultipartUpload, options?: CallOptions): Promise<void> {
    try {
      await this.#store.abortMultipart(upload, options);
    } catch (error) {
      this.#leaveToJanitor(upload);
      throw error;
    }
    this.#unmark(upload);
  }

  /** Whoever comes first: the caller with its next try, or the janitor's next round. */
  #leaveToJanitor({ uploadId }: MultipartUpload): void {
    const marker = this.#live.get(uploadId);
    if (!marker) return;
    marker.refresh?.cancel();
    this.#options.live.delete(marker.key);
  }

  async #mark(key: string): Promise<LiveMarker | undefined> {
    if (this.#isOff) return undefined;
    const { prefix, owner, live, nextNumber = countMarker } = this.#options;
    const own = markerKey(prefix, owner, nextNumber());
    if (own === undefined) {
      this.#switchOff('the prefix is too long');
      return undefined;
    }
    live.add(own);
    const marker: LiveMarker = { key: own, written: Promise.resolve() };
    await this.#write(marker, formatMarkerContent({ key }));
    return marker;
  }

  #switchOff(reason: string): void {
    if (this.#isOff) return;
    this.#isOff = true;
    const { log, prefix } = this.#options;
    const hint = 'a lifecycle rule of the bucket should abort unfinished uploads';
    log.warn({ prefix, reason, hint }, 'uploads are not marked');
  }

  /** Beside the first parts; a process that dies before it is done leaves a marker without an id. */
  #name(marker: LiveMarker, { key, uploadId }: MultipartUpload): void {
    const content = formatMarkerContent({ key, uploadId });
    const refresh = () => {
      marker.written = this.#write(marker, content);
      marker.refresh = this.#options.clock.setTimer(markerRefreshMs, refresh);
    };
    this.#live.set(uploadId, marker);
    refresh();
  }

  async #write(marker: LiveMarker, content: string): Promise<void> {
    try {
      const body = Buffer.from(content);
      await this.#store.put(marker.key, body, { contentType: 'application/json' });
    } catch (error) {
      this.#noteFailure(error, marker, 'upload marker not written');
    }
  }

  /** A key without the right to do it will not get it for the next upload. */
  #noteFailure(error: unknown, { key }: LiveMarker, message: string): void {
    if (error instanceof StoreError && error.kind === 'denied') {
      this.#switchOff('the key may not write and delete below .cosftp/');
    } else {
      this.#options.log.warn({ marker: key, err: error }, message);
    }
  }

  #unmark({ uploadId }: MultipartUpload): void {
    const marker = this.#live.get(uploadId);
    if (!marker) return;
    this.#live.delete(uploadId);
    marker.refresh?.cancel();
    const removal = this.#remove(marker).finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
  }

  /** Never rejects. */
  async #remove(marker: LiveMarker): Promise<void> {
    await marker.written;
    try {
      await this.#store.delete(marker.key);
    } catch (error) {
      this.#noteFailure(error, marker, 'upload marker not removed');
    }
    this.#options.live.delete(marker.key);
  }

  head(key: string, options?: CallOptions): Promise<ObjectInfo> {
    return this.#store.head(key, options);
  }

  read(
    key: string,
    offsetBytes: number,
    target: Uint8Array,
    options?: ReadOptions,
  ): Promise<ReadResult> {
    return this.#store.read(key, offsetBytes, target, options);
  }

  put(key: string, body: Uint8Array, options?: PutOptions): Promise<WriteReceipt> {
    return this.#store.put(key, body, options);
  }

  delete(key: string, options?: CallOptions): Promise<void> {
    return this.#store.delete(key, options);
  }

  copy(sourceKey: string, targetKey: string, options?: CopyOptions): Promise<WriteReceipt> {
    return this.#store.copy(sourceKey, targetKey, options);
  }

  list(options: ListOptions): Promise<ListPage> {
    return this.#store.list(options);
  }

  uploadPart(
    upload: MultipartUpload,
    number: number,
    body: Uint8Array,
    options?: CallOptions,
  ): Promise<WriteReceipt> {
    return this.#store.uploadPart(upload, number, body, options);
  }

  copyPart(
    upload: MultipartUpload,
    number: number,
    range: PartCopyRange,
    options?: CallOptions,
  ): Promise<WriteReceipt> {
    return this.#store.copyPart(upload, number, range, options);
  }

  listMultipartUploads(prefix: string, options?: CallOptions): AsyncIterable<MultipartUpload> {
    return this.#store.listMultipartUploads(prefix, options);
  }

  probe(options?: CallOptions): Promise<void> {
    return this.#store.probe(options);
  }
}

/** Without an answer the upload may be begun all the same; being given up counts as that, too. */
function isSilent(error: unknown): boolean {
  return error instanceof StoreError && ['network', 'timeout', 'aborted'].includes(error.kind);
}
