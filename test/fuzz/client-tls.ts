/**
 * The client's side of TLS, on control and data connections. Nothing is verified: what counts here is that
 * the gateway stays alive and in order, not whom it claims to be.
 */
import type { Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';

/** Begins the handshake on a socket that stands. @param session of the control connection, to resume it. */
export function wrapInTls(socket: Socket, session?: Buffer): TLSSocket {
  const secured = connect({ socket, rejectUnauthorized: false, ...(session && { session }) });
  secured.on('error', () => undefined);
  return secured;
}
