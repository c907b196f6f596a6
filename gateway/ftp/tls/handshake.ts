/** Waiting for a TLS handshake, never without end. */
import { type Clock, type Timer } from '#gateway/kit/clock.ts';
import { describeError } from '#gateway/kit/errors.ts';
import { FtpError } from '../errors.ts';
import type { SecureSocket } from './secure-socket.ts';

export interface HandshakeOptions {
  readonly clock: Clock;
  /** For the whole handshake: a client that sends a byte now and then gets no more. */
  readonly timeoutMs: number;
  /** Ends the waiting; its reason is thrown. */
  readonly signal?: AbortSignal;
}

/**
 * Resolves when application data may flow. Whatever it rejects with, the socket is destroyed.
 * @throws FtpError `tls-failed` for a client that speaks no acceptable TLS, `tls-timeout` when it is late
 *   or leaves; or the signal's reason.
 */
export async function completeHandshake(
  socket: SecureSocket,
  { clock, timeoutMs, signal }: HandshakeOptions,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onError = (error: NodeJS.ErrnoException) => reject(handshakeError(error));
  const onClose = () => reject(leftError());
  const onAbort = () => reject(signal?.reason);
  const timer: Timer = clock.setTimer(timeoutMs, () => reject(lateError(timeoutMs)));
  socket.once('secure', resolve);
  socket.on('error', onError);
  socket.on('close', onClose);
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted) onAbort();
  if (socket.destroyed) onClose();
  try {
    await promise;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    timer.cancel();
    socket.off('secure', resolve);
    socket.off('error', onError);
    socket.off('close', onClose);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** OpenSSL's own refusals carry a code that begins with ERR_SSL; the rest is the connection. */
function handshakeError(error: NodeJS.ErrnoException): FtpError {
  const isRefusal = error.code?.startsWith('ERR_SSL') ?? false;
  const message = `TLS handshake: ${error.code ?? describeError(error)}`;
  return new FtpError(isRefusal ? 'tls-failed' : 'tls-timeout', message, { cause: error });
}

function leftError(): FtpError {
  return new FtpError('tls-timeout', 'TLS handshake: the client left');
}

function lateError(timeoutMs: number): FtpError {
  return new FtpError('tls-timeout', `TLS handshake: not done within ${timeoutMs} ms`);
}
