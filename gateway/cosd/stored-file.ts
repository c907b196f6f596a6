/** A body that rests in a file, or nowhere: a folder's body has no bytes. */
import { type FileHandle, open } from 'node:fs/promises';
import { KiB } from '#gateway/kit/bytes.ts';
import type { Body, OpenBody } from './shelf.ts';
import { fileError, ShelfError } from './shelf-error.ts';

const readBytes = 256 * KiB;

export class StoredFile implements Body {
  readonly path: string;
  readonly sizeBytes: number;

  constructor(path: string, sizeBytes: number) {
    this.path = path;
    this.sizeBytes = sizeBytes;
  }

  /** The open file stays the same when another is renamed over its name. */
  async open(): Promise<OpenBody> {
    if (this.sizeBytes === 0) return emptyBody;
    try {
      return new OpenFile(await open(this.path, 'r'), this.path);
    } catch (error) {
      throw fileError('open', error);
    }
  }
}

const emptyBody: OpenBody = { read: () => [], close: async () => undefined };

export class OpenFile implements OpenBody {
  readonly #handle: FileHandle;
  readonly #path: string;
  #closed: Promise<void> | undefined;

  constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#path = path;
  }

  async *read(offsetBytes: number, lengthBytes: number): AsyncGenerator<Uint8Array> {
    const endBytes = offsetBytes + lengthBytes;
    for (let at = offsetBytes; at < endBytes; at += readBytes) {
      // A fresh buffer each time: the socket may still hold the one before.
      const buffer = Buffer.allocUnsafeSlow(Math.min(readBytes, endBytes - at));
      await this.fill(buffer, at);
      yield buffer;
    }
  }

  /** All of `target`. @throws ShelfError damaged when the file ends before. */
  async fill(target: Uint8Array, positionBytes: number): Promise<void> {
    for (let filled = 0; filled < target.length; ) {
      const leftBytes = target.length - filled;
      const at = positionBytes + filled;
      const { bytesRead } = await this.#handle.read(target, filled, leftBytes, at);
      if (bytesRead === 0) {
        throw new ShelfError('damaged', `${this.#path} is shorter than its record says`);
      }
      filled += bytesRead;
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#handle.close();
    return this.#closed;
  }
}
