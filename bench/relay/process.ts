/**
 * relay-node: the yardstick. A bare relay from a data socket to HTTP parts, with `net` and `http` in their
 * ordinary use: no FTP beyond the few fixed answers a client needs, no SDK, no signature, no checksum, no
 * log, no limits. Never to be tuned: its ratio to the gateway is what the benchmark tells.
 *
 *     node relay/process.ts PORT [PEM]      PORT: of the store on 127.0.0.1. PEM: certificate and key for TLS
 */
import { type AddressInfo, createServer } from 'node:net';
import { createSecureContext } from 'node:tls';
import { RelaySession } from './session.ts';
import { StoreClient } from './store-client.ts';

const store = new StoreClient(Number(process.argv[2]));
const pem = process.argv[3];
const secureContext = pem && createSecureContext({ cert: pem, key: pem, maxVersion: 'TLSv1.2' });
const server = createServer(
  { noDelay: true },
  (socket) => new RelaySession(socket, store, secureContext || undefined),
);
server.listen(0, '127.0.0.1', () => {
  process.send?.({ ftpPort: (server.address() as AddressInfo).port });
});
for (const end of ['disconnect', 'SIGINT'] as const) process.once(end, () => process.exit());
