/**
 * Where a session's next data connection comes from: a passive port its client connects to, or an address
 * of the client that we connect to. A transfer sees no difference; it waits for the connection only after
 * its 150.
 */
import type { Socket } from 'node:net';

export interface AcceptOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs: number;
}

export interface DataSource {
  /**
   * The data connection: paused, half-open allowed, with an error listener that ignores errors
   * (`socket.errored` tells one that came before). Uses the source up.
   * @throws FtpError `no-data-connection` after `timeoutMs`, or why there can be none any more; or the
   * signal's reason. All of them end the source.
   */
  accept(options: AcceptOptions): Promise<Socket>;
  /** Gives back what is held and closes a connection nobody took. Idempotent; harmless after `accept`. */
  release(): void;
}
