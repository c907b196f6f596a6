/**
 * A session's data connection, from its acceptance to its end, in clear or inside TLS. The socket behind it
 * can be exchanged for one that reads differently; whoever closes the connection closes the one that is
 * there then.
 */
import type { Socket } from 'node:net';
import { resetSocket } from '#gateway/kit/reset-socket.ts';
import { type DirectReader, takeOver } from './direct-read.ts';

/** How uploads are read: straight into part memory, or by 'data' events and a copy. */
export type DataReading = 'direct' | 'copied';

/**
 * Whether the peer ended its data by TLS close_notify (RFC 8446 section 6.1), which nobody on the way can
 * forge. `not-used`: plain TCP, whose FIN is all there is.
 */
export type CloseNotify = 'not-used' | 'missing' | 'received';

export interface DataConnection {
  /** What is read from and written to now. */
  readonly socket: Socket;
  readonly closeNotify: CloseNotify;
  /** Whether what still arrives may be read and dropped: not while a read could land in given-up memory. */
  isDrainable: () => boolean;
  /** From now on bytes go to `reader` instead of 'data' events. False when they cannot: read as ever. */
  readDirectly(reader: DirectReader): boolean;
  /**
   * Answers the peer's end of data where its protocol wants an answer, and waits a moment for the peer to
   * close. Never rejects.
   */
  answerEnd(): Promise<void>;
  /** Ends it so that the peer does not take what it has for everything. */
  reset(): void;
}

export class PlainDataConnection implements DataConnection {
  #socket: Socket;
  readonly closeNotify = 'not-used';
  isDrainable: () => boolean = () => true;

  /** @param socket paused, with nothing read from it. */
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', ignore);
  }

  get socket(): Socket {
    return this.#socket;
  }

  readDirectly(reader: DirectReader): boolean {
    const socket = takeOver(this.#socket, reader);
    if (!socket) return false;
    socket.on('error', ignore);
    this.#socket = socket;
    return true;
  }

  async answerEnd(): Promise<void> {}

  reset(): void {
    resetSocket(this.#socket);
  }
}

/** Who uses the socket listens for itself; without any listener an error would end the process. */
function ignore(): void {}
