/**
 * A body on its way to the disk. Small ones stay in memory until they are kept; larger ones go to a file
 * of their own in gathered writes, and the sender waits when the disk is slower than the network.
 */
import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { KiB, MiB } from '#gateway/kit/bytes.ts';
import { removeFile } from './file-moves.ts';
import type { BodyRange, StagedBody } from './shelf.ts';
import { fileError } from './shelf-error.ts';
import type { OpenFile } from './stored-file.ts';

/** One write to the disk takes at least this much, unless it is the last. */
const gatherBytes = 512 * KiB;
/** Of a copy from file to file. */
const copyBytes = 1 * MiB;
/** More than this is never waiting in memory. */
const pendingBytesMax = 2 * MiB;

export type Durability =
  /** Survives the end of the process, however it ends. */
  | 'process'
  /** Survives a power cut: everything is flushed to the disk before it is answered. */
  | 'power';

export class StagedFile implements StagedBody {
  readonly #path: string;
  readonly #durability: Durability;
  #handle: FileHandle | undefined;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #flushing: Promise<void> | undefined;
  #failure: unknown;
  #isOver = false;
  sizeBytes = 0;

  /** @param path A name nobody else uses, in a directory that exists. */
  constructor(path: string, durability: Durability) {
    this.#path = path;
    this.#durability = durability;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#failure !== undefined) throw fileError('write', this.#failure);
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    this.sizeBytes += chunk.length;
    if (this.#pendingBytes < gatherBytes) return undefined;
    const flushing = this.#flush();
    return this.#pendingBytes > pendingBytesMax ? flushing : undefined;
  }

  /** Bytes of another file behind what was written so far, without a stop in our heap. */
  async append(source: OpenFile, range: BodyRange): Promise<void> {
    try {
      await this.#flushing;
      await this.#writePending();
      this.#handle ??= await open(this.#path, 'wx');
      const buffer = Buffer.allocUnsafeSlow(Math.min(copyBytes, range.lengthBytes));
      const endBytes = range.offsetBytes + range.lengthBytes;
      for (let at = range.offsetBytes; at < endBytes; at += buffer.length) {
        const piece = buffer.subarray(0, Math.min(buffer.length, endBytes - at));
        await source.fill(piece, at);
        await writeAll(this.#handle, [piece]);
      }
      this.sizeBytes += range.lengthBytes;
    } catch (error) {
      throw fileError('write', error);
    }
  }

  /** The file with all of it, closed. The name is the caller's from now on. */
  async finish(): Promise<string> {
    try {
      if (!this.#handle && !this.#flushing) await this.#writeAtOnce();
      else await this.#finishWriting();
    } catch (error) {
      throw fileError('write', error);
    }
    this.#isOver = true;
    return this.#path;
  }

  async discard(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#pending = [];
    await this.#flushing?.catch(() => undefined);
    await this.#handle?.close();
    await removeFile(this.#path);
  }

  async #writeAtOnce(): Promise<void> {
    const [first, ...rest] = this.#takePending();
    const bytes = first && rest.length === 0 ? first : Buffer.concat(first ? [first, ...rest] : []);
    await writeFile(this.#path, bytes, { flush: this.#durability === 'power' });
  }

  async #finishWriting(): Promise<void> {
    await this.#flushing;
    if (this.#failure !== undefined) throw fileError('write', this.#failure);
    if (this.#pendingBytes > 0) await this.#flush();
    if (this.#durability === 'power') await this.#handle?.sync();
    await this.#handle?.close();
    this.#handle = undefined;
  }

  /** One at a time; what comes while it runs is taken along. Keeps its failure for whoever comes next. */
  #flush(): Promise<void> {
    this.#flushing ??= this.#writePending().finally(() => {
      this.#flushing = undefined;
    });
    this.#flushing.catch((error: unknown) => {
      this.#failure = error;
    });
    return this.#flushing;
  }

  async #writePending(): Promise<void> {
    if (this.#pending.length === 0) return;
    this.#handle ??= await open(this.#path, 'wx');
    while (this.#pending.length > 0) await writeAll(this.#handle, this.#takePending());
  }

  #takePending(): Uint8Array[] {
    const chunks = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    return chunks;
  }
}

/** A write to a file may be short, for example when the disk fills up. */
async function writeAll(handle: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  let rest = chunks;
  while (rest.length > 0) {
    const { bytesWritten } = await handle.writev([...rest]);
    rest = without(rest, bytesWritten);
  }
}

function without(chunks: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let left = bytes;
  const first = chunks.findIndex((chunk) => {
    if (chunk.length > left) return true;
    left -= chunk.length;
    return false;
  });
  const chunk = chunks[first];
  return chunk === undefined ? [] : [chunk.subarray(left), ...chunks.slice(first + 1)];
}
