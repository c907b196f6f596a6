/** The gateway, and the servers it is compared with. */
import { startGatewayServer } from './servers/gateway.ts';
import type { StartServer } from './servers/server.ts';

export const servers: ReadonlyMap<string, StartServer> = new Map([['gateway', startGatewayServer]]);
