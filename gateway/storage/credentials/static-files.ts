/**
 * A key in two files, as a mounted Secret has it. Read again while running, so that a rotated key needs
 * no restart; while the files cannot be read the last key stays in use.
 */
import { readFile } from 'node:fs/promises';
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import { StoreError } from '../object-store.ts';
import { type CosCredentials, type CredentialSource, isSameKey } from './source.ts';

/** How long a key is used before the files are read again. */
export const rereadMs = 5_000;
/** The least between two looks at the files, also when COS refuses the key. */
export const refusedRereadMs = 1_000;
/** A pair changed while it was read is read again so often. */
const readsMax = 3;

export interface FileCredentialsOptions {
  readonly secretIdFile: string;
  readonly secretKeyFile: string;
  readonly clock: Clock;
  readonly log: Log;
}

export function fileCredentials(options: FileCredentialsOptions): CredentialSource {
  return new FileCredentials(options);
}

class FileCredentials implements CredentialSource {
  readonly #options: FileCredentialsOptions;
  #held: CosCredentials | undefined;
  #heldAtMs = 0;
  #isRefused = false;

  constructor(options: FileCredentialsOptions) {
    this.#options = options;
  }

  async get(): Promise<CosCredentials> {
    const { clock, log } = this.#options;
    const heldMs = clock.monotonicMs() - this.#heldAtMs;
    const keepMs = this.#isRefused ? refusedRereadMs : rereadMs;
    if (this.#held && heldMs < keepMs) return this.#held;
    this.#isRefused = false;
    try {
      this.#held = await this.#readPair();
    } catch (error) {
      if (!this.#held) throw error;
      log.warn({ err: error }, 'key files unreadable, keeping the last key');
    }
    this.#heldAtMs = clock.monotonicMs();
    return this.#held;
  }

  noteRefused(key: CosCredentials): void {
    if (this.#held && isSameKey(this.#held, key)) this.#isRefused = true;
  }

  /** The id is read on both sides of the key: when it changed in between, the pair may not match. */
  async #readPair(): Promise<CosCredentials> {
    const { secretIdFile, secretKeyFile } = this.#options;
    for (let reads = 0; reads < readsMax; reads++) {
      const secretId = await readWord(secretIdFile);
      const secretKey = await readWord(secretKeyFile);
      if ((await readWord(secretIdFile)) === secretId) return { secretId, secretKey };
    }
    throw new StoreError('credentials', 'the key files change while they are read');
  }
}

async function readWord(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new StoreError('credentials', `cannot read the key file ${file}`, { cause });
  });
  const word = text.trim();
  if (word === '') throw new StoreError('credentials', `the key file ${file} is empty`);
  return word;
}
