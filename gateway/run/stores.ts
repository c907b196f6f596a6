/**
 * One store per distinct `cos` block: accounts that share bucket and credentials share connections and
 * the credential cache.
 */
import type { CosConfig } from '#gateway/config/model.ts';
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import type { CosTimeouts } from '#gateway/storage/cos/calls.ts';
import { type CosRequestSample, createCosStore } from '#gateway/storage/cos/store.ts';
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

export class Stores {
  readonly #options: StoresOptions;
  readonly #stores = new Map<string, ObjectStore & { close(): void }>();

  constructor(options: StoresOptions) {
    this.#options = options;
  }

  storeFor(config: CosConfig): ObjectStore {
    const identity = JSON.stringify(config);
    const known = this.#stores.get(identity);
    if (known) return known;
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
    this.#stores.set(identity, store);
    return store;
  }

  close(): void {
    for (const store of this.#stores.values()) store.close();
  }
}
