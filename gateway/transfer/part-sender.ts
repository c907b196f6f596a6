/**
 * The parts of one multipart upload on their way: opens the upload, keeps a few parts in flight, compares
 * what the store says of each with our own checksum, and gives the memory of every part back exactly
 * once, whatever happens. Parts that the store copies from an object of its own travel among them. It
 * never completes an upload and never aborts one: `stop` ends its requests, the upload stays open for
 * whoever decides about it.
 */

import { MiB } from '#gateway/kit/bytes.ts';
import { combineCrc64 } from '#gateway/kit/crc64-combine.ts';
import type { Log } from '#gateway/kit/log.ts';
import type {
  MultipartUpload,
  ObjectStore,
  PartCopyRange,
  UploadedPart,
  WriteReceipt,
} from '#gateway/storage/object-store.ts';
import { TransferError } from './errors.ts';
import type { TransferObserver } from './observer.ts';
import type { SealedPart } from './part.ts';

/** A part whose checksum the store disputes is sent this often in all. */
const sendsMax = 3;

export interface PartSenderOptions {
  readonly store: ObjectStore;
  /** Initiates the upload; called once, and never cut off: its answer is the only way to the id. */
  readonly open: () => Promise<MultipartUpload>;
  /** Parts sent at the same time, at least 1. */
  readonly partsInFlight: number;
  readonly log: Log;
  readonly observer: TransferObserver;
  /** Told once, as soon as the upload can no longer succeed. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Parts grow with the file, and no line to COS needs more than this per place in flight: larger ones use fewer
 * places, so that an upload of 20 GiB holds no more memory than one of 1 GiB. Two at least.
 */
const placeBytes = 8 * MiB;

/** One part to be stored, and how. */
interface Job {
  readonly number: number;
  /** Of our memory. */
  readonly bytes: number;
  readonly store: (upload: MultipartUpload) => Promise<WriteReceipt>;
  readonly release: () => void;
}

/** Copies and data do not wait for each other: the store works at the one, the client at the other. */
interface Lane {
  readonly queue: Job[];
  readonly inFlightMax: number;
  inFlight: number;
  /** Of the queue and in flight. */
  heldBytes: number;
}

interface CopiedPart {
  readonly lengthBytes: number;
  /** As the store says, once copied. */
  crc64: bigint | undefined;
}

/** Parts copied inside the store at the same time. */
export const copiesInFlight = 4;

export class PartSender {
  readonly #options: PartSenderOptions;
  readonly #opening: Promise<void>;
  readonly #stop = new AbortController();
  readonly #data: Lane;
  readonly #copying: Lane = {
    queue: [],
    inFlightMax: copiesInFlight,
    inFlight: 0,
    heldBytes: 0,
  };
  readonly #stored: UploadedPart[] = [];
  /** In the order of their numbers. */
  readonly #copies: CopiedPart[] = [];
  /** Of the first part: who configures large ones from the beginning has the memory for all places. */
  #firstBytes: number | undefined;
  #upload: MultipartUpload | undefined;
  #failure: { readonly error: unknown } | undefined;
  #warnedOfMissingCrc = false;
  #change = Promise.withResolvers<void>();

  constructor(options: PartSenderOptions) {
    this.#options = options;
    this.#data = { queue: [], inFlightMax: options.partsInFlight, inFlight: 0, heldBytes: 0 };
    this.#opening = this.#open();
  }

  /** The open upload, once the store named it. */
  get upload(): MultipartUpload | undefined {
    return this.#upload;
  }

  /** In order of their numbers, once `drained`. */
  get storedParts(): readonly UploadedPart[] {
    return this.#stored.toSorted((first, second) => first.number - second.number);
  }

