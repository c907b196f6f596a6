/**
 * One gateway from one configuration: builds every room, gives each what it needs of the others, and
 * takes them down in the opposite order. The only place that knows all of them.
 */
import { totalmem } from 'node:os';
import { Accounts } from '#gateway/auth/accounts.ts';
import { Throttle } from '#gateway/auth/throttle.ts';
import type { AccountConfig, GatewayConfig } from '#gateway/config/model.ts';
import type { DataReading } from '#gateway/ftp/data-connection.ts';
import { chooseDataReading } from '#gateway/ftp/direct-read-trial.ts';
import { findCodec, type TextCodec } from '#gateway/ftp/filename-encoding.ts';
import { PassivePorts, type PassivePortsOptions } from '#gateway/ftp/passive-ports.ts';
import { commandVerbs } from '#gateway/ftp-srv/commands/table.ts';
import { type DrainOptions, FtpGatewayServer } from '#gateway/ftp-srv/server.ts';
import type {
  LoginOutcome,
  SessionAccount,
  SessionTimeouts,
  TransferDirection,
} from '#gateway/ftp-srv/services.ts';
import { assert } from '#gateway/kit/assert.ts';
import { formatBytes } from '#gateway/kit/bytes.ts';
import { type Clock, sleep } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import { NetworkSet } from '#gateway/kit/networks.ts';
import { type AdminServer, type ReadinessCheck, startAdmin } from '#gateway/observe/admin.ts';
import { ObserveError } from '#gateway/observe/errors.ts';
import { createMetrics, type Metrics } from '#gateway/observe/metrics.ts';
import type { CosTimeouts } from '#gateway/storage/cos/calls.ts';
import { cosOperations } from '#gateway/storage/cos/operation.ts';
import { Jail } from '#gateway/storage/keys.ts';
import { PartPool } from '#gateway/transfer/budget.ts';
import { partPlan } from '#gateway/transfer/plan.ts';
import { resolveHost } from './host-addresses.ts';
import { Masquerade } from './masquerade.ts';
import { chooseUploadMemory, processBaseBytes } from './memory.ts';
import { Stores } from './stores.ts';
import { observeTransfers } from './transfer-observer.ts';
import { version } from './version.ts';

export interface GatewayOptions {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
  /** Overrides for tests and for the demo. */
  readonly timeouts?: Partial<SessionTimeouts>;
  readonly storeTimeouts?: Partial<CosTimeouts>;
  /** Default: direct where a trial at start shows that it works. */
  readonly dataReading?: DataReading;
  /** Instead of the configured range, for tests. */
  readonly passivePorts?: PassivePortsOptions['ports'];
  /** For metrics: lines the log had to drop. */
  readonly lostLogLines?: () => number;
}

export interface RunningTransfer {
  readonly id: string;
  readonly direction: TransferDirection;
  readonly bytes: number;
}

export interface RunningGateway extends AsyncDisposable {
  readonly ftpPort: number;
  readonly adminPort: number;
  readonly sessionCount: number;
  /** Under way now. */
  readonly transfers: readonly RunningTransfer[];
  /** Lets sessions finish; resolves when none is left or the deadline passed. */
  drain(options: DrainOptions): Promise<void>;
  /** Ends everything at once. Idempotent. */
  close(): Promise<void>;
}

const timeoutDefaults: SessionTimeouts = {
  loginMs: 60_000,
  idleMs: 600_000,
  stallMs: 120_000,
  dataConnectMs: 30_000,
};

/** Parts of one upload on their way to COS at once; 8 MiB each cover 50 ms of latency at 640 MiB/s. */
const partsInFlightDefault = 4;

/** @throws when the FTP port, or an admin port somebody chose, cannot be bound. */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const { config, clock, log } = options;
  const metrics = createGatewayMetrics();
  const transferObserver = observeTransfers(metrics);
  const pool = createPool(options);
  const stores = new Stores({ ...options, onRequest: (sample) => metrics.cosRequest(sample) });
  const masquerade = createMasquerade(options, metrics);
  const passivePorts = await PassivePorts.open({
    host: config.listen_address,
    ports: options.passivePorts ?? config.passive_port,
    networks: new NetworkSet(config.data_peer_networks),
    clock,
    log,
    onOutcome: (mode, outcome, waitSeconds) => metrics.dataConnection(mode, outcome, waitSeconds),
  });
  const server = new FtpGatewayServer({
    address: config.listen_address,
    port: config.listen_port,
    services: {
      clock,
      log,
      pool,
      passivePorts,
      timeouts: { ...timeoutDefaults, ...options.timeouts },
      dataReading: options.dataReading ?? (await chooseDataReading(clock, log)),
      observer: metrics,
      transferObserver,
      dataPeer: config.data_peer,
      sessionsMax: config.max_sessions ?? 0,
      authenticate: createAuthenticate(options, stores, pool),
      passiveAddress: (peer, local) => masquerade.addressFor(peer, local),
    },
  });
  metrics.watch({
    passivePorts: () => passivePorts.counts,
    partMemory: () => pool,
    multipartUploadsOpen: () => transferObserver.multipartUploadsOpen,
    ...(options.lostLogLines && { lostLogLines: options.lostLogLines }),
  });

  await masquerade.start();
  const ftpPort = await server.listen();
  const admin = await startAdminPort(options, metrics, { server, passivePorts, masquerade });
  metrics.draining('no');
  metrics.configLoaded('success', clock.now() / 1000);
  log.info({ ftp_port: ftpPort, admin_port: admin.port, version }, 'listening');

  let closed: Promise<void> | undefined;
  const close = async () => {
    await server.close();
    await passivePorts.close();
    await admin.close();
    masquerade.close();
    stores.close();
  };
  const closeOnce = () => (closed ??= close());
  return {
    ftpPort,
    adminPort: admin.port,
    get sessionCount() {
      return server.sessionCount;
    },
    get transfers() {
      return server.transfers;
    },
    drain: (drainOptions) => {
      metrics.draining('yes');
      return server.drain(drainOptions);
    },
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  };
}

