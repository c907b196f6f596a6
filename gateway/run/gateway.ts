/**
 * One gateway from one configuration: builds every room, gives each what it needs of the others, and
 * takes them down in the opposite order. The only place that knows all of them.
 */
import type { GatewayConfig } from '#gateway/config/model.ts';
import { type DrainOptions, FtpGatewayServer } from '#gateway/ftp-srv/server.ts';
import type { TransferDirection } from '#gateway/ftp-srv/services.ts';
import type { AdminServer } from '#gateway/observe/admin.ts';
import { openAdminPort } from './admin-port.ts';
import { applyConfig } from './apply-config.ts';
import { openFtpPort, openImplicitPort } from './ftp-ports.ts';
import { type GatewayOptions, type GatewayParts, openParts, servicesOf } from './gateway-parts.ts';
import { type ReloadCause, Reloads } from './reload.ts';

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
  await using opened = new AsyncDisposableStack();
  const parts = await openParts(options, opened);
  const { metrics, masquerade, passivePorts, stores } = parts;
  const server = new FtpGatewayServer({
    address: config.listen_address,
    port: config.listen_port,
    implicitPort: config.tls?.implicit_port,
    services: servicesOf(options, parts),
  });
  await masquerade.start();
  await parts.certificates?.start();
  const ftpPort = await openFtpPort(config, () => server.listen());
  opened.defer(() => server.close());
  const ftpsPort = await openImplicitPort(config, () => server.listenImplicitly());
  const { setLogLevel } = options;
  const apply = (next: GatewayConfig) => applyConfig(next, { ...parts, server, setLogLevel });
  const reloads = new Reloads({ apply, clock, log, observer: metrics });
  const admin = opened.adopt(
    await openAdminPort({ config, log, metrics, server, passivePorts, masquerade, reloads }),
    (it) => it.close(),
  );
  if (options.janitor !== 'off') parts.marks.start(() => stores.jails);
  metrics.draining('no');
  metrics.configLoaded(clock.now() / 1000);
  return running({ ftpPort, ftpsPort, admin, server, parts, reloads, opened: opened.move() });
}

interface Started {
  readonly ftpPort: number;
  readonly ftpsPort: number | undefined;
  readonly admin: AdminServer;
  readonly server: FtpGatewayServer;
  readonly parts: GatewayParts;
  readonly reloads: Reloads;
  /** All of it. */
  readonly opened: AsyncDisposableStack;
}

function running({ ftpPort, ftpsPort, admin, ...started }: Started): RunningGateway {
  const { server, parts, reloads, opened } = started;
  let closed: Promise<void> | undefined;
  const closeOnce = () => (closed ??= opened.disposeAsync());
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
      return parts.live.config;
    },
    reload: (load, cause) => reloads.reload(load, cause),
    drain: (drainOptions) => {
      parts.metrics.draining('yes');
      return server.drain(drainOptions);
    },
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  };
}
