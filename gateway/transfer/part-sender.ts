/**
 * The parts of one multipart upload on their way: opens the upload, keeps a few parts in flight, compares
 * what the store says of each with our own checksum, and gives the memory of every part back exactly
 * once, whatever happens. It never completes an upload; it aborts one only when told to.
 */
import type { Log } from '#gateway/kit/log.ts';
import type {
  MultipartUpload,
  ObjectStore,
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

export class PartSender {
  readonly #options: PartSenderOptions;
  readonly #opening: Promise<void>;
  readonly #stop = new AbortController();
  readonly #queue: SealedPart[] = [];
  readonly #stored: UploadedPart[] = [];
  #upload: MultipartUpload | undefined;
  #inFlight = 0;
  #failure: { readonly error: unknown } | undefined;
  #warnedOfMissingCrc = false;
  #change = Promise.withResolvers<void>();

  constructor(options: PartSenderOptions) {
    this.#options = options;
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
    return this.#queue.length + this.#inFlight <= this.#options.partsInFlight;
  }

  /** Takes the part over, memory included. */
  send(part: SealedPart): void {
    if (this.#failure) return part.release();
    this.#queue.push(part);
    this.#startQueued();
  }

  /** Resolves when `hasRoom`. @throws what the upload failed with. */
  room(): Promise<void> {
    return this.#until(() => this.hasRoom);
  }

  /** Resolves when every part given is stored and its checksum compared. @throws as `room`. */
  drained(): Promise<void> {
    return this.#until(() => this.#queue.length + this.#inFlight === 0 && !!this.#upload);
  }

  /** Gives up: nothing new starts, what is in flight is cut off. Idempotent; the first reason stays. */
  stop(error: unknown): void {
    if (this.#failure) return;
    this.#failure = { error };
    for (const part of this.#queue.splice(0)) part.release();
    this.#stop.abort(error);
    this.#changed();
  }

  /** Resolves, never rejects, when nothing runs any more. To be awaited after `stop`. */
  async settled(): Promise<void> {
    await this.#opening;
    while (this.#inFlight > 0) await this.#change.promise;
  }

  async #open(): Promise<void> {
    try {
      this.#upload = await this.#options.open();
      this.#options.observer.multipartOpened();
      this.#startQueued();
    } catch (error) {
      this.#fail(error);
    }
    this.#changed();
  }

  #startQueued(): void {
    while (this.#upload && !this.#failure && this.#inFlight < this.#options.partsInFlight) {
      const part = this.#queue.shift();
      if (!part) return;
      void this.#run(this.#upload, part);
    }
  }

  /** Never rejects. */
  async #run(upload: MultipartUpload, part: SealedPart): Promise<void> {
    const { observer } = this.#options;
    this.#inFlight++;
    observer.partsInFlight('upload', 1);
    try {
      const { etag } = await this.#store(upload, part);
      this.#stored.push({ number: part.number, etag });
    } catch (error) {
      this.#fail(error);
    } finally {
      part.release();
      this.#inFlight--;
      observer.partsInFlight('upload', -1);
      this.#startQueued();
      this.#changed();
    }
  }

  async #store(upload: MultipartUpload, part: SealedPart): Promise<WriteReceipt> {
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
