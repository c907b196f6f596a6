/**
 * The port through which every other room reaches an object store, in the terms of the COS XML API.
 *
 * A driver translates and retries transport failures of calls that may be repeated; it never decides
 * whether an upload is good. Checksums and sizes are returned as the store said them, and the transfer
 * room compares them. A driver must honour `signal` promptly: reject with a StoreError of kind
 * `aborted` and leave nothing running.
 */
import { type ErrorDetails, KindError } from '#gateway/kit/errors.ts';
import type { ObjectAttributes } from './object-attributes.ts';

/** What the store says of one object. Of its attributes lists tell the storage class alone. */
export interface ObjectInfo extends ObjectAttributes {
  /** Full key in the bucket, no leading slash. */
  readonly key: string;
  readonly sizeBytes: number;
  /** Opaque, with its quotes as sent; compare for equality only (COS page 7729). */
  readonly etag: string;
  readonly modifiedAt: Date;
  /** CRC-64/XZ of the whole object (`x-cos-hash-crc64ecma`); old objects have none. Lists never carry it. */
  readonly crc64?: bigint;
  /**
   * MD5 of the whole object, 32 lower-case hexadecimal digits, where the reply proves that the store
   * kept it: objects stored in one request, not encrypted by the store. Lists never carry it.
   */
  readonly md5?: string;
}

/** What the store answered to a write. */
export interface WriteReceipt {
  readonly etag: string;
  /** CRC-64/XZ the store computed, when it sent one. */
  readonly crc64?: bigint;
  readonly requestId?: string;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface PutOptions extends CallOptions, ObjectAttributes {}

/** An open multipart upload. */
export interface MultipartUpload {
  readonly key: string;
  readonly uploadId: string;
  /** When it was begun; known only from a list of uploads. */
  readonly initiatedAt?: Date;
}

export interface UploadedPart {
  /** 1 to 10,000, consecutive (COS refuses gaps, unlike S3). */
  readonly number: number;
  readonly etag: string;
}

export interface ReadOptions extends CallOptions {
  /** Fails with kind `changed` when the object is no longer this version. */
  readonly ifMatch?: string;
}

export interface ReadResult {
  /** The whole object's facts, from the reply's headers (size from Content-Range). */
  readonly info: ObjectInfo;
  /** Bytes now in `target`; less than asked only at the end of the object. */
  readonly bytesRead: number;
}

export interface ListOptions extends CallOptions {
  /** Only keys that start so. */
  readonly prefix: string;
  /** Groups keys up to the next delimiter into `prefixes`. Absent: flat. */
  readonly delimiter?: string;
  /** Only keys after this one in UTF-8 binary order (exclusive). */
  readonly marker?: string;
  /** Objects and prefixes together, 1 to 1000. Default 1000. */
  readonly maxKeys?: number;
}

export interface ListPage {
  /**
   * May be made while they are walked through, so that a page costs no more than what is held of it: an
   * array of them is for callers that need one. @throws StoreError `unavailable` at one that makes no sense.
   */
  readonly objects: Iterable<ObjectInfo>;
  readonly prefixes: readonly string[];
  /** Give as `marker` for the next page; absent on the last one. */
  readonly nextMarker?: string;
  /** Frees what the objects are made from, at once instead of sometime. They are gone then. Idempotent. */
  readonly release?: () => void;
}

/**
 * Type, stored headers and metadata come from the source, unless one of them is given: then all of them
 * are as given here. Storage class and encryption never come from the source (object-attributes.ts,
 * `placementOf`).
 */
export interface CopyOptions extends CallOptions, ObjectAttributes {
  /** The copy fails with kind `changed` unless the source still has this ETag. */
  readonly sourceIfMatch?: string;
}

export interface PartCopyRange {
  readonly sourceKey: string;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly sourceIfMatch?: string;
}

/**
 * One bucket. Every method rejects with a StoreError and with nothing else.
 * Keys have passed `storage/keys`; a driver does not check them again.
 */
export interface ObjectStore {
  /** Facts of one object; `missing` when there is none. */
  head(key: string, options?: CallOptions): Promise<ObjectInfo>;

  /**
   * Fills `target` from `offsetBytes` on. A reply that breaks off is continued at the byte after, with
   * If-Match on the ETag seen first. At or past the end of the object: kind `invalid-range`, also for
   * offset 0 of an empty object (COS answers 416).
   */
  read(
    key: string,
    offsetBytes: number,
    target: Uint8Array,
    options?: ReadOptions,
  ): Promise<ReadResult>;

