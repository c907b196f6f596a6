/**
 * The embedded COS: an HTTP server that speaks the COS XML API, for the demo, for the command `cosd`, for
 * tests and for rehearsals of failures. It checks real signatures and stores real bytes; a client cannot
 * tell it from COS by what this server implements. It is not made for the open internet: plain HTTP only.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type Clock, systemClock } from '#gateway/kit/clock.ts';
import { type Log, silentLog } from '#gateway/kit/log.ts';
import { isBucketName } from './address.ts';
import { Bucket } from './bucket.ts';
import { CosError } from './errors.ts';
import type { FaultScript } from './fault-script.ts';
import { Faults } from './faults.ts';
import { Inspector } from './inspector.ts';
import type { ChecksumLevel } from './intake.ts';
import { Journal, type JournalEntry, type OperationCounts } from './journal.ts';
import { createCosServer } from './server.ts';
import type { ObjectShelf } from './shelf.ts';
import type { Secret, SecretLookup } from './signature.ts';

export interface CosdOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any free one. */
  readonly port?: number;
  /** Where the bytes rest; closed with the server. */
  readonly store: ObjectShelf;
  /** Those that exist, or `any`: every well-formed name exists. Default `any`. */
  readonly buckets?: 'any' | readonly string[];
  /** SecretId to SecretKey, or to a Secret for temporary keys. */
  readonly keys:
    | ReadonlyMap<string, string | Secret>
    | ((secretId: string) => string | Secret | undefined);
  /** The regions this COS is; a bucket asked for in another one does not exist. Default: all. */
  readonly regions?: readonly string[];
  readonly faults?: FaultScript;
  /** Default `full`, as COS. */
  readonly checksums?: ChecksumLevel;
  readonly clock?: Clock;
  readonly log?: Log;
}

export interface Cosd extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** `http://host:port` */
  readonly url: string;
  readonly faults: Faults;
  /** What is stored, past HTTP and signatures. */
  readonly inspect: Inspector;
  /** How often each operation was asked for since the start or the last `forgetRequests`. */
  requests(): OperationCounts;
  /** The last requests, oldest first. */
  journal(): readonly JournalEntry[];
  forgetRequests(): void;
  /** Breaks open connections and closes the store. Idempotent. */
  close(): Promise<void>;
}

/** @throws ShelfError when the store cannot be read, the listen error when the port is taken. */
export async function startCosd(options: CosdOptions): Promise<Cosd> {
  const { host = '127.0.0.1', port = 0, store, clock = systemClock, log = silentLog } = options;
  const buckets = new BucketSet(options);
  await store.load({
    object: (bucket, record, body) => buckets.restored(bucket).restoreObject(record, body),
    upload: (bucket, record, parts) => buckets.restored(bucket).restoreUpload(record, parts),
  });
  const faults = new Faults(options.faults);
  const journal = new Journal();
  const server = createCosServer({
    bucketNamed: (name, region) => buckets.named(name, region),
    secretOf: secretLookup(options.keys),
    faults,
    journal,
    checksums: options.checksums ?? 'full',
    clock,
    log,
  });
  server.listen(port, host);
  await once(server, 'listening');
  const bound = server.address() as AddressInfo;
  const authority = bound.family === 'IPv6' ? `[${host}]:${bound.port}` : `${host}:${bound.port}`;

  let closed: Promise<void> | undefined;
  const close = async () => {
    const over = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await over;
    await store.close();
  };
  const closeOnce = () => (closed ??= close());
  return {
    host,
    port: bound.port,
    url: `http://${authority}`,
    faults,
    inspect: new Inspector((name) => buckets.named(name), clock),
    requests: () => journal.counts(),
    journal: () => journal.entries(),
    forgetRequests: () => journal.reset(),
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  };
}

function secretLookup(keys: CosdOptions['keys']): SecretLookup {
  const find = typeof keys === 'function' ? keys : (secretId: string) => keys.get(secretId);
  return (secretId) => {
    const secret = find(secretId);
    return typeof secret === 'string' ? { secretKey: secret } : secret;
  };
}

/** The buckets that exist; under `any` each appears when it is first named. */
class BucketSet {
  readonly #options: CosdOptions;
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: CosdOptions) {
    this.#options = options;
  }

  named(name: string, region?: string): Bucket {
    const { buckets = 'any', regions } = this.#options;
    if (!isBucketName(name)) throw new CosError('InvalidBucketName');
    const isHere = region === undefined || regions === undefined || regions.includes(region);
    const exists = buckets === 'any' || buckets.includes(name);
    if (!isHere || !exists) throw new CosError('NoSuchBucket');
    return this.restored(name);
  }

  restored(name: string): Bucket {
    const found = this.#buckets.get(name) ?? new Bucket(name, this.#options.store);
    this.#buckets.set(name, found);
    return found;
  }
}
