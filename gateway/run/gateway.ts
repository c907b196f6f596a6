/**
 * One gateway from one configuration: builds every room, gives each what it needs of the others, and
 * takes them down in the opposite order. The only place that knows all of them.
 */
import { totalmem } from 'node:os';
import type { GatewayConfig, LogLevel } from '#gateway/config/model.ts';
import type { DataReading } from '#gateway/ftp/data-connection.ts';
import { chooseDataReading } from '#gateway/ftp/direct-read-trial.ts';
import { PassivePorts } from '#gateway/ftp/passive-ports.ts';
import type { PassivePortsOptions } from '#gateway/ftp/passive-ports-options.ts';
import { commandVerbs } from '#gateway/ftp-srv/commands/table.ts';
import { type DrainOptions, FtpGatewayServer } from '#gateway/ftp-srv/server.ts';
import type { SessionTimeouts, TransferDirection } from '#gateway/ftp-srv/services.ts';
import { SessionLimits } from '#gateway/ftp-srv/session-limits.ts';
import { formatBytes } from '#gateway/kit/bytes.ts';
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import { createMetrics, type Metrics } from '#gateway/observe/metrics.ts';
import type { CosTimeouts } from '#gateway/storage/cos/calls.ts';
import { cosOperations } from '#gateway/storage/cos/operation.ts';
import { retryReasons } from '#gateway/storage/cos/retry-table.ts';
import { PartPool } from '#gateway/transfer/budget.ts';
import { openAdminPort } from './admin-port.ts';
import { applyConfig } from './apply-config.ts';
import { Bandwidth } from './bandwidth.ts';
import { Certificates } from './certificates.ts';
import { tryPort } from './free-port.ts';
import { resolveHost } from './host-addresses.ts';
import { listenError } from './listen-error.ts';
import { LiveConfig } from './live-config.ts';
import { Logins } from './logins.ts';
import { Masquerade } from './masquerade.ts';
import { chooseUploadMemory, processBaseBytes } from './memory.ts';
import { openProxyDoor } from './proxy-doors.ts';
import { type ReloadCause, Reloads } from './reload.ts';
import { limitsOf, timeoutsOf } from './session-words.ts';
import { Stores, type StoresOptions } from './stores.ts';
import { observeTransfers } from './transfer-observer.ts';
import { UploadMarks } from './upload-marks.ts';
import { version } from './version.ts';

export interface GatewayOptions {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
  /** Overrides for tests and for the demo. */
  readonly timeouts?: Partial<SessionTimeouts>;
  readonly storeTimeouts?: Partial<CosTimeouts>;
  /** Default: the driver for COS. Another one measures the gateway alone. */
  readonly createStore?: StoresOptions['createStore'];
  /** Default: direct where a trial at start shows that it works. */
  readonly dataReading?: DataReading;
  /** Instead of the configured range, for tests. */
  readonly passivePorts?: PassivePortsOptions['ports'];
  /** Whether unfinished uploads of earlier runs are looked for. Default yes; tests count requests. */
  readonly janitor?: 'on' | 'off';
  /** For metrics: lines the log had to drop. */
  readonly lostLogLines?: () => number;
  /** Called with `log.level` when a reload changed it. */
  readonly setLogLevel?: (level: LogLevel) => void;
}

export interface RunningTransfer {
  readonly id: string;
  readonly direction: TransferDirection;
  readonly bytes: number;
}

export interface RunningGateway extends AsyncDisposable {
  readonly ftpPort: number;
  /** Of implicit FTPS. */
  readonly ftpsPort: number | undefined;
  readonly adminPort: number;
  readonly sessionCount: number;
  /** Under way now. */
  readonly transfers: readonly RunningTransfer[];
  /** As it counts now: words that need a restart have the value they had at start. */
  readonly config: GatewayConfig;
  /**
   * Takes over what can change of a new configuration and tells the log, the metrics and `/statusz`; one
   * that cannot be had changes nothing. Never throws. @param load may throw ConfigError.
   */
  reload(load: () => GatewayConfig, cause: ReloadCause): void;
  /** Lets sessions finish; resolves when none is left or the deadline passed. */
  drain(options: DrainOptions): Promise<void>;
  /** Ends everything at once. Idempotent. */
  close(): Promise<void>;
}

