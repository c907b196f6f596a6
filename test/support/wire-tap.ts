/** What stands on the wire below a client's TLS: the records the server sent, by content type. */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** Content types (RFC 5246 section 6.2.1). With TLS 1.3 everything after the hello looks like data. */
export const recordTypes = { alert: 21, handshake: 22, data: 23 } as const;

/** Hand it to `tls.connect` as the socket. */
export class WireTap extends Duplex {
  readonly #socket: Socket;
  readonly #received: Buffer[] = [];
  /** Whether the server's FIN came. */
  hasFin = false;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received.push(chunk);
      this.push(chunk);
    });
    socket.on('end', () => {
      this.hasFin = true;
      this.push(null);
    });
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  /** Content types of the whole records received, in order. */
  get records(): number[] {
    const bytes = Buffer.concat(this.#received);
    const types: number[] = [];
    for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) {
      types.push(bytes.readUInt8(at));
    }
    return types;
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
