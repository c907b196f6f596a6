/**
 * Records of objects and uploads as JSON files: what the file system itself cannot keep of them. Read
 * back with suspicion, because people edit files.
 */
import type { Attributes } from './attributes.ts';
import type { ObjectRecord, UploadRecord } from './shelf.ts';
import { ShelfError } from './shelf-error.ts';

export interface ObjectFile {
  readonly bucket: string;
  /** Below the bucket's folder; ends in `/`: a folder, no file. */
  readonly path: string;
  readonly record: ObjectRecord;
}

export function formatObjectFile({ bucket, path, record }: ObjectFile): string {
  const { crc64 = null, ...rest } = record;
  return `${JSON.stringify({ bucket, path, ...rest, crc64: crc64?.toString() ?? null }, null, 2)}\n`;
}

/** @throws ShelfError damaged. */
export function parseObjectFile(text: string, file: string): ObjectFile {
  const fields = new Fields(text, file);
  const crc64 = fields.optionalText('crc64');
  return {
    bucket: fields.text('bucket'),
    path: fields.text('path'),
    record: {
      key: fields.text('key'),
      sizeBytes: fields.number('sizeBytes'),
      etag: fields.text('etag'),
      crc64: crc64 === undefined ? undefined : BigInt(crc64),
      modifiedAtMs: fields.number('modifiedAtMs'),
      attributes: fields.attributes(),
    },
  };
}

export function formatUploadFile(record: UploadRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}

/** @throws ShelfError damaged. */
export function parseUploadFile(text: string, file: string): UploadRecord {
  const fields = new Fields(text, file);
  return {
    uploadId: fields.text('uploadId'),
    key: fields.text('key'),
    initiatedAtMs: fields.number('initiatedAtMs'),
    attributes: fields.attributes(),
  };
}

class Fields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #file: string;

  constructor(text: string, file: string) {
    this.#file = file;
    const fields = parseJson(text);
    if (!isObject(fields)) throw this.#damaged('no record');
    this.#fields = fields;
  }

  text(name: string): string {
    const value = this.#fields[name];
    if (typeof value !== 'string') throw this.#damaged(name);
    return value;
  }

  optionalText(name: string): string | undefined {
    return this.#fields[name] === null ? undefined : this.text(name);
  }

  number(name: string): number {
    const value = this.#fields[name];
    if (typeof value !== 'number') throw this.#damaged(name);
    return value;
  }

  attributes(): Attributes {
    const value = this.#fields['attributes'];
    if (!isObject(value) || !isObject(value['headers'])) throw this.#damaged('attributes');
    return {
      contentType: String(value['contentType']),
      storageClass: String(value['storageClass']),
      headers: Object.fromEntries(
        Object.entries(value['headers']).map(([name, header]) => [name, String(header)]),
      ),
    };
  }

  #damaged(what: string): ShelfError {
    return new ShelfError('damaged', `${this.#file} is not a record of this store: ${what}`, {
      hint: 'Move the file away and start again; the object it describes is then gone.',
    });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Said by the caller, with the file's name.
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