/**
 * Ready when it resolves. Whatever was opened is closed again when a later step fails.
 * @throws RunError when the FTP port cannot be bound. @throws ObserveError for an admin port somebody chose.
 */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const { config, clock, log } = options;
  const live = new LiveConfig(config);
  await using opened = new AsyncDisposableStack();
  const metrics = createGatewayMetrics();
  const transferObserver = observeTransfers(metrics);
  const pool = createPool(options);
  const marks = opened.adopt(createMarks(options, metrics), (it) => it.close());
  const stores = opened.adopt(
    new Stores({
      ...options,
      marks,
      onRequest: (sample) => metrics.cosRequest(sample),
      onRepeat: (repeat) => metrics.cosRepeat(repeat),
    }),
    (it) => it.close(),
  );
  await openFtpPort(config, (host, port) => tryPort(host, port));
  const passivePorts = opened.adopt(await openPassivePorts(options, live, metrics), (it) =>
    it.close(),
  );
  const masquerade = opened.adopt(createMasquerade(options, metrics), (it) => it.close());
  const exempt = { contains: (address: string) => live.dataPeerNetworks.contains(address) };
  const bandwidth = new Bandwidth(clock);
  const logins = new Logins({ config, clock, log, stores, pool, bandwidth, exempt });
  bandwidth.change(config);
  const proxyDoor = openProxyDoor(options, 'control', () =>
    metrics.sessionRefused('proxy_protocol'),
  );
  const certificates = opened.adopt(openCertificates(options, metrics), (it) => it?.close());
  const server = new FtpGatewayServer({
    address: config.listen_address,
    port: config.listen_port,
    implicitPort: config.tls?.implicit_port,
    services: {
      clock,
      log,
      pool,
      passivePorts,
      get timeouts() {
        return { ...timeoutsOf(live.config), ...options.timeouts };
      },
      limits: new SessionLimits(() => limitsOf(live)),
      bandwidth: bandwidth.gateway,
      ...(proxyDoor && { proxyDoor }),
      dataReading: options.dataReading ?? (await chooseDataReading(clock, log)),
      tls: certificates,
      observer: metrics,
      transferObserver,
      get dataPeer() {
        return live.config.data_peer;
      },
      get activeMode() {
        return live.config.active_mode;
      },
      get storeMtime() {
        return live.config.store_mtime;
      },
      authenticate: (user, password, peer) => logins.authenticate(user, password, peer),
      currentAccount: (held) => logins.currentAccount(held),
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
  await certificates?.start();
  const ftpPort = await openFtpPort(config, () => server.listen());
  opened.defer(() => server.close());
  const ftpsPort = await openImplicitPort(config, () => server.listenImplicitly());
  const { setLogLevel } = options;
  const reloads = new Reloads({
    apply: (next) =>
      applyConfig(next, { live, logins, bandwidth, masquerade, server, stores, setLogLevel }),
    clock,
    log,
    observer: metrics,
  });
  const admin = opened.adopt(
    await openAdminPort({ config, log, metrics, server, passivePorts, masquerade, reloads }),
    (it) => it.close(),
  );
  if (options.janitor !== 'off') marks.start(() => stores.jails);
  metrics.draining('no');
  metrics.configLoaded(clock.now() / 1000);

  const running = opened.move();
  let closed: Promise<void> | undefined;
  const closeOnce = () => (closed ??= running.disposeAsync());
  return {
    ftpPort,
    ftpsPort,
    adminPort: admin.port,
    get sessionCount() {
      return server.sessionCount;
    },
    get transfers() {
      return server.transfers;
    },
    get config() {
      return live.config;
    },
    reload: (load, cause) => reloads.reload(load, cause),
    drain: (drainOptions) => {
      metrics.draining('yes');
      return server.drain(drainOptions);
    },
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  };
}

/** Tried alone first, so that a taken port is one sentence and not one after sixteen about passive ports. */
async function openFtpPort<T>(
  { listen_address: host, listen_port: port }: GatewayConfig,
  open: (host: string, port: number) => Promise<T>,
): Promise<T> {
  try {
    return await open(host, port);
  } catch (error) {
    throw listenError(error, { host, port, hostWord: 'listen_address', portWord: 'listen_port' });
  }
}

async function openImplicitPort<T>(
  { listen_address: host, tls }: GatewayConfig,
  open: () => Promise<T>,
): Promise<T> {
  try {
    return await open();
  } catch (error) {
    const { implicit_port: port = 0 } = tls ?? {};
    const portWord = 'tls.implicit_port';
    throw listenError(error, { host, port, hostWord: 'listen_address', portWord });
  }
}

function openPassivePorts(options: GatewayOptions, live: LiveConfig, metrics: Metrics) {
  const { config, clock, log, passivePorts } = options;
  const door = openProxyDoor(options, 'data', () => metrics.dataRefused('proxy_protocol'));
  return PassivePorts.open({
    host: config.listen_address,
    ports: passivePorts ?? config.passive_port,
    get networks() {
      return live.dataPeerNetworks;
    },
    clock,
    log,
    ...(door && { door }),
    onStranger: () => metrics.dataRefused('stranger'),
    onOutcome: (mode, outcome, waitSeconds) => metrics.dataConnection(mode, outcome, waitSeconds),
  });
}

function createMarks({ config, clock, log }: GatewayOptions, metrics: Metrics): UploadMarks {
  return new UploadMarks({
    listenPort: config.listen_port,
    name: config.instance,
    clock,
    log,
    onAborted: (count) => metrics.orphansAborted(count),
  });
}

function openCertificates({ config: { tls }, clock, log }: GatewayOptions, metrics: Metrics) {
  return tls && new Certificates({ tls, clock, log, observer: metrics });
}

function createGatewayMetrics(): Metrics {
  return createMetrics({
    build: { version },
    store: { operations: cosOperations, retryReasons },
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
  if (pool.crc.means === 'tables') log.warn({}, 'no simd here, checksums take four times the cpu');
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
