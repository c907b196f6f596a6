/**
 * A data connection inside TLS (RFC 4217 section 10). The server stays the server of the handshake whoever
 * opened the connection, and shakes hands only after its 150: most clients begin theirs then, and what the
 * others sent earlier waits in the kernel.
 */
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { resetSocket } from '#gateway/kit/reset-socket.ts';
import type { CloseNotify, DataConnection, DataReading } from '../data-connection.ts';
import { FtpError } from '../errors.ts';
import { Ciphertext } from './ciphertext.ts';
import { completeHandshake, type HandshakeOptions } from './handshake.ts';
import { SecureSocket } from './secure-socket.ts';

export interface SecureDataOptions extends HandshakeOptions {
  /** Of the control connection, whose TLS session the client then may resume. */
  readonly context: SecureContext;
  /** `required`: a client that shakes hands anew is refused. */
  readonly sessionReuse: 'optional' | 'required';
  /** Uploads are read so that their close_notify is seen; sending takes the short way. */
  readonly direction: 'receive' | 'send';
  readonly reading: DataReading;
}

/**
 * @param accepted paused. It is closed when this rejects.
 * @throws FtpError `tls-failed`, `tls-timeout`, `tls-not-resumed`; or the signal's reason.
 */
export async function openSecureData(
  accepted: Socket,
  options: SecureDataOptions,
): Promise<DataConnection> {
  if (accepted.destroyed) throw new FtpError('tls-timeout', 'TLS handshake: the client left');
  const connection =
    options.direction === 'receive'
      ? receivingConnection(accepted, options)
      : sendingConnection(accepted, options);
  await completeHandshake(connection.socket, options);
  if (options.sessionReuse === 'required' && !connection.socket.isSessionReused()) {
    connection.socket.destroy();
    throw new FtpError('tls-not-resumed', 'the data connection began a TLS session of its own', {
      hint: 'tls.session_reuse: optional takes clients that cannot resume sessions by ticket',
    });
  }
  return connection;
}

function receivingConnection(accepted: Socket, { reading, context, clock }: SecureDataOptions) {
  const below = new Ciphertext(accepted, { reading, clock });
  const socket = new SecureSocket(below, context);
  return new SecureDataConnection(socket, {
    reset: () => below.reset(),
    answerEnd: async () => {
      if (!socket.hasCloseNotify) return;
      socket.end();
      await below.peerClosed(closeWaitMs);
    },
  });
}

/**
 * RFC 5246 section 7.2.1: a close_notify is answered at once. Some clients close neither data nor control
 * before that, so whether they are still there can be seen only afterwards.
 */
const closeWaitMs = 250;

function sendingConnection(accepted: Socket, { context }: SecureDataOptions) {
  const socket = new SecureSocket(accepted, context);
  return new SecureDataConnection(socket, {
    reset: () => {
      // Of the TLS socket's end the connection below knows nothing; see resetSocket.
      if (!socket.writableEnded) resetSocket(accepted);
      socket.destroy();
    },
    answerEnd: async () => undefined,
  });
}

class SecureDataConnection implements DataConnection {
  readonly socket: SecureSocket;
  readonly reset: () => void;
  readonly answerEnd: () => Promise<void>;
  isDrainable: () => boolean = () => true;

  constructor(socket: SecureSocket, acts: Pick<DataConnection, 'reset' | 'answerEnd'>) {
    this.socket = socket;
    this.reset = acts.reset;
    this.answerEnd = acts.answerEnd;
    socket.on('error', () => undefined); // who uses the socket listens for itself
  }

  get closeNotify(): CloseNotify {
    return this.socket.hasCloseNotify ? 'received' : 'missing';
  }

  /** Bytes have to be decrypted first. */
  readDirectly(): boolean {
    return false;
  }
}