function createGatewayMetrics(): Metrics {
  return createMetrics({
    build: { version },
    operations: cosOperations,
    verbs: commandVerbs,
  });
}

function createPool({ config, clock, log }: GatewayOptions): PartPool {
  const memoryBytes =
    config.upload_memory ??
    chooseUploadMemory({
      availableBytes: process.constrainedMemory() || totalmem(),
      baseBytes: processBaseBytes,
    });
  const pool = new PartPool({ memoryBytes, clock });
  log.info({ upload_memory: formatBytes(pool.limitBytes) }, 'memory for transfers');
  return pool;
}

function createMasquerade({ config, clock, log }: GatewayOptions, metrics: Metrics): Masquerade {
  const { masquerade_address: address, masquerade_address_file: file } = config;
  return new Masquerade({
    ...(address !== undefined && { address }),
    ...(file !== undefined && { file }),
    networks: config.masquerade_networks,
    clock,
    log,
    observer: metrics,
    resolve: resolveHost,
  });
}

type Authenticate = (user: string, password: string, peer: string) => Promise<LoginOutcome>;

function createAuthenticate(options: GatewayOptions, stores: Stores, pool: PartPool): Authenticate {
  const { config, clock } = options;
  const accounts = new Accounts(config.accounts, { log: options.log });
  const throttle = new Throttle({ clock, exempt: new NetworkSet(config.data_peer_networks) });
  const sessionAccounts = new Map(
    config.accounts.map((account) => [
      account.user,
      sessionAccount(account, options, stores, pool),
    ]),
  );
  return async (user, password, peer) => {
    const retryAfterMs = throttle.retryAfterMs(peer);
    if (retryAfterMs > 0) return { kind: 'throttled', retryAfterMs };
    const found = await accounts.authenticate(user, password);
    const account = found && sessionAccounts.get(found.user);
    if (!account) {
      await sleep(clock, throttle.noteFailure(peer));
      return { kind: 'refused' };
    }
    throttle.noteSuccess(peer);
    return { kind: 'accepted', account };
  };
}

function sessionAccount(
  account: AccountConfig,
  { config, log }: GatewayOptions,
  stores: Stores,
  pool: PartPool,
): SessionAccount {
  const plan = partPlan({
    minPartBytes: config.min_part_size,
    memoryBytes: pool.limitBytes,
    limitBytes: account.single_file_max_size,
  });
  const limitBytes = Math.min(account.single_file_max_size, plan.reachableBytes);
  if (limitBytes < account.single_file_max_size) {
    log.warn(
      {
        user: account.user,
        single_file_max_size: formatBytes(account.single_file_max_size),
        reachable: formatBytes(limitBytes),
        hint: 'Raise upload_memory to reach single_file_max_size.',
      },
      'file size limited by upload_memory',
    );
  }
  return {
    user: account.user,
    jail: new Jail(account.prefix),
    codec: codecNamed(account.filename_encoding),
    store: stores.storeFor(account.cos),
    permissions: new Set(account.permissions),
    limitBytes,
    plan,
    partsInFlight: config.parts_in_flight ?? partsInFlightDefault,
    incompleteUploads: account.incomplete_uploads,
  };
}

/** The configuration accepts only encodings the engine knows. */
function codecNamed(name: string): TextCodec {
  const codec = findCodec(name);
  assert(codec, `no codec for filename_encoding ${name}`);
  return codec;
}

/** What the admin port tells about. */
interface GatewayParts {
  readonly server: FtpGatewayServer;
  readonly passivePorts: PassivePorts;
  readonly masquerade: Masquerade;
}

/**
 * What makes an instance unable to serve. Never the store (it may come back, and every instance would go
 * at once), never an unknown address (balancers give one only to ready instances), never draining (the
 * passive ports of running sessions would be lost).
 */
function readinessChecks({ server, passivePorts }: GatewayParts): readonly ReadinessCheck[] {
  return [
    {
      name: 'listening',
      problem: () => (server.isListening ? undefined : 'the FTP port is closed'),
    },
    {
      name: 'passive ports',
      problem: () =>
        passivePorts.numbers.length > 0 ? undefined : 'no port of passive_port could be bound',
    },
  ];
}

/** A default port that is taken moves to a free one and says so; a chosen one that is taken is an error. */
async function startAdminPort(
  options: GatewayOptions,
  metrics: Metrics,
  parts: GatewayParts,
): Promise<AdminServer> {
  const { config, log } = options;
  const { server, passivePorts, masquerade } = parts;
  const start = (port: number) =>
    startAdmin({
      host: config.admin_address,
      port,
      metrics,
      checks: readinessChecks(parts),
      status: () => ({
        version,
        draining: server.isDraining,
        sessions: server.sessionCount,
        masquerade: masquerade.status,
        passive_ports: passivePorts.counts,
        transfers: server.transfers.map(({ id, direction, bytes }) => ({ id, direction, bytes })),
      }),
      log,
    });
  try {
    return await start(config.admin_port);
  } catch (error) {
    const mayMove = error instanceof ObserveError && error.kind === 'port-taken';
    if (!mayMove || config.admin_port_configured) throw error;
    const admin = await start(0);
    log.warn(
      { taken: config.admin_port, admin_port: admin.port },
      'admin port taken, using another',
    );
    return admin;
  }
}
