/**
 * When to look at a file that others replace while the process runs: a configuration, an address, a
 * certificate. What a look finds is its owner's business.
 *
 * Kubernetes never writes into a mounted file: it prepares a new directory and renames a link named
 * `..data` onto it (pkg/volume/util/atomic_writer.go); editors rename a new file over the old one. A watch
 * on the file itself would stay with the old one, so its directory is watched, and a look every second
 * covers file systems that tell nothing and links that lead elsewhere.
 *
 * It must never throw for what the file system does, and never hold the process up.
 */
import { watch } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock, Timer } from './clock.ts';

/** @throws when the directory cannot be watched; `onLost` tells that a watch ended by itself. */
export type WatchDirectory = (
  directory: string,
  onEvent: () => void,
  onLost: () => void,
) => { close(): void };

export interface FileWatchOptions {
  readonly path: string;
  readonly clock: Clock;
  /** One look at the file; must not reject. Two never run at once. */
  readonly look: () => Promise<void>;
  /** Default {@link watchDirectory}. */
  readonly watch?: WatchDirectory;
}

/** Between two looks when no event came. */
const lookEveryMs = 1_000;

export class FileWatch {
  readonly #options: FileWatchOptions;
  #watcher: { close(): void } | undefined;
  #timer: Timer | undefined;
  #looking: Promise<void> | undefined;
  #mustLookAgain = false;
  #isClosed = false;

  constructor(options: FileWatchOptions) {
    this.#options = options;
  }

  /** Looks for the first time and goes on by itself; never rejects. */
  async start(): Promise<void> {
    this.#watch();
    await this.look();
    this.#armPoll();
  }

  /** Looks now; when a look is under way, once more after it. Resolves when that is done. */
  async look(): Promise<void> {
    if (this.#isClosed) return;
    if (this.#looking) {
      this.#mustLookAgain = true;
      return this.#looking;
    }
    this.#looking = this.#lookUntilQuiet();
    await this.#looking;
    this.#looking = undefined;
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#watcher?.close();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  async #lookUntilQuiet(): Promise<void> {
    do {
      this.#mustLookAgain = false;
      await this.#options.look();
    } while (this.#mustLookAgain && !this.#isClosed);
  }

  #armPoll(): void {
    if (this.#isClosed) return;
    this.#timer = this.#options.clock.setTimer(lookEveryMs, () => {
      if (!this.#watcher) this.#watch();
      void this.look().then(() => this.#armPoll());
    });
  }

  #watch(): void {
    const { path, watch: watchIt = watchDirectory } = this.#options;
    const lose = () => {
      this.#watcher?.close();
      this.#watcher = undefined;
    };
    try {
      this.#watcher = watchIt(dirname(path), () => void this.look(), lose);
    } catch {
      this.#watcher = undefined; // the directory may come later; until then the poll sees everything
    }
  }
}

export const watchDirectory: WatchDirectory = (directory, onEvent, onLost) => {
  const watcher = watch(directory, { persistent: false }, onEvent);
  watcher.on('error', onLost);
  return watcher;
};
