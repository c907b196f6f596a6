/**
 * TLS of one session: the control connection's, and what follows from it for data connections
 * (RFC 4217). It must never let a command that came in clear act inside TLS, nor a login made in clear.
 */
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { type DataConnection, PlainDataConnection } from '#gateway/ftp/data-connection.ts';
import { FtpError } from '#gateway/ftp/errors.ts';
import { formatReply } from '#gateway/ftp/replies.ts';
import { completeHandshake } from '#gateway/ftp/tls/handshake.ts';
import { openSecureData } from '#gateway/ftp/tls/secure-data.ts';
import { SecureSocket } from '#gateway/ftp/tls/secure-socket.ts';
import { describeError } from '#gateway/kit/errors.ts';
import type { FtpServices, HandshakeResult, TlsChannel, TransferDirection } from './services.ts';
import type { Session } from './session.ts';
import { logOut } from './shell-login.ts';

/** How a control connection is protected. */
export interface ControlSecurity {
  readonly mode: 'explicit' | 'implicit';
  readonly context: SecureContext;
}

/**
 * AUTH: from here on the control connection is TLS, whoever was logged in is logged out, and what was
 * sent behind AUTH in clear is gone. Resolves before the handshake is done.
 */
export async function secureControl(session: Session, context: SecureContext): Promise<void> {
  logOut(session);
  let secured: SecureSocket | undefined;
  const reply = formatReply(234, ['Begin the TLS handshake']);
  const droppedLines = await session.control.swapSocket(reply, (plain) => {
    secured = new SecureSocket(plain, context);
    return secured;
  });
  if (droppedLines > 0) {
    session.log.warn({ lines: droppedLines }, 'commands sent in clear behind AUTH were dropped');
  }
  if (!secured) return;
  session.secure({ mode: 'explicit', context });
  void shakeHands(session.services, session.log, 'control', secured);
}

/** The handshake of a control connection; whatever becomes of it, it is counted. @returns success. */
export async function shakeHands(
  { clock, timeouts, observer }: FtpServices,
  log: Session['log'],
  channel: TlsChannel,
  socket: SecureSocket,
): Promise<boolean> {
  try {
    await completeHandshake(socket, { clock, timeoutMs: timeouts.tlsHandshakeMs });
    observer.tlsHandshake(channel, 'success');
    const { version, name } = socket.getCipher();
    log.debug({ channel, version, cipher: name }, 'tls established');
    return true;
  } catch (error) {
    observer.tlsHandshake(channel, handshakeResult(error));
    log.debug({ channel, reason: describeError(error) }, 'tls handshake failed');
    return false;
  }
}

/**
 * The data connection as the session's PROT level wants it.
 * @param accepted closed when this rejects.
 * @throws FtpError of `openSecureData`, or the signal's reason.
 */
export async function protectData(
  session: Session,
  accepted: Socket,
  transfer: { readonly direction: TransferDirection; readonly cut: AbortSignal },
): Promise<DataConnection> {
  const { security, dataProtection, services } = session;
  if (dataProtection === 'clear' || !security) return new PlainDataConnection(accepted);
  const { clock, timeouts, observer, dataReading: reading, tls } = services;
  try {
    const connection = await openSecureData(accepted, {
      context: security.context,
      sessionReuse: tls?.sessionReuse ?? 'optional',
      direction: transfer.direction === 'upload' ? 'receive' : 'send',
      reading,
      clock,
      timeoutMs: timeouts.tlsHandshakeMs,
      signal: transfer.cut,
    });
    observer.tlsHandshake('data', 'success');
    return connection;
  } catch (error) {
    observer.tlsHandshake('data', handshakeResult(error));
    throw error;
  }
}

function handshakeResult(error: unknown): HandshakeResult {
  const kind = error instanceof FtpError ? error.kind : undefined;
  switch (kind) {
    case 'tls-failed':
      return 'failed';
    case 'tls-not-resumed':
      return 'not_resumed';
    default:
      return 'timeout';
  }
}
