/**
 * The benchmark's FTP client: one session, at the least CPU Node can do it for, because client, store and
 * contender share the machine. It checks that what comes down is the pattern, at the edges of each chunk.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { KiB } from '#gateway/kit/bytes.ts';
import { isPattern, patternSlice, periodBytes } from './pattern.ts';

/** `tls`: explicit FTPS (RFC 4217), control and data, TLS 1.2 as the gateway has it. */
export type Protection = 'clear' | 'tls';

/** Where a session leads, and how. */
export interface Door {
  readonly ftpPort: number;
  readonly protection: Protection;
}

const replyMsMax = 120_000;
const edgeBytes = 64;
const anyCertificate = { rejectUnauthorized: false, maxVersion: 'TLSv1.2' } as const;

/** Shared by all downloads: looked at in the callback, never kept. */
const readBuffer = Buffer.allocUnsafeSlow(512 * KiB);

export class FtpSession {
  #socket: Socket;
  /** With TLS: the control connection, whose session the data connections resume. */
  #secured: TLSSocket | undefined;
  #text = '';
  readonly #replies: string[] = [];
  #wake: (() => void) | undefined;

  static async logIn({ ftpPort, protection }: Door): Promise<FtpSession> {
    const socket = connect({ port: ftpPort, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    const session = new FtpSession(socket);
    await session.#expect('220');
    if (protection === 'tls') await session.#secure();
    await session.command('USER bench', '331');
    await session.command('PASS bench', '230');
    return session;
  }

  private constructor(socket: Socket) {
    this.#socket = this.#listenTo(socket);
  }

  #listenTo(socket: Socket): Socket {
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#take(text));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#take('999 closed\r\n'));
    return socket;
  }

  async #secure(): Promise<void> {
    await this.command('AUTH TLS', '234');
    const socket = this.#socket;
    socket.removeAllListeners('data');
    const secured = connectTls({ socket, ...anyCertificate });
    await once(secured, 'secureConnect');
    this.#secured = secured;
    this.#socket = this.#listenTo(secured);
    await this.command('PBSZ 0', '200');
    await this.command('PROT P', '200');
  }

  /** @throws unless the reply has that code. */
  async command(line: string, code: string): Promise<string> {
    this.#socket.write(`${line}\r\n`);
    return this.#expect(code);
  }

  /** Resolves with 226. */
  async store(path: string, bytes: number): Promise<void> {
    const data = await this.#openData();
    data.on('error', () => undefined);
    await this.command(`STOR ${path}`, '150');
    for (let at = 0; at < bytes; at += periodBytes) {
      const piece = patternSlice(at, bytes - at);
      if (!data.write(piece) && at + periodBytes < bytes) await once(data, 'drain');
    }
    data.end();
    await this.#expect('226');
    data.destroy();
  }

  /** Resolves with 226 and the data connection's end. @throws when another number of bytes came. */
  async retrieve(path: string, bytes: number): Promise<void> {
    let received = 0;
    const data = await this.#openData((chunk) => {
      const { length } = chunk;
      checkEdge(chunk.subarray(0, edgeBytes), received);
      checkEdge(
        chunk.subarray(Math.max(0, length - edgeBytes)),
        received + Math.max(0, length - edgeBytes),
      );
      received += length;
    });
    const ended = once(data, 'close');
    await this.command(`RETR ${path}`, '150');
    await this.#expect('226');
    await ended;
    if (received !== bytes) throw new Error(`${received} bytes came of ${bytes}`);
  }

  /** Milliseconds to the first byte and to the end, from the command. */
  async list(path: string): Promise<{ firstMs: number; wholeMs: number; bytes: number }> {
    let bytes = 0;
    let firstMs = 0;
    let beganMs = 0;
    const data = await this.#openData((chunk) => {
      firstMs ||= performance.now() - beganMs;
      bytes += chunk.length;
    });
    const ended = once(data, 'close');
    beganMs = performance.now();
    await this.command(`LIST ${path}`, '150');
    await this.#expect('226');
    await ended;
    return { firstMs, wholeMs: performance.now() - beganMs, bytes };
  }

  close(): void {
    this.#socket.destroy();
  }

  async #openData(onChunk?: (chunk: Buffer) => void): Promise<Socket> {
    const reply = await this.command('EPSV', '229');
    const port = Number(/\|\|\|(\d+)\|/.exec(reply)?.[1]);
    const onread = onChunk && {
      buffer: readBuffer,
      callback(bytes: number) {
        onChunk(readBuffer.subarray(0, bytes));
        return true;
      },
    };
    const address = { port, host: '127.0.0.1', noDelay: true, ...(onread && { onread }) };
    const session = this.#secured?.getSession();
    // The handshake waits for the command that the connection is for.
    const data = this.#secured
      ? connectTls({ ...anyCertificate, ...address, ...(session && { session }) })
      : connect(address);
    await once(data, 'connect');
    return data;
  }

  #take(text: string): void {
    this.#text += text;
    for (let end = this.#text.indexOf('\r\n'); end >= 0; end = this.#text.indexOf('\r\n')) {
      this.#replies.push(this.#text.slice(0, end));
      this.#text = this.#text.slice(end + 2);
    }
    this.#wake?.();
  }

  async #expect(code: string): Promise<string> {
    const deadline = setTimeout(() => this.#take('999 no reply in time\r\n'), replyMsMax);
    while (this.#replies.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    clearTimeout(deadline);
    const reply = this.#replies.shift() ?? '';
    if (!reply.startsWith(`${code} `)) throw new Error(`expected ${code}, got ${reply}`);
    return reply;
  }
}

function checkEdge(bytes: Uint8Array, offsetBytes: number): void {
  if (!isPattern(bytes, offsetBytes)) throw new Error(`other bytes came at ${offsetBytes}`);
}
