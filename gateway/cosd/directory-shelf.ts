/**
 * A shelf in a directory: objects are files a person can find and open under their own names (see
 * directory-layout.ts). Whatever moment the process dies at, each object is afterwards the old one or the
 * new one, whole. The index is in memory, built at start; the directory belongs to one process.
 */
import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DirectoryLayout, encodedPath } from './directory-layout.ts';
import { loadObjects, loadUploads, recoverStaging } from './directory-load.ts';
import { releaseLock, takeLock } from './directory-lock.ts';
import { isOccupied, moveFile, removeFile, syncFolder } from './file-moves.ts';
import { PathLedger } from './path-ledger.ts';
import { formatObjectFile, formatUploadFile, type ObjectFile } from './record-file.ts';
import type {
  Body,
  BodyRange,
  KeptPart,
  ObjectRecord,
  ObjectShelf,
  OpenBody,
  PartRecord,
  ShelfContents,
  StagedBody,
  UploadRecord,
} from './shelf.ts';
import { fileError } from './shelf-error.ts';
import { type Durability, StagedFile } from './staged-file.ts';
import { OpenFile, StoredFile } from './stored-file.ts';

export interface DirectoryShelfOptions {
  /** Made when it is not there. */
  readonly directory: string;
  /** Default `process`. */
  readonly durability?: Durability;
}

export function createDirectoryShelf(options: DirectoryShelfOptions): ObjectShelf {
  return new DirectoryShelf(options);
}

class DirectoryShelf implements ObjectShelf {
  readonly #layout: DirectoryLayout;
  readonly #durability: Durability;
  readonly #ledgers = new Map<string, PathLedger>();
  /** Folders of records that are there; nobody removes them. */
  readonly #recordFolders = new Set<string>();
  #stagedCount = 0;
  #isLocked = false;

  constructor({ directory, durability = 'process' }: DirectoryShelfOptions) {
    this.#layout = new DirectoryLayout(directory);
    this.#durability = durability;
  }

