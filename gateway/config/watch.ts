/**
 * Follows the configuration file while the gateway runs and says when it holds something new, once what
 * it holds has come to rest: a file caught half-written may read as a good one with fewer accounts.
 *
 * It must never throw for what the file system does, and never judge what the file says.
 */
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Clock, Timer } from '#gateway/kit/clock.ts';
import { FileWatch, type WatchDirectory, watchDirectory } from '#gateway/kit/file-watch.ts';
import { configFileBytesMax } from './config-text.ts';

/** What the file holds; undefined: it is missing, unreadable or too large. */
export type ConfigBytes = Uint8Array | undefined;

/** How the file is reached: the real one, or a test's. Must not reject. */
export interface ConfigFileAccess {
  read(path: string): Promise<ConfigBytes>;
  readonly watch: WatchDirectory;
}

export interface ConfigWatchOptions {
  readonly file: string;
  /** What `file` is relative to. */
  readonly cwd: string;
  /** What the running configuration was made of. */
  readonly loaded: Uint8Array;
  readonly clock: Clock;
  /** The file holds something else than before. `asked`: somebody wanted it read, whatever it holds. */
  readonly onChange: (bytes: ConfigBytes, cause: 'file' | 'asked') => void;
  readonly access?: ConfigFileAccess;
}

/** Seen and not told yet. */
interface Resting {
  readonly bytes: ConfigBytes;
  readonly sinceMs: number;
}

/** How long a content must stay the same. */
const restMs = 300;
/** Editors and copies take a file away or empty it before they write it anew. */
const absenceMs = 2_000;

export class ConfigWatch {
  readonly #options: ConfigWatchOptions;
  readonly #access: ConfigFileAccess;
  readonly #path: string;
  readonly #watch: FileWatch;
  #told: ConfigBytes;
  #resting: Resting | undefined;
  #restTimer: Timer | undefined;
  #isAsked = false;

  constructor(options: ConfigWatchOptions) {
    this.#options = options;
    this.#access = options.access ?? fileAccess;
    this.#path = resolve(options.cwd, options.file);
    this.#told = options.loaded;
    this.#watch = new FileWatch({
      path: this.#path,
      clock: options.clock,
      look: () => this.#look(),
      watch: this.#access.watch,
    });
  }

  /** Begins to follow; a change since `loaded` was read is told as well. */
  start(): Promise<void> {
    return this.#watch.start();
  }

  /** Tells what the file holds now, changed or not. */
  async ask(): Promise<void> {
    this.#isAsked = true;
    await this.#watch.look();
  }

  close(): void {
    this.#restTimer?.cancel();
    this.#watch.close();
  }

  async #look(): Promise<void> {
    const bytes = await this.#access.read(this.#path);
    if (this.#watch.isClosed) return;
    if (this.#isAsked) {
      this.#isAsked = false;
      return this.#tell(bytes, 'asked');
    }
    if (isSame(bytes, this.#told)) return this.#rest(undefined);
    const nowMs = this.#options.clock.monotonicMs();
    const { sinceMs } =
      this.#resting && isSame(bytes, this.#resting.bytes) ? this.#resting : { sinceMs: nowMs };
    const leftMs = sinceMs + (bytes?.length ? restMs : absenceMs) - nowMs;
    if (leftMs > 0) this.#rest({ bytes, sinceMs }, leftMs);
    else this.#tell(bytes, 'file');
  }

  #rest(resting: Resting | undefined, leftMs = 0): void {
    this.#resting = resting;
    this.#restTimer?.cancel();
    if (!resting) return;
    this.#restTimer = this.#options.clock.setTimer(leftMs, () => void this.#watch.look());
  }

  #tell(bytes: ConfigBytes, cause: 'file' | 'asked'): void {
    this.#rest(undefined);
    this.#told = bytes;
    this.#options.onChange(bytes, cause);
  }
}

function isSame(one: ConfigBytes, other: ConfigBytes): boolean {
  if (one === undefined || other === undefined) return one === other;
  return Buffer.compare(one, other) === 0;
}

const fileAccess: ConfigFileAccess = {
  async read(path) {
    try {
      const { size } = await stat(path);
      return size > configFileBytesMax ? undefined : await readFile(path);
    } catch {
      return undefined; // whoever reads it to load it says why
    }
  },
  watch: watchDirectory,
};