  /**
   * Stores `body` under `key` in one request with Content-MD5, so that a damaged body is refused before
   * it replaces anything. `body` must not change until the promise settles. May be sent again after a
   * lost reply: the result is the same object.
   */
  put(key: string, body: Uint8Array, options?: PutOptions): Promise<WriteReceipt>;

  delete(key: string, options?: CallOptions): Promise<void>;

  /**
   * Server-side copy inside the bucket, whole objects up to 5 GiB; a 200 with an Error body rejects. Onto
   * itself it must change something, and is how attributes are changed.
   */
  copy(sourceKey: string, targetKey: string, options?: CopyOptions): Promise<WriteReceipt>;

  list(options: ListOptions): Promise<ListPage>;

  /**
   * Begins an upload. Not repeated by the driver after a failure without an answer (`network`,
   * `timeout`): the upload may be there, and only the caller's marker tells of it (marked-store.ts).
   */
  createMultipart(key: string, options?: PutOptions): Promise<MultipartUpload>;

  /** `body` must not change until the promise settles; sent again after a failure worth a retry. */
  uploadPart(
    upload: MultipartUpload,
    number: number,
    body: Uint8Array,
    options?: CallOptions,
  ): Promise<WriteReceipt>;

  copyPart(
    upload: MultipartUpload,
    number: number,
    range: PartCopyRange,
    options?: CallOptions,
  ): Promise<WriteReceipt>;

  /**
   * One Complete request, never repeated by the driver: after a lost reply only the caller knows how to
   * settle it (the same Complete again, then HEAD). `upload-missing` when the upload id is unknown.
   */
  completeMultipart(
    upload: MultipartUpload,
    parts: readonly UploadedPart[],
    options?: CallOptions,
  ): Promise<WriteReceipt>;

  /** Idempotent: an upload that is gone is no error. */
  abortMultipart(upload: MultipartUpload, options?: CallOptions): Promise<void>;

  /** All open uploads whose key starts with `prefix`, read page by page. */
  listMultipartUploads(prefix: string, options?: CallOptions): AsyncIterable<MultipartUpload>;

  /** HeadBucket: rejects with what a session would meet (denied, missing, credentials, network). */
  probe(options?: CallOptions): Promise<void>;
}

export type StoreErrorKind =
  /** No such key or copy source. */
  | 'missing'
  /** No such bucket. */
  | 'bucket-missing'
  /** No such upload id: completed, aborted or never begun. */
  | 'upload-missing'
  /** The policy or the bucket refuses: AccessDenied, MethodNotAllowed, ObjectLocked, 451. */
  | 'denied'
  /** The key pair, token or clock is wrong: SignatureDoesNotMatch, InvalidAccessKeyId, skew. */
  | 'credentials'
  /** In ARCHIVE or DEEP_ARCHIVE and not restored. */
  | 'archived'
  /** If-Match failed: replaced meanwhile. */
  | 'changed'
  /** Forbidden overwrite or a conflicting path. */
  | 'exists'
  /** KeyTooLong, InvalidObjectName, InvalidURI. */
  | 'invalid-name'
  /** Range outside the object. */
  | 'invalid-range'
  /** EntityTooLarge. */
  | 'too-large'
  /** Sent bytes and the store's checksum differ (BadDigest), or a reply's do. */
  | 'corrupt'
  /** 503 SlowDown and friends. */
  | 'throttled'
  /** Any other 5xx, or 200 with an Error body. */
  | 'unavailable'
  /** Reset, refused, unresolved name, broken reply. */
  | 'network'
  /** No answer within the deadline of the call. */
  | 'timeout'
  /** Our own AbortSignal. */
  | 'aborted'
  /** Any other 4xx: a request the store does not accept. */
  | 'rejected';

export interface StoreErrorDetails extends ErrorDetails {
  /** COS error code, for example `SlowDown`; absent for network failures. */
  readonly code?: string;
  readonly requestId?: string;
  readonly httpStatus?: number;
}

export class StoreError extends KindError<StoreErrorKind> {
  readonly code: string | undefined;
  readonly requestId: string | undefined;
  readonly httpStatus: number | undefined;

  constructor(kind: StoreErrorKind, message: string, details: StoreErrorDetails = {}) {
    super(kind, message, details);
    this.code = details.code;
    this.requestId = details.requestId;
    this.httpStatus = details.httpStatus;
  }
}
