/**
 * The bucket of a simulation: what COS does with a request that reached it, at once and without a network.
 * Its rules are COS's (parts, Complete, ETags, checksums, conditions; COS pages 436/7742, 7750, 10881),
 * and the contract suite of every driver holds it to them.
 *
 * It also keeps what COS forgets: every state a key ever had and which request made it.
 */
import type { Clock } from '#gateway/kit/clock.ts';
import {
  attributesOf,
  type ObjectAttributes,
  placementOf,
} from '#gateway/storage/object-attributes.ts';
import {
  type CopyOptions,
  type ListOptions,
  type ListPage,
  type MultipartUpload,
  type ObjectInfo,
  type PartCopyRange,
  StoreError,
  type UploadedPart,
  type WriteReceipt,
} from '#gateway/storage/object-store.ts';
import { type Body, join, slice } from './body.ts';
import { listKeys } from './listing.ts';

/** The request that made a version, as its sender knows it. */
export interface Author {
  /** Whose request it was. */
  readonly name: string;
  readonly isDamaged: boolean;
  /** Its sender has read the reply, with the checksum in it. */
  isTold: boolean;
}

/** One state of a key. */
export interface Version {
  /** Absent: there is no object. */
  readonly body: Body | undefined;
  readonly etag?: string;
  readonly author: Author;
  readonly fromMs: number;
}

interface CosObject {
  readonly body: Body;
  readonly info: ObjectInfo;
}

interface CosPart {
  readonly body: Body;
  readonly etag: string;
  readonly hasCrc: boolean;
}

export interface OpenUpload extends MultipartUpload {
  readonly initiatedAt: Date;
  readonly author: Author;
  readonly attributes: ObjectAttributes;
  readonly parts: Map<number, CosPart>;
  /** Completes that reached COS and have not been carried out yet. */
  completing: number;
}

const partBytesMin = 1024 * 1024;

export class SimulatedCos {
  readonly uploads = new Map<string, OpenUpload>();
  readonly #clock: Clock;
  readonly #objects = new Map<string, CosObject>();
  readonly #versions = new Map<string, Version[]>();
  #lastUpload = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get keys(): readonly string[] {
    return [...this.#objects.keys()];
  }

  body(key: string): Body | undefined {
    return this.#objects.get(key)?.body;
  }

  /** Oldest first. */
  versions(key: string): readonly Version[] {
    return this.#versions.get(key) ?? [];
  }

  head(key: string): ObjectInfo {
    return this.#find(key).info;
  }

  /** The range as it is there; its end may lie beyond the object's. */
  read(
    key: string,
    range: {
      readonly offsetBytes: number;
      readonly lengthBytes: number;
      readonly ifMatch?: string;
    },
  ): { readonly info: ObjectInfo; readonly body: Body } {
    const { info, body } = this.#find(key, range.ifMatch);
    if (range.offsetBytes >= body.sizeBytes) throw refused('invalid-range', 'InvalidRange', 416);
    return { info, body: slice(body, range.offsetBytes, range.lengthBytes) };
  }

