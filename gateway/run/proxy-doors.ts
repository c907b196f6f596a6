/** The PROXY protocol before both kinds of connections, as the configuration has it. */
import type { GatewayConfig } from '#gateway/config/model.ts';
import { ProxyDoor, type ProxyRefusal } from '#gateway/ftp/proxy-door.ts';
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import { NetworkSet } from '#gateway/kit/networks.ts';

export interface ProxyDoorContext {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  readonly log: Log;
}

/** Balancers try whether a port answers and leave: that is no news. */
const quiet: ReadonlySet<ProxyRefusal> = new Set(['left']);

/** @param channel for the log. @param onRefused a connection was closed that meant something. */
export function openProxyDoor(
  { config, clock, log }: ProxyDoorContext,
  channel: 'control' | 'data',
  onRefused: () => void,
): ProxyDoor | undefined {
  const { mode, trusted } = config.proxy_protocol;
  if (mode === 'disabled') return undefined;
  return new ProxyDoor({
    mode,
    trusted: new NetworkSet(trusted),
    clock,
    onRefused: (refusal, peer, detail) => {
      const fields = { peer, channel, reason: refusal, ...(detail !== undefined && { detail }) };
      if (quiet.has(refusal)) return log.debug(fields, 'connection left before its proxy header');
      onRefused();
      log.warn(fields, 'connection refused by proxy_protocol');
    },
  });
}
