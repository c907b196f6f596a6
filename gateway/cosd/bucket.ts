/**
 * One bucket: its sorted keys, its open uploads, and every change of them. Changes of one key happen one
 * after another, and so do changes of one upload; what a reader opened stays whole whatever follows.
 * Conditions that guard a write are asked inside its turn, so two writers cannot both pass them.
 */
import type { Attributes } from './attributes.ts';
import { CosError } from './errors.ts';
import { KeyIndex, type ReadonlyKeyIndex } from './key-index.ts';
import { compareKeys } from './key-order.ts';
import { KeyedLock } from './keyed-lock.ts';
import { completedChecksums, type ListedPart, partsInOrder } from './part-rules.ts';
import type {
  Body,
  BodyRange,
  Checksums,
  KeptPart,
  ObjectRecord,
  ObjectShelf,
  OpenBody,
  PartRecord,
  StagedBody,
  UploadRecord,
} from './shelf.ts';

export interface KeptObject {
  readonly record: ObjectRecord;
  readonly body: Body;
}

export interface OpenObject {
  readonly record: ObjectRecord;
  /** To be closed by whoever asked for it. */
  readonly body: OpenBody;
}

export interface OpenUpload {
  readonly record: UploadRecord;
  readonly parts: ReadonlyMap<number, KeptPart>;
}

/** What a write brings besides the body. */
export interface NewObject extends Checksums {
  readonly key: string;
  readonly attributes: Attributes;
  readonly modifiedAtMs: number;
  /** `x-cos-forbid-overwrite`. */
  readonly overwrite: 'allowed' | 'forbidden';
}

export class Bucket {
  readonly name: string;
  readonly #shelf: ObjectShelf;
  readonly #objects = new KeyIndex<KeptObject>();
  readonly #uploads = new Map<string, { record: UploadRecord; parts: Map<number, KeptPart> }>();
  readonly #keyTurns = new KeyedLock();
  readonly #uploadTurns = new KeyedLock();

  constructor(name: string, shelf: ObjectShelf) {
    this.name = name;
    this.#shelf = shelf;
  }

  /** Sorted in UTF-8 order. For reading only. */
  get objects(): ReadonlyKeyIndex<KeptObject> {
    return this.#objects;
  }

  stage(): StagedBody {
    return this.#shelf.stage(this.name);
  }

  stageRange(source: OpenBody, range: BodyRange): Promise<StagedBody> {
    return this.#shelf.stageRange(this.name, source, range);
  }

  find(key: string): ObjectRecord | undefined {
    return this.#objects.get(key)?.record;
  }

  /** Waits for a write of this key that is under way, so that record and bytes belong together. */
  open(key: string): Promise<OpenObject | undefined> {
    return this.#keyTurns.run(key, async () => {
      const kept = this.#objects.get(key);
      return kept && { record: kept.record, body: await kept.body.open() };
    });
  }

  /** @throws CosError FileAlreadyExists; the staged body is then still the caller's. */
  put(object: NewObject, staged: StagedBody): Promise<ObjectRecord> {
    return this.#write(object, staged.sizeBytes, (record) =>
      this.#shelf.keepObject(this.name, record, staged),
    );
  }

  delete(key: string): Promise<void> {
    return this.#keyTurns.run(key, async () => {
      if (!this.#objects.get(key)) return;
      await this.#shelf.dropObject(this.name, key);
      this.#objects.delete(key);
    });
  }

  /** One body under many keys, without waiting for turns: to fill an idle bucket quickly. */
  fill(records: Iterable<ObjectRecord>, body: Body): void {
    const entries: [string, KeptObject][] = [];
    for (const record of records) entries.push([record.key, { record, body }]);
    this.#objects.setAll(entries);
  }

  async beginUpload(record: UploadRecord): Promise<void> {
    await this.#shelf.keepUpload(this.name, record);
    this.restoreUpload(record, []);
  }

  /** @throws CosError NoSuchUpload, also when the upload is one of another key. */
  upload(key: string, uploadId: string): OpenUpload {
    const upload = this.#uploads.get(uploadId);
    if (upload?.record.key !== key) throw new CosError('NoSuchUpload');
    return upload;
  }

  /** By key in UTF-8 order, then by id, as COS lists them. */
  uploads(): readonly OpenUpload[] {
    return [...this.#uploads.values()].toSorted(
      (a, b) =>
        compareKeys(a.record.key, b.record.key) ||
        compareKeys(a.record.uploadId, b.record.uploadId),
    );
  }

  /** @throws CosError NoSuchUpload; the staged body is then still the caller's. */
  putPart(key: string, uploadId: string, record: PartRecord, staged: StagedBody): Promise<void> {
    return this.#uploadTurns.run(uploadId, async () => {
      const replaced = this.upload(key, uploadId).parts.get(record.number)?.body;
      const body = await this.#shelf.keepPart(this.name, uploadId, record, staged, replaced);
      this.#uploads.get(uploadId)?.parts.set(record.number, { record, body });
    });
  }

  /**
   * What Complete would make of this list, without doing it.
   * @throws CosError NoSuchUpload, InvalidPart, InvalidPartOrder, EntityTooSmall.
   */
  checkComplete(key: string, uploadId: string, listed: readonly ListedPart[]): Checksums {
    return completedChecksums(partsInOrder(this.upload(key, uploadId).parts, listed));
  }

  /** @throws CosError as checkComplete does, and FileAlreadyExists. */
  complete(
    object: Omit<NewObject, keyof Checksums | 'attributes'>,
    uploadId: string,
    listed: readonly ListedPart[],
  ): Promise<ObjectRecord> {
    return this.#uploadTurns.run(uploadId, async () => {
      const upload = this.upload(object.key, uploadId);
      const parts = partsInOrder(upload.parts, listed);
      const sizeBytes = parts.reduce((bytes, part) => bytes + part.record.sizeBytes, 0);
      const { attributes } = upload.record;
      const whole = { ...object, attributes, ...completedChecksums(parts) };
      const record = await this.#write(whole, sizeBytes, (next) =>
        this.#shelf.joinObject(this.name, next, parts),
      );
      await this.#dropUpload(uploadId);
      return record;
    });
  }

  /** @throws CosError NoSuchUpload. */
  abort(key: string, uploadId: string): Promise<void> {
    return this.#uploadTurns.run(uploadId, async () => {
      this.upload(key, uploadId);
      await this.#dropUpload(uploadId);
    });
  }

  /** From a shelf at start. */
  restoreObject(record: ObjectRecord, body: Body): void {
    this.#objects.set(record.key, { record, body });
  }

  /** From a shelf at start. */
  restoreUpload(record: UploadRecord, parts: readonly KeptPart[]): void {
    const byNumber = new Map(parts.map((part) => [part.record.number, part]));
    this.#uploads.set(record.uploadId, { record, parts: byNumber });
  }

  async #dropUpload(uploadId: string): Promise<void> {
    await this.#shelf.dropUpload(this.name, uploadId);
    this.#uploads.delete(uploadId);
  }

  #write(
    object: NewObject,
    sizeBytes: number,
    keep: (record: ObjectRecord) => Promise<Body>,
  ): Promise<ObjectRecord> {
    const { overwrite, ...facts } = object;
    return this.#keyTurns.run(object.key, async () => {
      if (overwrite === 'forbidden' && this.#objects.get(object.key)) {
        throw new CosError('FileAlreadyExists');
      }
      const record: ObjectRecord = { ...facts, sizeBytes };
      this.#objects.set(object.key, { record, body: await keep(record) });
      return record;
    });
  }
}
