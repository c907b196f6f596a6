/**
 * Passwords: making a hash, and checking a password against a hash or a plain text. A check must tell
 * nothing by the time it takes: comparisons are constant-time, and a refusal costs one hash computation
 * whether the user exists or not. A password once found right is remembered, as a keyed digest in
 * memory only, so that a storm of logins costs no CPU.
 */

import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { assert } from '#gateway/kit/assert.ts';
import {
  formatPasswordHash,
  type PasswordHash,
  parsePasswordHash,
  passwordHashMemoryBytesMax,
} from '#gateway/kit/password-hash.ts';
import { AuthError } from './errors.ts';

/** 32 MiB and about 0.1 s per check: FTP clients log in often, and for every file. */
const defaults = { costLog2: 15, blockSize: 8, parallelism: 1 } as const;
const saltBytes = 16;
const hashBytes = 32;

/** `$scrypt$ln=15,r=8,p=1$…$…` with a new salt. Takes 32 MiB and about 0.1 s of another thread. */
export async function hashPassword(password: string): Promise<string> {
  const shape = { ...defaults, salt: randomBytes(saltBytes), hash: Buffer.alloc(hashBytes) };
  return formatPasswordHash({ ...shape, hash: await computeHash(password, shape) });
}

/** A hash no password has, which costs as much to check as `like`, by default as one of our own. */
export function decoyHash(like = ''): string {
  const shape = parsePasswordHash(like) ?? defaults;
  const salt = randomBytes(saltBytes);
  return formatPasswordHash({ ...shape, salt, hash: randomBytes(hashBytes) });
}

/** One check without any memory of earlier ones. False also for a text that is no hash of ours. */
export async function verifyPassword(password: string, hashText: string): Promise<boolean> {
  const expected = parsePasswordHash(hashText);
  if (expected === undefined) return false;
  return timingSafeEqual(await computeHash(password, expected), expected.hash);
}

function computeHash(password: string, shape: PasswordHash): Promise<Buffer> {
  const { costLog2, blockSize, parallelism, salt, hash } = shape;
  const options = {
    N: 2 ** costLog2,
    r: blockSize,
    p: parallelism,
    // Above what parsePasswordHash lets through, with room for scrypt's own state.
    maxmem: passwordHashMemoryBytesMax + 2 ** 20,
  };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, hash.length, options, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}

export interface PasswordCheckerOptions {
  /** Hashes computed at a time; Node has four such threads, files and DNS need some. Default 2. */
  readonly concurrency?: number;
  /** Checks waiting beyond those; one more fails with `busy`. Default 256. */
  readonly waitingMax?: number;
  /** Users whose right password is remembered; the longest unused is forgotten. Default 10,000. */
  readonly rememberedMax?: number;
  /** How a hash is computed; for tests that count. Default {@link verifyPassword}. */
  readonly verify?: (password: string, hashText: string) => Promise<boolean>;
}

interface Remembered {
  readonly hashText: string;
  readonly digest: Buffer;
}

/** Checks with a memory. One per process. */
export class PasswordChecker {
  readonly #options: Required<PasswordCheckerOptions>;
  readonly #key = randomBytes(32);
  readonly #remembered = new Map<string, Remembered>();
  readonly #running = new Map<string, Promise<boolean>>();
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  constructor(options: PasswordCheckerOptions = {}) {
    this.#options = {
      concurrency: 2,
      waitingMax: 256,
      rememberedMax: 10_000,
      verify: verifyPassword,
      ...options,
    };
  }

  /** In constant time whatever both texts are, lengths included. */
  matchesPlain(password: string, expected: string): boolean {
    return timingSafeEqual(this.#digest(password), this.#digest(expected));
  }

  /**
   * Whether the password is the one the hash was made of. Equal checks at the same time are one.
   * @throws AuthError `busy`.
   */
  async matchesHash(user: string, password: string, hashText: string): Promise<boolean> {
    const digest = this.#digest(password);
    const known = this.#remembered.get(user);
    if (known?.hashText === hashText && timingSafeEqual(known.digest, digest)) {
      this.#remember(user, known);
      return true;
    }
    const isRight = await this.#verifyOnce(password, hashText, digest);
    if (isRight) this.#remember(user, { hashText, digest });
    return isRight;
  }

  #digest(password: string): Buffer {
    return createHmac('sha256', this.#key).update(password, 'utf8').digest();
  }

  #remember(user: string, entry: Remembered): void {
    this.#remembered.delete(user);
    this.#remembered.set(user, entry);
    const oldest = this.#remembered.keys().next();
    if (this.#remembered.size > this.#options.rememberedMax && !oldest.done) {
      this.#remembered.delete(oldest.value);
    }
  }

  #verifyOnce(password: string, hashText: string, digest: Buffer): Promise<boolean> {
    const id = `${digest.toString('base64')}${hashText}`;
    const running = this.#running.get(id);
    if (running) return running;
    const verdict = this.#verifyInTurn(password, hashText).finally(() => this.#running.delete(id));
    this.#running.set(id, verdict);
    return verdict;
  }

  async #verifyInTurn(password: string, hashText: string): Promise<boolean> {
    await this.#enter();
    try {
      return await this.#options.verify(password, hashText);
    } finally {
      this.#leave();
    }
  }

  /** First come, first served; a place is handed on without becoming free in between. */
  #enter(): Promise<void> {
    if (this.#busy < this.#options.concurrency) {
      this.#busy += 1;
      return Promise.resolve();
    }
    if (this.#waiting.length >= this.#options.waitingMax) {
      const message = 'too many passwords are being checked';
      return Promise.reject(new AuthError('busy', message, { retryable: true }));
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next) return next();
    this.#busy -= 1;
    assert(this.#busy >= 0, 'a password check ended twice');
  }
}
