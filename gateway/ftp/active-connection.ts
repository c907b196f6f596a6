/**
 * A data connection that we open to the client (PORT, EPRT). Nothing is opened before a transfer asks; the
 * client, or its session, may be gone at any moment until it stands.
 *
 * It must never leave a socket behind that no transfer took.
 */

import { connect, type Socket } from 'node:net';
import type { Clock } from '#gateway/kit/clock.ts';
import { systemCode } from '#gateway/kit/errors.ts';
import { resetSocket } from '#gateway/kit/reset-socket.ts';
import { keepAliveDelayMs } from './control-socket.ts';
import type { AcceptOptions, DataSource } from './data-source.ts';
import { FtpError } from './errors.ts';

/** refused: nobody listens there · failed: any other failure of the network. */
export type ActiveOutcome = 'connected' | 'timeout' | 'refused' | 'failed';

export interface ActiveConnectionOptions {
  readonly host: string;
  readonly port: number;
  /** Of ours, the one the client knows: its firewall may let in no other. Absent: the system chooses. */
  readonly localAddress?: string;
  readonly clock: Clock;
  /** For metrics; `waitSeconds` from 150 to the connection. */
  readonly onOutcome?: (outcome: ActiveOutcome, waitSeconds?: number) => void;
}

export class ActiveConnection implements DataSource {
  readonly #options: ActiveConnectionOptions;
  readonly #given = new AbortController();

  constructor(options: ActiveConnectionOptions) {
    this.#options = options;
  }

  /** @throws FtpError `not-connected`, `no-data-connection` after `timeoutMs`; or the signal's reason. */
  async accept({ signal, timeoutMs }: AcceptOptions): Promise<Socket> {
    const { host, port, localAddress, clock, onOutcome } = this.#options;
    const stop = signal ? AbortSignal.any([signal, this.#given.signal]) : this.#given.signal;
    stop.throwIfAborted();
    const beganMs = clock.monotonicMs();
    const socket = connect({
      host,
      port,
      ...(localAddress !== undefined && { localAddress }),
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveDelayMs,
    });
    // Stays for the whole life of the socket. Paused now, it connects with nothing read.
    socket.on('error', () => undefined);
    socket.pause();
    try {
      await connected(socket, stop, clock, timeoutMs);
    } catch (error) {
      resetSocket(socket);
      const outcome = outcomeOf(error);
      if (outcome) onOutcome?.(outcome);
      throw error;
    }
    onOutcome?.('connected', (clock.monotonicMs() - beganMs) / 1000);
    return socket;
  }

  release(): void {
    this.#given.abort(new FtpError('reservation-gone', 'the data connection was given up'));
  }
}

async function connected(
  socket: Socket,
  stop: AbortSignal,
  clock: Clock,
  timeoutMs: number,
): Promise<void> {
  const standing = Promise.withResolvers<void>();
  const onStop = () => standing.reject(stop.reason);
  const timer = clock.setTimer(timeoutMs, () => standing.reject(lateError()));
  const onError = (cause: unknown) =>
    standing.reject(new FtpError('not-connected', 'no connection to the client', { cause }));
  stop.addEventListener('abort', onStop);
  socket.once('connect', standing.resolve).once('error', onError);
  try {
    await standing.promise;
  } finally {
    timer.cancel();
    stop.removeEventListener('abort', onStop);
    socket.off('connect', standing.resolve).off('error', onError);
  }
}

function lateError(): FtpError {
  return new FtpError('no-data-connection', 'the client took no data connection in time');
}

/** Undefined when nobody wanted the connection any more. */
function outcomeOf(error: unknown): ActiveOutcome | undefined {
  if (!(error instanceof FtpError)) return undefined;
  if (error.kind === 'no-data-connection') return 'timeout';
  if (error.kind !== 'not-connected') return undefined;
  return systemCode(error.cause) === 'ECONNREFUSED' ? 'refused' : 'failed';
}
