/**
 * The embedded COS: an HTTP server that speaks the COS XML API, for the demo, for the command `cosd`, for
 * tests and for rehearsals of failures. It checks real signatures and stores real bytes; a client cannot
 * tell it from COS by what this server implements. It is not made for the open internet: plain HTTP only.
 */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, systemClock } from '#gateway/kit/clock.ts';
import { type Log, silentLog } from '#gateway/kit/log.ts';
import { startAdmin } from './admin.ts';
import { BucketSet } from './bucket-set.ts';
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
  /** Lets others change the fault script while it runs (admin.ts), on loopback only. 0: any free port. */
  readonly adminPort?: number;
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
  /** Where the fault script can be changed; absent unless asked for. */
  readonly adminUrl?: string;
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

/**
 * Listening when it resolves.
 * @throws ShelfError when the store cannot be read; the listen error when a port is taken.
 */
export async function startCosd(options: CosdOptions): Promise<Cosd> {
  const { host = '127.0.0.1', port = 0, store, clock = systemClock, log = silentLog } = options;
  // Whatever was opened is closed again when a later step fails.
  await using opened = new AsyncDisposableStack();
  opened.defer(() => store.close());
  const buckets = new BucketSet(options);
  await store.load({
    object: (bucket, record, body) => buckets.restored(bucket).restoreObject(record, body),
    upload: (bucket, record, parts) => buckets.restored(bucket).restoreUpload(record, parts),
  });

  const faults = new Faults(options.faults);
  const journal = new Journal();
  const closing = new AbortController();
  const bucketNamed = (name: string, region?: string) => buckets.named(name, region);
  const secretOf = secretLookup(options.keys);
  const { checksums = 'full' } = options;
  const parts = { bucketNamed, secretOf, faults, journal, checksums, clock, log };
  const { http, settled } = createCosServer({ ...parts, closing: closing.signal });
  const bound = await listen(http, port, host);
  opened.defer(settled);
  opened.defer(() => endConnections(http));
  opened.defer(() => closing.abort());
  const admin = await startAdmin(options.adminPort, { faults, journal });
  opened.defer(async () => admin?.close());

  const running = opened.move();
  let closed: Promise<void> | undefined;
  const close = () => (closed ??= running.disposeAsync());
  return {
    host,
    port: bound.port,
    url: `http://${bound.family === 'IPv6' ? `[${host}]` : host}:${bound.port}`,
    ...(admin && { adminUrl: admin.url }),
    faults,
    inspect: new Inspector(bucketNamed, clock),
    requests: () => journal.counts(),
    journal: () => journal.entries(),
    forgetRequests: () => journal.reset(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function listen(server: Server, port: number, host: string): Promise<AddressInfo> {
  server.listen(port, host);
  await once(server, 'listening');
  return server.address() as AddressInfo;
}

async function endConnections(server: Server): Promise<void> {
  const over = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await over;
}

function secretLookup(keys: CosdOptions['keys']): SecretLookup {
  const find = typeof keys === 'function' ? keys : (secretId: string) => keys.get(secretId);
  return (secretId) => {
    const secret = find(secretId);
    return typeof secret === 'string' ? { secretKey: secret } : secret;
  };
}
