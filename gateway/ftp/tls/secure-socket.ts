/**
 * The server's side of a TLS connection over a connection that exists already (RFC 4217 section 4). Made of
 * Node's TLSSocket, which outside a tls.Server keeps its errors to itself; here every one of them destroys
 * the socket, as on TCP.
 */
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { Ciphertext } from './ciphertext.ts';

export class SecureSocket extends TLSSocket {
  /** What its handshake was made with. Connections that shall resume its session need the same. */
  readonly context: SecureContext;
  readonly #below: Socket | Ciphertext;
  #isSecure = false;
  #hasCloseNotify = false;

  constructor(below: Socket | Ciphertext, context: SecureContext) {
    super(below, { isServer: true, secureContext: context });
    this.context = context;
    this.#below = below;
    this.once('secure', () => {
      this.#isSecure = true;
    });
    // No FTP client asks for one, and each would cost as much as a handshake.
    this.disableRenegotiation();
    // lib/internal/tls/wrap.js of Node 24: errors come here alone until a tls.Server releases them.
    this.on('_tlsError', (error: Error) => this.destroy(error));
  }

  /** Whether the peer said close_notify. Known for a socket over a Ciphertext only. */
  get hasCloseNotify(): boolean {
    return this.#hasCloseNotify;
  }

  /** What Node hands decrypted bytes to; `null` is the end, by close_notify or by the connection's. */
  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    if (chunk === null) this.#onEnd();
    return super.push(chunk, encoding);
  }

  #onEnd(): void {
    // Nobody reads before the handshake is done, so nobody would see this end.
    if (!this.#isSecure) this.destroy();
    if (!(this.#below instanceof Ciphertext) || this.#below.readableEnded) return;
    this.#hasCloseNotify = true;
    this.#below.finish();
  }
}
