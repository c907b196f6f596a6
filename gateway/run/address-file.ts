/**
 * Follows `masquerade_address_file` while the gateway runs. The file is one address, written by whoever
 * knows it: in a pod, the kubelet.
 *
 * Kubernetes never writes into such a file: it prepares a new directory and renames a link named `..data`
 * onto it (pkg/volume/util/atomic_writer.go). A watch on the file itself would stay with the old one, so
 * the directory is watched, and a look every second covers file systems that tell nothing.
 *
 * It must never throw for what a file holds or lacks, and never hold the process up.
 */
import { watch } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { masqueradeAddress } from '#gateway/config/fields.ts';
import type { Clock, Timer } from '#gateway/kit/clock.ts';
import { describeError } from '#gateway/kit/errors.ts';
import type { Log } from '#gateway/kit/log.ts';

/** How the file is reached: the real one, or a test's. */
export interface AddressFileAccess {
  /** The text, or undefined when there is no such file. Rejects when it cannot be read. */
  read(path: string): Promise<string | undefined>;
  /** @throws when the directory cannot be watched; `onLost` tells that a watch ended by itself. */
  watch(directory: string, onEvent: () => void, onLost: () => void): { close(): void };
}

export interface AddressFileOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The address in the file, an IPv4 address or a DNS name; undefined: empty or missing. */
  readonly onChange: (address: string | undefined) => void;
  readonly access?: AddressFileAccess;
}

const pollEveryMs = 1_000;
/** Less than a poll: the poll after the look that first found nothing decides. */
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
  #watcher: { close(): void } | undefined;
  #timer: Timer | undefined;
  #looking: Promise<void> | undefined;
  #mustLookAgain = false;
  #isClosed = false;

  constructor(options: AddressFileOptions) {
    this.#options = options;
    this.#access = options.access ?? fileAccess;
  }

  /** Reads for the first time and begins to follow; never rejects. */
  async start(): Promise<void> {
    this.#watch();
    await this.#look();
    this.#armPoll();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#watcher?.close();
  }

  #armPoll(): void {
    if (this.#isClosed) return;
    this.#timer = this.#options.clock.setTimer(pollEveryMs, () => {
      if (!this.#watcher) this.#watch();
      void this.#look().then(() => this.#armPoll());
    });
  }

  #watch(): void {
    const lose = () => {
      this.#watcher?.close();
      this.#watcher = undefined;
    };
    try {
      const directory = dirname(this.#options.path);
      this.#watcher = this.#access.watch(directory, () => void this.#look(), lose);
    } catch {
      this.#watcher = undefined; // the directory may come later; until then the poll sees everything
    }
  }

  /** One look at a time; an event during one is worth another after it. */
  async #look(): Promise<void> {
    if (this.#isClosed) return;
    if (this.#looking) {
      this.#mustLookAgain = true;
      return this.#looking;
    }
    this.#looking = this.#lookUntilQuiet();
    await this.#looking;
    this.#looking = undefined;
  }

  async #lookUntilQuiet(): Promise<void> {
    do {
      this.#mustLookAgain = false;
      await this.#readOnce();
    } while (this.#mustLookAgain && !this.#isClosed);
  }

  async #readOnce(): Promise<void> {
    let text: string | undefined;
    try {
      text = await this.#access.read(this.#options.path);
    } catch (error) {
      this.#complain(describeError(error), 'masquerade address file not readable');
      return;
    }
    if (!this.#isClosed) this.#take((text ?? '').trim());
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
  watch(directory, onEvent, onLost) {
    const watcher = watch(directory, { persistent: false }, onEvent);
    watcher.on('error', onLost);
    return watcher;
  },
};
