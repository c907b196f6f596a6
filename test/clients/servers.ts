/** The gateway, and the servers it is compared with. */
import { gateway } from './servers/gateway.ts';
import { proftpd } from './servers/proftpd.ts';
import type { ServerKind } from './servers/server.ts';
import { vsftpd } from './servers/vsftpd.ts';

export const servers: ReadonlyMap<string, ServerKind> = new Map([
  ['gateway', gateway],
  ['vsftpd', vsftpd],
  ['proftpd', proftpd],
]);
