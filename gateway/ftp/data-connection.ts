/**
 * A session's data connection, from its acceptance to its end. The socket behind it can be exchanged for
 * one that reads differently; whoever closes the connection closes the one that is there then.
 */
import type { Socket } from 'node:net';

/** How uploads are read: straight into part memory, or by 'data' events and a copy. */
export type DataReading = 'direct' | 'copied';

export class DataConnection {
  #socket: Socket;
  /** Whether what still arrives may be read and dropped: not while a read could land in given-up memory. */
  isDrainable: () => boolean = () => true;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', ignore);
  }

  get socket(): Socket {
    return this.#socket;
  }

  replaceSocket(socket: Socket): void {
    socket.on('error', ignore);
    this.#socket = socket;
  }
}

/** Who uses the socket listens for itself; without any listener an error would end the process. */
function ignore(): void {}
