/** From the configuration's words about sessions to what the server asks for, in its units. Pure. */
import type { GatewayConfig } from '#gateway/config/model.ts';
import type { SessionTimeouts } from '#gateway/ftp-srv/services.ts';
import type { SessionLimitValues } from '#gateway/ftp-srv/session-limits.ts';
import { NetworkSet } from '#gateway/kit/networks.ts';
import type { LiveConfig } from './live-config.ts';

export function timeoutsOf(config: GatewayConfig): SessionTimeouts {
  return {
    loginMs: config.login_seconds * 1000,
    idleMs: config.idle_seconds * 1000,
    stallMs: config.stall_seconds * 1000,
    dataConnectMs: config.data_connect_seconds * 1000,
    tlsHandshakeMs: 20_000,
  };
}

/** A tunnel or proxy on this machine stands for many clients, as balancers of private networks do. */
const ownMachine = new NetworkSet(['127.0.0.0/8', '::1']);

export function limitsOf({ config, dataPeerNetworks }: LiveConfig): SessionLimitValues {
  return {
    sessionsMax: config.max_sessions,
    sessionsPerAddressMax: config.max_sessions_per_address,
    exempt: {
      contains: (address) => ownMachine.contains(address) || dataPeerNetworks.contains(address),
    },
  };
}
