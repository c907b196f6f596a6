/**
 * Bounded, reusable connections. Newest idle one first; who finds none waits in line until one is free
 * or gone.
 */

export interface PooledConnection {
  /** Alive and without an exchange. */
  readonly isUsable: boolean;
  destroy(): void;
}

export class ConnectionPool<Connection extends PooledConnection> {
  readonly #connect: (onGone: () => void) => Connection;
  readonly #connectionsMax: number;
  readonly #open = new Set<Connection>();
  readonly #idle: Connection[] = [];
  readonly #waiting: (() => void)[] = [];
  #isClosed = false;

  constructor(connect: (onGone: () => void) => Connection, connectionsMax: number) {
    this.#connect = connect;
    this.#connectionsMax = connectionsMax;
  }

  /**
   * Runs `work` with a connection nobody else uses. Afterwards it is kept if it is still usable.
   * @throws the signal's reason when it aborts while waiting in line; what `work` throws.
   */
  async use<T>(
    signal: AbortSignal,
    work: (connection: Connection, isReused: boolean) => Promise<T>,
  ): Promise<T> {
    const { connection, isReused } = await this.#take(signal);
    try {
      return await work(connection, isReused);
    } finally {
      this.#giveBack(connection);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const connection of this.#open) connection.destroy();
  }

  async #take(signal: AbortSignal): Promise<{ connection: Connection; isReused: boolean }> {
    for (;;) {
      if (signal.aborted || this.#isClosed) {
        this.#waiting.shift()?.(); // a turn that came too late is the next one's
        throw signal.aborted ? signal.reason : new Error('connections closed');
      }
      const idle = this.#idle.pop();
      if (idle?.isUsable) return { connection: idle, isReused: true };
      if (!idle && this.#open.size < this.#connectionsMax) {
        return { connection: this.#connectNew(), isReused: false };
      }
      if (!idle) await this.#turn(signal);
    }
  }

  #connectNew(): Connection {
    const connection = this.#connect(() => {
      this.#open.delete(connection);
      this.#waiting.shift()?.();
    });
    this.#open.add(connection);
    return connection;
  }

  #giveBack(connection: Connection): void {
    if (!connection.isUsable) {
      connection.destroy();
      return;
    }
    this.#idle.push(connection);
    this.#waiting.shift()?.();
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(wake), 1);
        reject(signal.reason);
      };
      const wake = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(wake);
    });
  }
}
