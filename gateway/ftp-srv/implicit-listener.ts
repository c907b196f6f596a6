/**
 * The port of implicit FTPS: TLS comes before the greeting, and nothing is ever in clear. A connection is
 * a session only once its handshake is done, so what waits here is bounded by itself.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { SecureSocket } from '#gateway/ftp/tls/secure-socket.ts';
import { listenPlace } from '#gateway/kit/listen-place.ts';
import type { Log } from '#gateway/kit/log.ts';
import { resetSocket } from '#gateway/kit/reset-socket.ts';
import { shakeHands } from './security.ts';
import type { FtpServices, TlsService } from './services.ts';

export interface ImplicitListenerOptions {
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  readonly services: FtpServices;
  readonly tls: TlsService;
  /** A client connected; its socket is paused. Hand it to `secure` when it is the turn of TLS. */
  readonly onConnection: (socket: Socket) => void;
}

/** Handshakes under way at once; further clients are closed. */
const handshakesMax = 1024;

export class ImplicitListener {
  readonly #options: ImplicitListenerOptions;
  readonly #server: Server;
  readonly #shaking = new Set<SecureSocket>();

  constructor(options: ImplicitListenerOptions) {
    this.#options = options;
    this.#server = createServer({ pauseOnConnect: true }, (socket) => {
      // Stays: a reset can come at any moment and must not end the process.
      socket.on('error', () => undefined);
      options.onConnection(socket);
    });
  }

  /** @returns the port bound. @throws when the address cannot be bound. */
  async listen(): Promise<number> {
    const { address: host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(listenPlace(host, port), () => {
        this.#server.off('error', reject);
        this.#server.on('error', (error) =>
          this.#options.services.log.error({ err: error }, 'implicit ftps listener failed'),
        );
        resolve();
      });
    });
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  get isListening(): boolean {
    return this.#server.listening;
  }

  /** @returns the socket to serve, paused; undefined when it was closed instead. Never rejects. */
  async secure(socket: Socket, log: Log): Promise<SecureSocket | undefined> {
    const { services, tls } = this.#options;
    if (socket.destroyed) return undefined;
    if (this.#shaking.size >= handshakesMax) {
      resetSocket(socket);
      services.observer.sessionRefused('tls_handshakes');
      return undefined;
    }
    const secured = new SecureSocket(socket, tls.contextForSession());
    this.#shaking.add(secured);
    const isDone = await shakeHands(services, log, 'control', secured);
    this.#shaking.delete(secured);
    return isDone ? secured.pause() : undefined;
  }

  /** Stops listening and ends the handshakes under way; sessions live on. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#shaking) socket.destroy();
    await closed;
  }
}
