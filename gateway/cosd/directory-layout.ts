/**
 * Which file holds what below the data directory. Pure: no file is touched here.
 *
 *     <bucket>/incoming/report.pdf             an object, under its own key
 *     <bucket>/.encoded/report.pdf-9f86d08…    an object whose key cannot be a path
 *     .cosd/<bucket>/objects/9f/86d08….json    what COS knows of an object, by the SHA-256 of its key
 *     .cosd/<bucket>/uploads/<id>/             an open multipart upload and its parts
 *     .cosd/staging/                           what is being written
 *     .cosd/lock                               the process that uses the directory
 */
import { hash } from 'node:crypto';
import { join } from 'node:path';
import type { PartRecord } from './shelf.ts';

export class DirectoryLayout {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  get staging(): string {
    return join(this.root, '.cosd', 'staging');
  }

  get lock(): string {
    return join(this.root, '.cosd', 'lock');
  }

  get records(): string {
    return join(this.root, '.cosd');
  }

  bucket(bucket: string): string {
    return join(this.root, bucket);
  }

  objects(bucket: string): string {
    return join(this.records, bucket, 'objects');
  }

  record(bucket: string, key: string): string {
    const name = hash('sha256', key);
    return join(this.objects(bucket), name.slice(0, 2), `${name.slice(2)}.json`);
  }

  uploads(bucket: string): string {
    return join(this.records, bucket, 'uploads');
  }

  upload(bucket: string, uploadId: string): string {
    return join(this.uploads(bucket), uploadId);
  }

  uploadRecord(bucket: string, uploadId: string): string {
    return join(this.upload(bucket, uploadId), 'upload.json');
  }

  part(bucket: string, uploadId: string, part: PartRecord): string {
    return join(this.upload(bucket, uploadId), partFileName(part));
  }
}

/** The folder for keys that cannot be paths; a key of that name is encoded too. */
const encodedFolder = '.encoded';
/** Leaves room for the data directory's own path, also where paths end at 1024 bytes. */
const plainKeyBytesMax = 512;
/** File systems allow 255. */
const segmentBytesMax = 240;

/**
 * Whether a key can be a relative path as it is, and found again under that name: no empty segment, no
 * `.` or `..`, nothing too long, no control character.
 */
export function isPlainPath(key: string): boolean {
  if (Buffer.byteLength(key) > plainKeyBytesMax || /[\u0000-\u001f\u007f]/.test(key)) return false;
  const segments = key.split('/');
  const isPlain = (segment: string) =>
    !['', '.', '..'].includes(segment) && Buffer.byteLength(segment) <= segmentBytesMax;
  return segments.every(isPlain) && segments[0]?.toLowerCase() !== encodedFolder;
}

/** A name nobody else gets, with as much of the key's last segment as is safe, for people who look. */
export function encodedPath(key: string): string {
  const last = key.split('/').findLast((segment) => segment !== '') ?? '';
  const readable = last.replace(/[^\w.-]+/g, '_').slice(-60);
  return `${encodedFolder}/${readable}-${hash('sha256', key).slice(0, 32)}`;
}

/** All there is to know of a part stands in its name: one rename makes it. */
export function partFileName({ number, sizeBytes, etag, crc64 }: PartRecord): string {
  return `${number}.${sizeBytes}.${etag.replaceAll('"', '')}.${crc64 ?? 'none'}.part`;
}

/** Undefined: not the name of a part. */
export function parsePartFileName(name: string): Omit<PartRecord, 'modifiedAtMs'> | undefined {
  const match = /^(\d+)\.(\d+)\.([\da-f]+)\.(\d+|none)\.part$/.exec(name);
  const [, number, sizeBytes, etag, crc64] = match ?? [];
  if (crc64 === undefined) return undefined;
  return {
    number: Number(number),
    sizeBytes: Number(sizeBytes),
    etag: `"${etag}"`,
    crc64: crc64 === 'none' ? undefined : BigInt(crc64),
  };
}
