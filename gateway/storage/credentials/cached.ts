/**
 * Keeps a temporary key until shortly before it expires, and asks for a new one once, however many
 * requests wait for it. A key still good is never given up because its successor cannot be fetched, and
 * one that COS refuses although it should be good is replaced before its time.
 */
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import { StoreError } from '../object-store.ts';
import { type CosCredentials, type CredentialSource, isSameKey } from './source.ts';

/** A successor is fetched so long before the key expires, while requests go on with the old one. */
export const refreshBeforeMs = 600_000;
/** Pause between attempts to renew a key that is still good. */
export const refreshPauseMs = 30_000;

/** So long a key just fetched is used, even if it seems expired or is refused: asking again is no use. */
export const freshMs = 5_000;

export interface CachedCredentialsOptions {
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * @param source asked at most once at a time. A key without expiry is not kept: such a source answers
 * from memory and may change its mind.
 */
export function cachedCredentials(
  source: CredentialSource,
  options: CachedCredentialsOptions,
): CredentialSource {
  return new CachedCredentials(source, options);
}

class CachedCredentials implements CredentialSource {
  readonly #source: CredentialSource;
  readonly #options: CachedCredentialsOptions;
  #held: CosCredentials | undefined;
  #pending: Promise<CosCredentials> | undefined;
  /** No attempt to renew a good key before this monotonic time. */
  #nextRefreshMs = 0;
  /** When the last answer came, and the last key. */
  #answeredAtMs = Number.NEGATIVE_INFINITY;
  #fetchedAtMs = Number.NEGATIVE_INFINITY;
  #isRefused = false;

  constructor(source: CredentialSource, options: CachedCredentialsOptions) {
    this.#source = source;
    this.#options = options;
  }

  async get(signal?: AbortSignal): Promise<CosCredentials> {
    const leftMs = this.#leftMs();
    if (!this.#held || (leftMs <= 0 && !this.#isJust(this.#fetchedAtMs)))
      return unlessAborted(this.#fetch(), signal);
    if (this.#isRefused) return unlessAborted(this.#replace(this.#held), signal);
    if (leftMs > 0 && leftMs <= refreshBeforeMs) this.#refreshBehind();
    return this.#held;
  }

  noteRefused(key: CosCredentials): void {
    this.#source.noteRefused?.(key);
    const isHeld = this.#held?.expiresAt !== undefined && isSameKey(this.#held, key);
    if (isHeld && !this.#isJust(this.#answeredAtMs)) this.#isRefused = true;
  }

  /** Never for a key that does not expire: it is not kept. */
  #isJust(atMs: number): boolean {
    const { clock } = this.#options;
    return this.#held?.expiresAt !== undefined && clock.monotonicMs() - atMs < freshMs;
  }

  /** A refusal may have other reasons, so the key stays when there is no other. */
  async #replace(refused: CosCredentials): Promise<CosCredentials> {
    try {
      return await this.#fetch();
    } catch (error) {
      this.#options.log.warn({ err: error }, 'COS key refused and not renewed, keeping it');
      return this.#held ?? refused;
    }
  }

  #leftMs(): number {
    const { expiresAt } = this.#held ?? {};
    return expiresAt ? expiresAt.getTime() - this.#options.clock.now() : 0;
  }

  #refreshBehind(): void {
    const { clock, log } = this.#options;
    if (this.#pending || clock.monotonicMs() < this.#nextRefreshMs) return;
    this.#nextRefreshMs = clock.monotonicMs() + refreshPauseMs;
    this.#fetch().catch((error: unknown) => {
      log.warn({ err: error }, 'COS key not renewed, keeping the old one');
    });
  }

  #fetch(): Promise<CosCredentials> {
    this.#pending ??= this.#ask().finally(() => {
      this.#pending = undefined;
      this.#isRefused = false;
      this.#answeredAtMs = this.#options.clock.monotonicMs();
    });
    return this.#pending;
  }

  async #ask(): Promise<CosCredentials> {
    try {
      this.#held = await this.#source.get();
      this.#fetchedAtMs = this.#options.clock.monotonicMs();
      return this.#held;
    } catch (error) {
      if (error instanceof StoreError) throw error;
      throw new StoreError('credentials', 'no COS key', { cause: error });
    }
  }
}

/** One waiter's abort ends its waiting, not the fetch others wait for. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new StoreError('aborted', 'waiting for a COS key was given up'));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
