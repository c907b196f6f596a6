/**
 * One store per distinct `cos` block: accounts that share bucket and credentials share connections and
 * the credential cache; each jail marks the uploads it begins. A store that no account names any more is
 * closed once nothing can need it.
 */
import type { CosConfig } from '#gateway/config/model.ts';
import type { Clock, Timer } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import type { CosTimeouts } from '#gateway/storage/cos/calls.ts';
import {
  type ClosableStore,
  type CosRepeat,
  type CosRequestSample,
  type CosStoreOptions,
  createCosStore,
} from '#gateway/storage/cos/store.ts';
import type { CredentialSource } from '#gateway/storage/credentials/source.ts';
import type { Jail } from '#gateway/storage/keys.ts';
import type { MarkedStore } from '#gateway/storage/marked-store.ts';
import type { ObjectStore } from '#gateway/storage/object-store.ts';
import { credentialSource } from './credentials.ts';
import type { UploadMarks } from './upload-marks.ts';

export interface StoresOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
  readonly onRequest: (sample: CosRequestSample) => void;
  readonly onRepeat?: (repeat: CosRepeat) => void;
  readonly marks: UploadMarks;
  /** See `CosStoreOptions`. */
  readonly bodies?: CosStoreOptions['bodies'];
  /** Shorter ones for tests. */
  readonly storeTimeouts?: Partial<CosTimeouts> | undefined;
  /** Default: the driver for COS. Another one measures the gateway alone. */
  readonly createStore?: ((options: CosStoreOptions) => ClosableStore) | undefined;
}

export interface StoreUses {
  /** Of the accounts as they are configured. */
  readonly configured: () => ReadonlySet<ObjectStore>;
  /** Of sessions, which may hold a former account until their command ends. */
  readonly held: () => ReadonlySet<ObjectStore>;
}

interface Entry {
  readonly store: ClosableStore;
  /** What accounts get, by the prefix of their jail. */
  readonly jails: Map<string, MarkedStore>;
  unusedSinceMs: number | undefined;
}

/** A multipart upload is aborted up to 10 minutes after its session, and retried (transfer/upload-options.ts). */
const lingerMs = 900_000;
const checkEveryMs = 60_000;
/** How long a stop waits for markers of ended uploads to be removed; one that stays costs nothing. */
const settleMs = 5_000;

export class Stores {
  readonly #options: StoresOptions;
  readonly #stores = new Map<string, Entry>();
  #timer: Timer | undefined;

  constructor(options: StoresOptions) {
    this.#options = options;
  }

  storeFor(config: CosConfig, { prefix }: Jail): ObjectStore {
    const { store, jails } = this.#entryFor(config);
    const marked = jails.get(prefix) ?? this.#options.marks.mark(store, prefix);
    jails.set(prefix, marked);
    return marked;
  }

  #entryFor(config: CosConfig): Entry {
    const identity = JSON.stringify(config);
    const known = this.#stores.get(identity);
    if (known) return known;
    const {
      clock,
      log,
      env,
      onRequest,
      onRepeat,
      bodies = 'direct',
      storeTimeouts,
      createStore = createCosStore,
    } = this.#options;
    const credentials: CredentialSource = credentialSource(config.credentials, { env, clock, log });
    const { bucket, region, endpoint, protocol } = config;
    const store = createStore({
      bucket,
      region,
      endpoint,
      protocol,
      credentials,
      clock,
      log,
      onRequest,
      bodies,
      ...(onRepeat && { onRepeat }),
      ...(storeTimeouts && { timeouts: storeTimeouts }),
    });
    const entry: Entry = { store, jails: new Map(), unusedSinceMs: undefined };
    this.#stores.set(identity, entry);
    return entry;
  }

  /** Every jail of every open store, each once. */
  get jails(): readonly { readonly store: ObjectStore; readonly prefix: string }[] {
    return [...this.#stores.values()].flatMap(({ store, jails }) =>
      [...jails.keys()].map((prefix) => ({ store, prefix })),
    );
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
    let areAllConfigured = true;
    for (const [identity, entry] of this.#stores) {
      const jails = [...entry.jails.values()];
      const isConfigured = jails.some((it) => configured.has(it));
      const isUsed = isConfigured || jails.some((it) => held.has(it));
      entry.unusedSinceMs = isUsed ? undefined : (entry.unusedSinceMs ?? nowMs);
      if (nowMs - (entry.unusedSinceMs ?? nowMs) < lingerMs) {
        areAllConfigured &&= isConfigured;
        continue;
      }
      this.#stores.delete(identity);
      entry.store.close();
    }
    if (areAllConfigured) return;
    this.#timer = this.#options.clock.setTimer(checkEveryMs, () => this.closeUnused(uses));
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    const marked = [...this.#stores.values()].flatMap(({ jails }) => [...jails.values()]);
    await Promise.all(marked.map((store) => store.settled(settleMs)));
    for (const { store } of this.#stores.values()) store.close();
  }
}
