/** Hands a new configuration to the parts of a running gateway that can take it over. */
import { type ConfigDiff, compareConfigs } from '#gateway/config/diff.ts';
import type { GatewayConfig, LogLevel } from '#gateway/config/model.ts';
import type { FtpGatewayServer } from '#gateway/ftp-srv/server.ts';
import type { Bandwidth } from './bandwidth.ts';
import type { LiveConfig } from './live-config.ts';
import type { Logins } from './logins.ts';
import type { Masquerade } from './masquerade.ts';
import type { Stores } from './stores.ts';

export interface LiveParts {
  readonly live: LiveConfig;
  readonly logins: Logins;
  readonly bandwidth: Bandwidth;
  readonly masquerade: Masquerade;
  readonly server: FtpGatewayServer;
  readonly stores: Stores;
  readonly setLogLevel?: ((level: LogLevel) => void) | undefined;
}

/**
 * What can fail comes first: when it does, the gateway goes on as it was.
 * @throws StoreError `rejected` for an account whose bucket, region and endpoint make no host.
 */
export function applyConfig(next: GatewayConfig, parts: LiveParts): ConfigDiff {
  const { live, logins, bandwidth, masquerade, server, stores, setLogLevel } = parts;
  const diff = compareConfigs(live.config, next);
  const { config } = diff;
  try {
    logins.change(config);
  } finally {
    stores.closeUnused({ configured: () => logins.stores, held: () => server.storesInUse });
  }
  live.replace(config);
  bandwidth.change(config);
  setLogLevel?.(config.log.level);
  masquerade.change({ address: config.masquerade_address, networks: config.masquerade_networks });
  server.renewAccounts();
  return diff;
}
