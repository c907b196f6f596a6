/**
 * The socket of a control connection and its successor inside TLS: what arrives, and how it ends. It must
 * never leave a socket without a listener for errors: one of them would end the process.
 */
import type { Socket } from 'node:net';
import type { Clock, Timer } from '#gateway/kit/clock.ts';

export interface ControlSocketEvents {
  readonly onData: (chunk: Buffer) => void;
  /** The client closed its side in order. */
  readonly onFin: () => void;
  /** The client's side broke, or any other socket or TLS error. */
  readonly onBroken: (how: 'reset' | 'error') => void;
  /** For good; once. */
  readonly onClose: () => void;
}

/** Balancers and NAT forget idle connections; this keeps them known. */
export const keepAliveDelayMs = 60_000;

export class ControlSocket {
  readonly #events: ControlSocketEvents;
  #socket: Socket;
  #hasFin = false;
  #lingerTimer: Timer | undefined;

  /** @param socket paused, with nobody else reading from it. Reading begins with `flow`. */
  constructor(socket: Socket, events: ControlSocketEvents) {
    this.#events = events;
    this.#socket = socket;
    this.#attach(socket);
  }

  get current(): Socket {
    return this.#socket;
  }

  get hasFin(): boolean {
    return this.#hasFin;
  }

  /** No FIN and no error was seen, and one would be: nothing is seen while reading rests. */
  get isOpen(): boolean {
    return !this.#hasFin && !this.#socket.destroyed && !this.#socket.isPaused();
  }

  flow(): void {
    this.#socket.resume();
  }

  rest(): void {
    this.#socket.pause();
  }

  /** From here on it is what `wrap` makes of it. Reading rests. */
  replace(wrap: (socket: Socket) => Socket): void {
    const plain = this.#socket;
    plain.off('data', this.#events.onData);
    plain.off('end', this.#onFin);
    plain.off('close', this.#onClose);
    // The error listener stays: a wrapped socket can still fail.
    this.#socket = wrap(plain);
    this.#attach(this.#socket);
  }

  /**
   * Our FIN behind what was written. What the client still sends is dropped unread, because closing with
   * unread bytes would be a reset that can destroy the last reply.
   */
  end(clock: Clock, lingerTimeoutMs: number): void {
    this.#lingerTimer = clock.setTimer(lingerTimeoutMs, () => this.#socket.destroy());
    this.#socket.end();
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #attach(socket: Socket): void {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveDelayMs);
    // Commands that came before the client's FIN are still answered.
    socket.allowHalfOpen = true;
    socket.on('data', this.#events.onData);
    socket.on('end', this.#onFin);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  readonly #onFin = (): void => {
    this.#hasFin = true;
    this.#events.onFin();
  };

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    this.#events.onBroken(brokenCodes.has(error.code ?? '') ? 'reset' : 'error');
  };

  readonly #onClose = (): void => {
    this.#lingerTimer?.cancel();
    this.#events.onClose();
  };
}

const brokenCodes: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT']);