  put(key: string, body: Body, attributes: ObjectAttributes, author: Author): WriteReceipt {
    return receiptOf(this.#set(key, body, { etag: etagOf(body), attributes, author }));
  }

  /** As older objects are: COS knows no checksum of them. */
  putWithoutCrc(key: string, body: Body, author: Author): void {
    this.#set(key, body, { etag: etagOf(body), attributes: {}, author, hasCrc: false });
  }

  delete(key: string, author: Author): void {
    if (this.#objects.delete(key)) this.#note(key, author, { body: undefined });
  }

  /**
   * @param alter what becomes of the bytes on the way; not of those without a checksum, for nobody could
   * notice.
   */
  copy(
    sourceKey: string,
    targetKey: string,
    { sourceIfMatch, ...changes }: CopyOptions,
    { author, alter }: { readonly author: Author; readonly alter: (body: Body) => Body },
  ): WriteReceipt {
    const source = this.#find(sourceKey, sourceIfMatch);
    const attributes = copiedAttributes(source.info, changes);
    const hasCrc = source.info.crc64 !== undefined;
    const body = hasCrc ? alter(source.body) : source.body;
    return receiptOf(
      this.#set(targetKey, body, { etag: etagOf(body), attributes, author, hasCrc }),
    );
  }

  list(options: ListOptions): ListPage {
    const { keys, ...page } = listKeys(this.keys, options);
    return { ...page, objects: keys.map((key) => listed(this.#find(key).info)) };
  }

  createMultipart(key: string, attributes: ObjectAttributes, author: Author): OpenUpload {
    const uploadId = `upload-${++this.#lastUpload}`;
    const initiatedAt = new Date(this.#clock.now());
    const parts = new Map<number, CosPart>();
    const upload = { key, uploadId, initiatedAt, author, attributes, parts, completing: 0 };
    this.uploads.set(uploadId, upload);
    return upload;
  }

  uploadPart(upload: MultipartUpload, number: number, body: Body, hasCrc = true): WriteReceipt {
    const part = { body, etag: etagOf(body), hasCrc };
    this.#findUpload(upload).parts.set(number, part);
    return { etag: part.etag, ...(hasCrc && { crc64: body.crc64 }) };
  }

  copyPart(
    upload: MultipartUpload,
    number: number,
    { sourceKey, sourceIfMatch, offsetBytes, lengthBytes }: PartCopyRange,
    alter: (body: Body) => Body,
  ): WriteReceipt {
    this.#findUpload(upload);
    const { body, info } = this.#find(sourceKey, sourceIfMatch);
    const hasCrc = info.crc64 !== undefined;
    const copied = slice(body, offsetBytes, lengthBytes);
    return this.uploadPart(upload, number, hasCrc ? alter(copied) : copied, hasCrc);
  }

  complete(
    upload: MultipartUpload,
    list: readonly UploadedPart[],
    { author, alter }: { readonly author: Author; readonly alter: (body: Body) => Body },
  ): WriteReceipt {
    const open = this.#findUpload(upload);
    const parts = list.map(({ number, etag }, index) => {
      const part = open.parts.get(number);
      if (number !== index + 1 || part?.etag !== etag) throw refused('rejected', 'InvalidPart');
      const isShort = part.body.sizeBytes < partBytesMin && index < list.length - 1;
      if (isShort) throw refused('rejected', 'EntityTooSmall');
      return part;
    });
    if (parts.length === 0) throw refused('rejected', 'MalformedXML');
    const hasCrc = parts.every((part) => part.hasCrc);
    const joined = join(parts.map((part) => part.body));
    const body = hasCrc ? alter(joined) : joined;
    this.uploads.delete(upload.uploadId);
    const etag = `${etagOf(body).slice(0, -1)}-${parts.length}"`;
    const { attributes } = open;
    return receiptOf(this.#set(upload.key, body, { etag, attributes, author, hasCrc }));
  }

  abort(upload: MultipartUpload): void {
    this.#findUpload(upload);
    this.uploads.delete(upload.uploadId);
  }

  listUploads(prefix: string): readonly OpenUpload[] {
    return [...this.uploads.values()].filter(({ key }) => key.startsWith(prefix));
  }

  #set(
    key: string,
    body: Body,
    facts: {
      readonly etag: string;
      readonly attributes: ObjectAttributes;
      readonly author: Author;
      readonly hasCrc?: boolean;
    },
  ): ObjectInfo {
    const { etag, attributes, author, hasCrc = true } = facts;
    const info: ObjectInfo = {
      contentType: 'application/octet-stream',
      ...attributes,
      key,
      sizeBytes: body.sizeBytes,
      etag,
      // Last-Modified has whole seconds.
      modifiedAt: new Date(Math.floor(this.#clock.now() / 1000) * 1000),
      ...(hasCrc && { crc64: body.crc64 }),
    };
    this.#objects.set(key, { body, info });
    this.#note(key, author, { body, etag });
    return info;
  }

  #note(key: string, author: Author, state: Pick<Version, 'body' | 'etag'>): void {
    const versions = this.#versions.get(key) ?? [];
    versions.push({ ...state, author, fromMs: this.#clock.monotonicMs() });
    this.#versions.set(key, versions);
  }

  #find(key: string, ifMatch?: string): CosObject {
    const object = this.#objects.get(key);
    if (!object) throw refused('missing', 'NoSuchKey', 404);
    if (ifMatch !== undefined && ifMatch !== object.info.etag) {
      throw refused('changed', 'PreconditionFailed', 412);
    }
    return object;
  }

  #findUpload({ uploadId }: MultipartUpload): OpenUpload {
    const upload = this.uploads.get(uploadId);
    if (!upload) throw refused('upload-missing', 'NoSuchUpload', 404);
    return upload;
  }
}

function refused(kind: StoreError['kind'], code: string, httpStatus = 400): StoreError {
  return new StoreError(kind, code, { code, httpStatus, requestId: 'simulated' });
}

/** Of equal bytes equal, like the MD5 that it mostly is. */
function etagOf({ crc64, sizeBytes }: Body): string {
  return `"${crc64.toString(16).padStart(16, '0')}${sizeBytes.toString(16).padStart(16, '0')}"`;
}

function receiptOf({ etag, crc64 }: ObjectInfo): WriteReceipt {
  return { etag, requestId: 'simulated', ...(crc64 !== undefined && { crc64 }) };
}

/** Lists carry no checksum, and of the attributes the class alone. */
function listed({ key, sizeBytes, etag, modifiedAt, storageClass }: ObjectInfo): ObjectInfo {
  return { key, sizeBytes, etag, modifiedAt, ...(storageClass !== undefined && { storageClass }) };
}

/** All but the placement are the source's, unless one of them is given; the placement never is. */
function copiedAttributes(source: ObjectInfo, options: ObjectAttributes): ObjectAttributes {
  const given = attributesOf(options);
  const placement = placementOf(options);
  const isReplaced = Object.keys(given).length > Object.keys(placement).length;
  if (isReplaced) return given;
  const { storageClass: _class, serverSideEncryption: _encryption, ...kept } = attributesOf(source);
  return { ...kept, ...placement };
}