  async load(contents: ShelfContents): Promise<void> {
    const layout = this.#layout;
    try {
      takeLock(layout.lock);
      this.#isLocked = true;
      const recordOf = (bucket: string, key: string) => layout.record(bucket, key);
      recoverStaging({ staging: layout.staging, recordOf });
      for (const { bucket, path, record } of loadObjects(layout)) {
        this.#ledger(bucket).take(record.key, path);
        contents.object(bucket, record, this.#bodyAt(bucket, path, record.sizeBytes));
      }
      for (const { bucket, record, parts } of loadUploads(layout)) {
        contents.upload(bucket, record, parts);
      }
    } catch (error) {
      throw fileError('read the data directory', error);
    }
  }

  stage(): StagedFile {
    return new StagedFile(this.#stagedName('data'), this.#durability);
  }

  async stageRange(_bucket: string, source: OpenBody, range: BodyRange): Promise<StagedBody> {
    const staged = this.stage();
    try {
      await append(staged, source, range);
      return staged;
    } catch (error) {
      await staged.discard();
      throw error;
    }
  }

  async keepObject(bucket: string, record: ObjectRecord, staged: StagedBody): Promise<Body> {
    const ledger = this.#ledger(bucket);
    const before = ledger.pathOf(record.key);
    try {
      const path = await this.#reservePath(bucket, record);
      await this.#moveIn({ bucket, path, record }, staged as StagedFile);
      return this.#bodyAt(bucket, path, record.sizeBytes);
    } catch (error) {
      if (before === undefined) ledger.release(record.key);
      else ledger.take(record.key, before);
      throw fileError('keep an object', error);
    }
  }

  async joinObject(
    bucket: string,
    record: ObjectRecord,
    parts: readonly KeptPart[],
  ): Promise<Body> {
    const staged = this.stage();
    try {
      for (const { body } of parts) {
        const source = await body.open();
        try {
          await append(staged, source, { offsetBytes: 0, lengthBytes: body.sizeBytes });
        } finally {
          await source.close();
        }
      }
      return await this.keepObject(bucket, record, staged);
    } finally {
      await staged.discard();
    }
  }

  /** The data first: a crash in between leaves a record without file, which the next start drops. */
  async dropObject(bucket: string, key: string): Promise<void> {
    const ledger = this.#ledger(bucket);
    const path = ledger.pathOf(key);
    if (path === undefined) return;
    if (!path.endsWith('/')) await removeFile(join(this.#layout.bucket(bucket), path));
    await removeFile(this.#layout.record(bucket, key));
    ledger.release(key);
    await this.#removeEmptyFolders(bucket, path);
  }

  async keepUpload(bucket: string, record: UploadRecord): Promise<void> {
    const file = this.#layout.uploadRecord(bucket, record.uploadId);
    try {
      const staged = this.#stagedName('upload');
      await this.#writeText(staged, formatUploadFile(record));
      await moveFile(staged, file);
    } catch (error) {
      throw fileError('keep an upload', error);
    }
  }

  async keepPart(
    bucket: string,
    uploadId: string,
    part: PartRecord,
    staged: StagedBody,
    replaced: Body | undefined,
  ): Promise<Body> {
    const file = this.#layout.part(bucket, uploadId, part);
    try {
      await moveFile(await (staged as StagedFile).finish(), file);
      // The same bytes again have the same name.
      if (replaced instanceof StoredFile && replaced.path !== file) await removeFile(replaced.path);
    } catch (error) {
      throw fileError('keep a part', error);
    }
    return new StoredFile(file, part.sizeBytes);
  }

  /** The record first: without it the rest is swept at the next start. */
  async dropUpload(bucket: string, uploadId: string): Promise<void> {
    try {
      await removeFile(this.#layout.uploadRecord(bucket, uploadId));
      await rm(this.#layout.upload(bucket, uploadId), { recursive: true, force: true });
    } catch (error) {
      throw fileError('drop an upload', error);
    }
  }

  async close(): Promise<void> {
    if (this.#isLocked) await releaseLock(this.#layout.lock);
    this.#isLocked = false;
  }

  #ledger(bucket: string): PathLedger {
    const ledger = this.#ledgers.get(bucket) ?? new PathLedger();
    this.#ledgers.set(bucket, ledger);
    return ledger;
  }

  #bodyAt(bucket: string, path: string, sizeBytes: number): StoredFile {
    return new StoredFile(join(this.#layout.bucket(bucket), path), sizeBytes);
  }

  #stagedName(ending: 'data' | 'json' | 'upload'): string {
    return join(this.#layout.staging, `${++this.#stagedCount}.${ending}`);
  }

  /** Taken in the ledger before anything is awaited, so that two new keys cannot get one path. */
  async #reservePath(bucket: string, { key, sizeBytes }: ObjectRecord): Promise<string> {
    const ledger = this.#ledger(bucket);
    const path = ledger.choose(key, sizeBytes);
    if (path === ledger.pathOf(key)) return path;
    ledger.take(key, path);
    if (!(await isOccupied(join(this.#layout.bucket(bucket), path)))) return path;
    // Somebody put a file there by hand: it stays.
    const other = encodedPath(key);
    ledger.take(key, other);
    return other;
  }

  /** Data, then record: directory-load.ts tells what a crash in between means. */
  async #moveIn(object: ObjectFile, staged: StagedFile): Promise<void> {
    const { bucket, path, record } = object;
    const target = join(this.#layout.bucket(bucket), path);
    const recordFile = this.#layout.record(bucket, record.key);
    if (path.endsWith('/')) {
      await mkdir(target, { recursive: true });
      const stagedRecord = this.#stagedName('json');
      await this.#writeText(stagedRecord, formatObjectFile(object));
      await this.#moveDurably(stagedRecord, recordFile);
      return;
    }
    const data = await staged.finish();
    const stagedRecord = data.replace(/data$/, 'json');
    try {
      await this.#writeText(stagedRecord, formatObjectFile(object));
      await this.#makeRecordFolder(dirname(recordFile));
      await this.#moveDurably(data, target);
    } catch (error) {
      await removeFile(data);
      await removeFile(stagedRecord);
      throw error;
    }
    await this.#moveDurably(stagedRecord, recordFile);
  }

  /** Beforehand, so that nothing but a rename is left to do once the data was moved. */
  async #makeRecordFolder(folder: string): Promise<void> {
    if (this.#recordFolders.has(folder)) return;
    await mkdir(folder, { recursive: true });
    this.#recordFolders.add(folder);
  }

  async #writeText(file: string, text: string): Promise<void> {
    await writeFile(file, text, { flush: this.#durability === 'power' });
  }

  async #moveDurably(from: string, to: string): Promise<void> {
    await moveFile(from, to);
    if (this.#durability === 'power') await syncFolder(dirname(to));
  }

  async #removeEmptyFolders(bucket: string, path: string): Promise<void> {
    for (const folder of this.#ledger(bucket).emptyFolders(path)) {
      try {
        await rmdir(join(this.#layout.bucket(bucket), folder));
      } catch {
        // Something lies in it that is not ours, or a new object is just arriving: it stays.
        return;
      }
    }
  }
}

async function append(staged: StagedFile, source: OpenBody, range: BodyRange): Promise<void> {
  if (source instanceof OpenFile) {
    await staged.append(source, range);
    return;
  }
  for await (const chunk of source.read(range.offsetBytes, range.lengthBytes)) {
    await staged.write(chunk);
  }
}
