/**
 * The admin port of one gateway: which of its facts make it ready, and what `/statusz` shows. It must
 * never keep FTP from being served: a default port that is taken moves.
 */
import type { GatewayConfig } from '#gateway/config/model.ts';
import type { PassivePorts } from '#gateway/ftp/passive-ports.ts';
import type { FtpGatewayServer } from '#gateway/ftp-srv/server.ts';
import type { Log } from '#gateway/kit/log.ts';
import { type AdminServer, type ReadinessCheck, startAdmin } from '#gateway/observe/admin.ts';
import { ObserveError } from '#gateway/observe/errors.ts';
import type { Metrics } from '#gateway/observe/metrics.ts';
import type { Masquerade } from './masquerade.ts';
import type { Reloads } from './reload.ts';
import { version } from './version.ts';

/** What it tells about. */
export interface AdminPortParts {
  readonly config: GatewayConfig;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly server: FtpGatewayServer;
  readonly passivePorts: PassivePorts;
  readonly masquerade: Masquerade;
  readonly reloads: Reloads;
}

/**
 * What makes an instance unable to serve. Never the store (it may come back, and every instance would go
 * at once), never an unknown address (balancers give one only to ready instances), never draining (the
 * passive ports of running sessions would be lost).
 */
function readinessChecks({ server, passivePorts }: AdminPortParts): readonly ReadinessCheck[] {
  return [
    {
      name: 'listening',
      problem: () => (server.isListening ? undefined : 'an FTP port is closed'),
    },
    {
      name: 'passive ports',
      problem: () =>
        passivePorts.numbers.length > 0 ? undefined : 'no port of passive_port could be bound',
    },
  ];
}

/**
 * A default port that is taken moves to a free one and says so.
 * @throws ObserveError when one that somebody chose cannot be bound.
 */
export async function openAdminPort(parts: AdminPortParts): Promise<AdminServer> {
  const { config, log } = parts;
  try {
    return await startAt(config.admin_port, parts);
  } catch (error) {
    const mayMove = error instanceof ObserveError && error.kind === 'port-taken';
    if (!mayMove || config.admin_port_configured) throw error;
    const admin = await startAt(0, parts);
    log.warn(
      { taken: config.admin_port, admin_port: admin.port },
      'admin port taken, using another',
    );
    return admin;
  }
}

function startAt(port: number, parts: AdminPortParts): Promise<AdminServer> {
  const { config, log, metrics, server, passivePorts, masquerade, reloads } = parts;
  return startAdmin({
    host: config.admin_address,
    port,
    metrics,
    checks: readinessChecks(parts),
    status: () => ({
      version,
      draining: server.isDraining,
      sessions: server.sessionCount,
      config: reloads.status,
      masquerade: masquerade.status,
      passive_ports: passivePorts.counts,
      transfers: server.transfers.map(({ id, direction, bytes }) => ({ id, direction, bytes })),
    }),
    log,
  });
}
