/**
 * The parts of one gateway, each made of its words of the configuration and of what it needs of the others.
 * None of them serves a client yet: that begins in gateway.ts.
 */
import { totalmem } from 'node:os';
import type { GatewayConfig, LogLevel } from '#gateway/config/model.ts';
import type { DataReading } from '#gateway/ftp/data-connection.ts';
import { chooseDataReading } from '#gateway/ftp/direct-read-trial.ts';
import { PassivePorts } from '#gateway/ftp/passive-ports.ts';
import type { PassivePortsOptions } from '#gateway/ftp/passive-ports-options.ts';
import type { ProxyDoor } from '#gateway/ftp/proxy-door.ts';
import { commandVerbs } from '#gateway/ftp-srv/commands/table.ts';
import type { FtpServices, SessionTimeouts } from '#gateway/ftp-srv/services.ts';
import { SessionLimits } from '#gateway/ftp-srv/session-limits.ts';
import { formatBytes } from '#gateway/kit/bytes.ts';
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import { createMetrics, type Metrics } from '#gateway/observe/metrics.ts';
import type { CosTimeouts } from '#gateway/storage/cos/calls.ts';
import { cosOperations } from '#gateway/storage/cos/operation.ts';
import { retryReasons } from '#gateway/storage/cos/retry-table.ts';
import { PartPool } from '#gateway/transfer/budget.ts';
import { Bandwidth } from './bandwidth.ts';
import { Certificates } from './certificates.ts';
import { tryPort } from './free-port.ts';
import { openFtpPort, requirePassivePort } from './ftp-ports.ts';
import { resolveHost } from './host-addresses.ts';
import { LiveConfig } from './live-config.ts';
import { Logins } from './logins.ts';
import { Masquerade } from './masquerade.ts';
import { chooseUploadMemory, processBaseBytes } from './memory.ts';
import { openProxyDoor } from './proxy-doors.ts';
import { limitsOf, timeoutsOf } from './session-words.ts';
import { Stores, type StoresOptions } from './stores.ts';
import { type CountingObserver, observeTransfers } from './transfer-observer.ts';
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
  /** When not one passive port can be bound. Default retry: the gateway goes on, and they are tried again. */
  readonly whenPassiveTaken?: 'retry' | 'fail';
  /** Whether unfinished uploads of earlier runs are looked for. Default yes; tests count requests. */
  readonly janitor?: 'on' | 'off';
  /** For metrics: lines the log had to drop. */
  readonly lostLogLines?: () => number;
  /** Called with `log.level` when a reload changed it. */
  readonly setLogLevel?: (level: LogLevel) => void;
}

/** Everything but the server and the admin port, which come when all of these are there. */
export interface GatewayParts {
  readonly live: LiveConfig;
  readonly metrics: Metrics;
  readonly transferObserver: CountingObserver;
  readonly pool: PartPool;
  readonly marks: UploadMarks;
  readonly stores: Stores;
  readonly passivePorts: PassivePorts;
  readonly masquerade: Masquerade;
  readonly bandwidth: Bandwidth;
  readonly logins: Logins;
  readonly certificates: Certificates | undefined;
  readonly proxyDoor: ProxyDoor | undefined;
  readonly dataReading: DataReading;
}

/**
 * @param opened closes them, the last first.
 * @throws RunError when the FTP port is taken: one sentence, before sixteen about passive ports; and when
 * all of these are, if that was asked for.
 */
export async function openParts(
  options: GatewayOptions,
  opened: AsyncDisposableStack,
): Promise<GatewayParts> {
  const { config, clock, log } = options;
  const live = new LiveConfig(config);
  const metrics = createGatewayMetrics();
  const transferObserver = observeTransfers(metrics);
  const pool = createPool(options);
  const marks = opened.adopt(createMarks(options, metrics), (it) => it.close());
  const stores = opened.adopt(createStores(options, marks, metrics), (it) => it.close());
  await openFtpPort(config, (host, port) => tryPort(host, port));
  const passivePorts = opened.adopt(await openPassivePorts(options, live, metrics), (it) =>
    it.close(),
  );
  if (options.whenPassiveTaken === 'fail') requirePassivePort(config, passivePorts);
  const masquerade = opened.adopt(createMasquerade(options, metrics), (it) => it.close());
  const exempt = { contains: (address: string) => live.dataPeerNetworks.contains(address) };
  const bandwidth = new Bandwidth(clock);
  const logins = new Logins({ config, clock, log, stores, pool, bandwidth, exempt });
  bandwidth.change(config);
  const onRefused = () => metrics.sessionRefused('proxy_protocol');
  const proxyDoor = openProxyDoor(options, 'control', onRefused);
  const certificates = opened.adopt(openCertificates(options, metrics), (it) => it?.close());
  const dataReading = await readingOf(options);
  tellFastPaths(metrics, { config, pool, dataReading });
  metrics.watch({
    passivePorts: () => passivePorts.counts,
    partMemory: () => pool,
    multipartUploadsOpen: () => transferObserver.multipartUploadsOpen,
    ...(options.lostLogLines && { lostLogLines: options.lostLogLines }),
  });
  const ofTransfers = { transferObserver, pool, marks, stores, bandwidth, dataReading };
  const ofSessions = { passivePorts, masquerade, logins, certificates, proxyDoor };
  return { live, metrics, ...ofTransfers, ...ofSessions };
}

/** What sessions get; words that change while running are asked for each time. */
export function servicesOf(options: GatewayOptions, parts: GatewayParts): FtpServices {
  const { clock, log } = options;
  const { live, logins, masquerade, proxyDoor } = parts;
  return {
    clock,
    log,
    pool: parts.pool,
    passivePorts: parts.passivePorts,
    get timeouts() {
      return { ...timeoutsOf(live.config), ...options.timeouts };
    },
    limits: new SessionLimits(() => limitsOf(live)),
    bandwidth: parts.bandwidth.gateway,
    ...(proxyDoor && { proxyDoor }),
    dataReading: parts.dataReading,
    tls: parts.certificates,
    observer: parts.metrics,
    transferObserver: parts.transferObserver,
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
  };
}

async function readingOf({
  config,
  clock,
  log,
  dataReading,
}: GatewayOptions): Promise<DataReading> {
  if (config.fast_paths === 'off') return 'copied';
  return dataReading ?? (await chooseDataReading(clock, log));
}

interface FastPathFacts {
  readonly config: GatewayConfig;
  readonly pool: PartPool;
  readonly dataReading: DataReading;
}

function tellFastPaths(metrics: Metrics, { config, pool, dataReading }: FastPathFacts): void {
  metrics.fastPath('data_reads', dataReading === 'direct' ? 'used' : 'off');
  metrics.fastPath('store_bodies', config.fast_paths === 'off' ? 'off' : 'used');
  metrics.fastPath('checksums', pool.crc.means === 'folding' ? 'used' : 'off');
}

function createStores(options: GatewayOptions, marks: UploadMarks, metrics: Metrics): Stores {
  return new Stores({
    ...options,
    marks,
    bodies: options.config.fast_paths === 'off' ? 'sdk' : 'direct',
    onRequest: (sample) => metrics.cosRequest(sample),
    onRepeat: (repeat) => metrics.cosRepeat(repeat),
  });
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
  const isOff = config.fast_paths === 'off';
  const pool = new PartPool({ memoryBytes, clock, checksums: isOff ? 'tables' : 'auto' });
  if (pool.crc.means === 'tables' && !isOff)
    log.warn({}, 'no simd here, checksums take four times the cpu');
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