  /** Whether one more part may be filled: at most one waits for a place in flight. */
  get hasRoom(): boolean {
    const { queue, inFlight, inFlightMax, heldBytes } = this.#data;
    const held = queue.length + inFlight;
    const enoughBytes = inFlightMax * Math.max(placeBytes, this.#firstBytes ?? 0);
    return held <= inFlightMax && (held < 2 || heldBytes <= enoughBytes);
  }

  /**
   * Of everything copied, by what the store said of each copy. Undefined unless it said so of all of
   * them; ask after `drained`.
   */
  get copiedCrc64(): bigint | undefined {
    let sum: bigint | undefined = 0n;
    for (const { crc64, lengthBytes } of this.#copies) {
      if (crc64 === undefined) return undefined;
      sum = combineCrc64(sum, crc64, lengthBytes);
    }
    return sum;
  }

  /** Takes the part over, memory included. */
  send(part: SealedPart): void {
    const bytes = part.bytes.length;
    this.#firstBytes ??= bytes;
    this.#enqueue(this.#data, {
      number: part.number,
      bytes,
      store: (upload) => this.#sendChecked(upload, part),
      release: () => part.release(),
    });
  }

  /** Parts 1 to n are copied inside the store. Call it before anything is sent. */
  copy(ranges: readonly PartCopyRange[]): void {
    ranges.forEach((range, index) => {
      const copy: CopiedPart = { lengthBytes: range.lengthBytes, crc64: undefined };
      this.#copies.push(copy);
      const number = index + 1;
      const store = async (upload: MultipartUpload) => {
        const { signal } = this.#stop;
        const receipt = await this.#options.store.copyPart(upload, number, range, { signal });
        copy.crc64 = receipt.crc64;
        return receipt;
      };
      this.#enqueue(this.#copying, { number, bytes: 0, store, release: () => undefined });
    });
  }

  #enqueue(lane: Lane, job: Job): void {
    if (this.#failure) return job.release();
    lane.queue.push(job);
    lane.heldBytes += job.bytes;
    this.#startQueued(lane);
  }

  /** Resolves when `hasRoom`. @throws what the upload failed with. */
  room(): Promise<void> {
    return this.#until(() => this.hasRoom);
  }

  /** Resolves when every part given is stored and its checksum compared. @throws as `room`. */
  drained(): Promise<void> {
    return this.#until(() => this.#isIdle && !!this.#upload);
  }

  /** Gives up: nothing new starts, what is in flight is cut off. Idempotent; the first reason stays. */
  stop(error: unknown): void {
    if (this.#failure) return;
    this.#failure = { error };
    for (const { queue } of this.#lanes) for (const job of queue.splice(0)) job.release();
    this.#stop.abort(error);
    this.#changed();
  }

  /** Resolves, never rejects, when nothing runs any more. To be awaited after `stop`. */
  async settled(): Promise<void> {
    await this.#opening;
    while (this.#lanes.some(({ inFlight }) => inFlight > 0)) await this.#change.promise;
  }

  get #lanes(): readonly Lane[] {
    return [this.#copying, this.#data];
  }

  get #isIdle(): boolean {
    return this.#lanes.every(({ queue, inFlight }) => queue.length + inFlight === 0);
  }

  async #open(): Promise<void> {
    try {
      this.#upload = await this.#options.open();
      this.#options.observer.multipartOpened();
      for (const lane of this.#lanes) this.#startQueued(lane);
    } catch (error) {
      this.#fail(error);
    }
    this.#changed();
  }

  #startQueued(lane: Lane): void {
    while (this.#upload && !this.#failure && lane.inFlight < lane.inFlightMax) {
      const job = lane.queue.shift();
      if (!job) return;
      void this.#run(this.#upload, lane, job);
    }
  }

  /** Never rejects. */
  async #run(upload: MultipartUpload, lane: Lane, job: Job): Promise<void> {
    const { observer } = this.#options;
    lane.inFlight++;
    observer.partsInFlight('upload', 1);
    try {
      const { etag } = await job.store(upload);
      this.#stored.push({ number: job.number, etag });
    } catch (error) {
      this.#fail(error);
    } finally {
      job.release();
      lane.inFlight--;
      lane.heldBytes -= job.bytes;
      observer.partsInFlight('upload', -1);
      this.#startQueued(lane);
      this.#changed();
    }
  }

  async #sendChecked(upload: MultipartUpload, part: SealedPart): Promise<WriteReceipt> {
    const { store, log, observer } = this.#options;
    for (let sends = 1; ; sends++) {
      const receipt = await store.uploadPart(upload, part.number, part.bytes, {
        signal: this.#stop.signal,
      });
      if (receipt.crc64 === undefined) this.#noteMissingCrc();
      else
        observer.integrityChecked('part', receipt.crc64 === part.crc64 ? 'verified' : 'mismatch');
      if (receipt.crc64 === undefined || receipt.crc64 === part.crc64) return receipt;
      const { requestId } = receipt;
      log.warn({ part: part.number, sends, requestId }, 'part checksum differs');
      if (sends === sendsMax) {
        throw new TransferError('corrupt', `part ${part.number} arrived damaged ${sends} times`);
      }
    }
  }

  #noteMissingCrc(): void {
    this.#options.observer.integrityChecked('part', 'absent');
    if (this.#warnedOfMissingCrc) return;
    this.#warnedOfMissingCrc = true;
    this.#options.log.warn({}, 'the store sends no crc-64 for parts');
  }

  #fail(error: unknown): void {
    if (this.#failure) return;
    this.stop(error);
    this.#options.onFailure(error);
  }

  async #until(isReached: () => boolean): Promise<void> {
    for (;;) {
      if (this.#failure) throw this.#failure.error;
      if (isReached()) return;
      await this.#change.promise;
    }
  }

  #changed(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}
