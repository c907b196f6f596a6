/**
 * Where bytes rest: the border between COS semantics (bucket.ts and up) and a medium (memory, a
 * directory, nothing). A shelf keeps bodies and records and gives both back after a restart; it decides
 * nothing about names, versions or parts. A body is written aside first and becomes visible in one step:
 * a shelf must never show, or find after a crash, half of one.
 *
 * Calls about one key, and about one upload, come one at a time; the bucket sees to it.
 */
import type { Attributes } from './attributes.ts';

/** Bytes at rest. They never change; a replaced object has another body. */
export interface Body {
  readonly sizeBytes: number;
  /** Reading goes on after the object was replaced or deleted meanwhile. */
  open(): Promise<OpenBody>;
}

export interface OpenBody {
  /** The range must lie inside the body. Chunks are the reader's to send, not to change. */
  read(offsetBytes: number, lengthBytes: number): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** A body on its way in. */
export interface StagedBody {
  readonly sizeBytes: number;
  /** Takes the chunk over. A promise: write no more before it resolves. Rejects with ShelfError. */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /** For whoever does not keep it in the end. Idempotent. */
  discard(): Promise<void>;
}

export interface Checksums {
  /** With its quotes. */
  readonly etag: string;
  /** CRC-64/XZ; objects from before COS had it carry none. */
  readonly crc64: bigint | undefined;
}

export interface ObjectRecord extends Checksums {
  readonly key: string;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
  readonly attributes: Attributes;
}

/** Parts 1 to 10,000 (COS page 436/14112). */
export interface PartRecord extends Checksums {
  readonly number: number;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
}

export interface UploadRecord {
  readonly uploadId: string;
  readonly key: string;
  readonly initiatedAtMs: number;
  readonly attributes: Attributes;
}

export interface KeptPart {
  readonly record: PartRecord;
  readonly body: Body;
}

/** What a shelf held when it was opened. */
export interface ShelfContents {
  object(bucket: string, record: ObjectRecord, body: Body): void;
  upload(bucket: string, record: UploadRecord, parts: readonly KeptPart[]): void;
}

/** All methods reject with ShelfError. */
export interface ObjectShelf {
  /** Once, before anything else: reads back what is there and clears what a crash left behind. */
  load(contents: ShelfContents): Promise<void>;

  stage(bucket: string): StagedBody;

  /** A staged copy of a range; cheap where bytes can be shared. */
  stageRange(bucket: string, source: OpenBody, range: BodyRange): Promise<StagedBody>;

  /** Replaces the object of that key, if any. */
  keepObject(bucket: string, record: ObjectRecord, staged: StagedBody): Promise<Body>;

  /** The parts of an upload, in this order, become one object. The parts stay until dropUpload. */
  joinObject(bucket: string, record: ObjectRecord, parts: readonly KeptPart[]): Promise<Body>;

  dropObject(bucket: string, key: string): Promise<void>;

  keepUpload(bucket: string, record: UploadRecord): Promise<void>;

  /** `replaced` is the part that had this number before. */
  keepPart(
    bucket: string,
    uploadId: string,
    record: PartRecord,
    staged: StagedBody,
    replaced: Body | undefined,
  ): Promise<Body>;

  /** With all its parts. */
  dropUpload(bucket: string, uploadId: string): Promise<void>;

  close(): Promise<void>;
}

export interface BodyRange {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}
