/** Puts the driver together for one bucket. Starts no request; holds no key but through its source. */
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import type { RetryPolicy } from '#gateway/kit/retry.ts';
import { cachedCredentials } from '../credentials/cached.ts';
import type { CredentialSource } from '../credentials/source.ts';
import type { ObjectStore } from '../object-store.ts';
import { createAgent } from './agents.ts';
import { CosBucket } from './bucket.ts';
import {
  Calls,
  type CosRepeat,
  type CosRequestSample,
  type CosTimeouts,
  defaultTimeouts,
} from './calls.ts';
import { DirectTransport } from './direct-transport.ts';
import { type Endpoint, type Protocol, resolveEndpoint } from './endpoint.ts';
import type { ObjectReader } from './object-reader.ts';
import { OutputReader } from './output-reader.ts';
import { Sdk } from './sdk.ts';
import { Sender } from './sender.ts';
import { Signer } from './signer.ts';
import { SocketReader } from './socket-reader.ts';

export interface CosStoreOptions {
  /** `<name>-<appid>`. */
  readonly bucket: string;
  /** May be empty with an endpoint. */
  readonly region: string;
  /** Empty: the public host of the region. See `resolveEndpoint` for the other forms. */
  readonly endpoint: string;
  /** Where the endpoint does not say `http://` or `https://` itself. */
  readonly protocol: Protocol;
  readonly credentials: CredentialSource;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of every attempt, repeated ones too. Must not throw. */
  readonly onRequest?: (sample: CosRequestSample) => void;
  /** Told before a request is sent again, and why. Must not throw. */
  readonly onRepeat?: (repeat: CosRepeat) => void;
  /**
   * Connections at once, counted apart for object bodies being read and for everything else. Default
   * 256: one for each 1 MiB part of the default upload memory.
   */
  readonly connectionsMax?: number;
  /**
   * How object bodies and lists travel. Default `direct`: on our own HTTP, signed by the SDK, at a
   * fraction of the CPU. `sdk`: through the SDK like every other call, should the direct way ever be at
   * fault.
   */
  readonly bodies?: 'direct' | 'sdk';
  readonly timeouts?: Partial<CosTimeouts>;
  /** Over retry-table.ts, for every kind of failure. */
  readonly retryPolicy?: Partial<RetryPolicy>;
  /** Jitter of retries, in [0, 1). Default Math.random. */
  readonly random?: () => number;
}

export type { CosRepeat, CosRequestSample } from './calls.ts';

const connectionsMaxDefault = 256;
const userAgent = 'cos-ftp-gateway';

export type ClosableStore = ObjectStore & { close(): void };

/** @throws StoreError `rejected` when bucket, region and endpoint make no host. */
export function createCosStore(options: CosStoreOptions): ClosableStore {
  const { bucket, clock, log, onRequest, onRepeat, random, retryPolicy } = options;
  const endpoint = resolveEndpoint(options);
  log.info(
    {
      host: endpoint.host,
      protocol: endpoint.protocol,
      ...(endpoint.connectTo !== undefined && { connect_to: endpoint.connectTo }),
    },
    'store endpoint',
  );
  const { connectionsMax = connectionsMaxDefault } = options;
  const agent = createAgent(endpoint.protocol, connectionsMax);
  const credentials = cachedCredentials(options.credentials, { clock, log });
  const sdk = new Sdk(bucket, endpoint, userAgent);
  const sender = new Sender({
    transport: sdk,
    directTransport: options.bodies === 'sdk' ? sdk : new DirectTransport(endpoint, userAgent),
    agent,
    signer: new Signer(clock, log),
    credentials,
    ...(onRepeat && { onRepeat }),
  });
  const calls = new Calls({
    clock,
    log,
    timeouts: { ...defaultTimeouts, ...options.timeouts },
    ...(retryPolicy && { retryPolicy }),
    ...(random && { random }),
    ...(onRequest && { onRequest }),
    ...(onRepeat && { onRepeat }),
  });
  return new CosBucket({
    calls,
    sender,
    reader: createReader(options, { endpoint, sender, sdk, connectionsMax }),
    copySourceHost: endpoint.copySourceHost,
    closeConnections: () => agent.destroy(),
  });
}

interface ReaderParts {
  readonly endpoint: Endpoint;
  readonly sender: Sender;
  readonly sdk: Sdk;
  readonly connectionsMax: number;
}

function createReader({ bodies, log }: CosStoreOptions, parts: ReaderParts): ObjectReader {
  const { sdk, sender, endpoint, connectionsMax } = parts;
  const fallback = new OutputReader(sender, sdk);
  if (bodies === 'sdk') return fallback;
  return new SocketReader({ endpoint, userAgent, sender, connectionsMax, fallback, log });
}
