/**
 * One store per distinct `cos` block: accounts that share bucket and credentials share connections and
 * the credential cache. A store that no account names any more is closed once nothing can need it.
 */
import type { CosConfig } from '#gateway/config/model.ts';
import type { Clock, Timer } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import type { CosTimeouts } from '#gateway/storage/cos/calls.ts';
import {
  type ClosableStore,
  type CosRequestSample,
  createCosStore,
} from '#gateway/storage/cos/store.ts';
import type { CredentialSource } from '#gateway/storage/credentials/source.ts';
import type { ObjectStore } from '#gateway/storage/object-store.ts';
import { credentialSource } from './credentials.ts';

export interface StoresOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
  readonly onRequest: (sample: CosRequestSample) => void;
  /** Shorter ones for tests. */
  readonly storeTimeouts?: Partial<CosTimeouts> | undefined;
}

export interface StoreUses {
  /** Of the accounts as they are configured. */
  readonly configured: () => ReadonlySet<ObjectStore>;
  /** Of sessions, which may hold a former account until their command ends. */
  readonly held: () => ReadonlySet<ObjectStore>;
}

interface Entry {
  readonly store: ClosableStore;
  unusedSinceMs: number | undefined;
}

/** A multipart upload is aborted up to 10 minutes after its session, and retried (transfer/upload-options.ts). */
const lingerMs = 900_000;
const checkEveryMs = 60_000;

export class Stores {
  readonly #options: StoresOptions;
  readonly #stores = new Map<string, Entry>();
  #timer: Timer | undefined;

  constructor(options: StoresOptions) {
    this.#options = options;
  }

  storeFor(config: CosConfig): ObjectStore {
    const identity = JSON.stringify(config);
    const known = this.#stores.get(identity);
    if (known) return known.store;
    const { clock, log, env, onRequest, storeTimeouts } = this.#options;
    const credentials: CredentialSource = credentialSource(config.credentials, { env, clock, log });
    const { bucket, region, endpoint, protocol } = config;
    const store = createCosStore({
      bucket,
      region,
      endpoint,
      protocol,
      credentials,
      clock,
      log,
      onRequest,
      ...(storeTimeouts && { timeouts: storeTimeouts }),
    });
    this.#stores.set(identity, { store, unusedSinceMs: undefined });
    return store;
  }

  /** Open ones. */
  get count(): number {
    return this.#stores.size;
  }

  /** Closes in the background what is in neither use for 15 minutes. To be said after each change. */
  closeUnused(uses: StoreUses): void {
    this.#timer?.cancel();
    const nowMs = this.#options.clock.monotonicMs();
    const configured = uses.configured();
    const held = uses.held();
    for (const [identity, entry] of this.#stores) {
      if (configured.has(entry.store) || held.has(entry.store)) entry.unusedSinceMs = undefined;
      else entry.unusedSinceMs ??= nowMs;
      if (nowMs - (entry.unusedSinceMs ?? nowMs) < lingerMs) continue;
      this.#stores.delete(identity);
      entry.store.close();
    }
    if (this.#stores.size === configured.size) return;
    this.#timer = this.#options.clock.setTimer(checkEveryMs, () => this.closeUnused(uses));
  }

  close(): void {
    this.#timer?.cancel();
    for (const { store } of this.#stores.values()) store.close();
  }
}
