/**
 * Follows `masquerade_address_file` while the gateway runs. The file is one address, written by whoever
 * knows it: in a pod, the kubelet.
 *
 * It must never throw for what a file holds or lacks, and never hold the process up.
 */
import { open } from 'node:fs/promises';
import { masqueradeAddress } from '#gateway/config/fields.ts';
import type { Clock } from '#gateway/kit/clock.ts';
import { describeError } from '#gateway/kit/errors.ts';
import { FileWatch, type WatchDirectory, watchDirectory } from '#gateway/kit/file-watch.ts';
import type { Log } from '#gateway/kit/log.ts';

/** How the file is reached: the real one, or a test's. */
export interface AddressFileAccess {
  /** The text, or undefined when there is no such file. Rejects when it cannot be read. */
  read(path: string): Promise<string | undefined>;
  readonly watch: WatchDirectory;
}

export interface AddressFileOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The address in the file, an IPv4 address or a DNS name; undefined: empty or missing. */
  readonly onChange: (address: string | undefined) => void;
  readonly access?: AddressFileAccess;
}

/** Less than the second between two looks: the look after the one that first found nothing decides. */
const emptyAfterMs = 500;
/** More than any address; the rest of a larger file is not looked at. */
const bytesMax = 1_024;

export class AddressFile {
  readonly #options: AddressFileOptions;
  readonly #access: AddressFileAccess;
  #address: string | undefined;
  /** Since when it looks empty: one that is emptied and then written must not count in between. */
  #emptySinceMs: number | undefined;
  /** Content or failure already complained about. */
  #complaint: string | undefined;
  readonly #watch: FileWatch;

  constructor(options: AddressFileOptions) {
    this.#options = options;
    this.#access = options.access ?? fileAccess;
    this.#watch = new FileWatch({
      path: options.path,
      clock: options.clock,
      look: () => this.#look(),
      watch: this.#access.watch,
    });
  }

  /** Reads for the first time and begins to follow; never rejects. */
  start(): Promise<void> {
    return this.#watch.start();
  }

  close(): void {
    this.#watch.close();
  }

  async #look(): Promise<void> {
    let text: string | undefined;
    try {
      text = await this.#access.read(this.#options.path);
    } catch (error) {
      this.#complain(describeError(error), 'masquerade address file not readable');
      return;
    }
    if (!this.#watch.isClosed) this.#take((text ?? '').trim());
  }

  #take(text: string): void {
    if (text === '') {
      const nowMs = this.#options.clock.monotonicMs();
      this.#emptySinceMs ??= nowMs;
      if (nowMs - this.#emptySinceMs >= emptyAfterMs) this.#set(undefined);
      return;
    }
    this.#emptySinceMs = undefined;
    const parsed = masqueradeAddress.safeParse(text);
    if (parsed.success) {
      this.#complaint = undefined;
      this.#set(parsed.data);
    } else {
      this.#complain(text.slice(0, 100), 'masquerade address file holds no IPv4 address or name');
    }
  }

  #set(address: string | undefined): void {
    if (address === this.#address) return;
    this.#address = address;
    this.#options.onChange(address);
  }

  /** Once per reason: the file is looked at every second. The last good address stays. */
  #complain(reason: string, message: string): void {
    if (reason === this.#complaint) return;
    this.#complaint = reason;
    this.#options.log.warn({ file: this.#options.path, reason }, message);
  }
}

const fileAccess: AddressFileAccess = {
  async read(path) {
    try {
      await using file = await open(path);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(bytesMax), 0, bytesMax, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  },
  watch: watchDirectory,
};
