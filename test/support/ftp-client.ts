/**
 * An FTP client that does exactly what a test says, byte by byte, and shows every reply. Real sockets,
 * no retries, no opinions: the way to be a client that misbehaves.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, TLSSocket, connect as tlsConnect } from 'node:tls';

export interface FtpReply {
  readonly code: number;
  /** The whole reply, lines joined by LF. */
  readonly text: string;
}

/** The certificates of tests are signed by nobody. Node resumes a session only with the host it was made with. */
const clientTls: ConnectionOptions = { rejectUnauthorized: false, host: '127.0.0.1' };
const replyTimeoutMs = 60_000;

export class FtpClient implements AsyncDisposable {
  /** Of the control connection; another one after `secure`. */
  socket: Socket;
  readonly replies: FtpReply[] = [];
  greeting: FtpReply = { code: 0, text: '' };
  /** Sent first on every data connection, as a balancer does. */
  dataPreamble: Uint8Array | undefined;
  #buffer = '';
  #lines: string[] = [];
  #waiting: ((reply: FtpReply | undefined) => void)[] = [];
  #isClosed = false;
  /** Below TLS. */
  #transport: Socket | undefined;
  /** Of data connections after PROT P. */
  #dataTls: ConnectionOptions | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.#listen(socket);
  }

  #listen(socket: Socket): void {
    socket.setEncoding('utf8');
    socket.on('data', this.#take);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#isClosed = true;
      for (const wake of this.#waiting.splice(0)) wake(undefined);
    });
  }

  /** Connects and reads the greeting. */
  static async connect(
    port: number,
    host = '127.0.0.1',
    localAddress?: string,
  ): Promise<FtpClient> {
    const socket = connect({ port, host, noDelay: true, ...(localAddress && { localAddress }) });
    await once(socket, 'connect');
    const client = new FtpClient(socket);
    client.greeting = await client.reply();
    return client;
  }

  /** As `connect`, through a balancer that announces itself by this header on every connection. */
  static async connectBehind(port: number, header: Uint8Array): Promise<FtpClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    const client = new FtpClient(socket);
    client.dataPreamble = header;
    socket.write(header);
    client.greeting = await client.reply();
    return client;
  }

  /** Implicit TLS: the handshake comes before the greeting, and data connections are protected. */
  static async connectImplicitly(port: number, options: ConnectionOptions = {}) {
    const tls = { ...clientTls, ...options };
    const socket = tlsConnect({ port, host: '127.0.0.1', ...tls });
    await once(socket, 'secureConnect');
    const client = new FtpClient(socket);
    client.greeting = await client.reply();
    client.#dataTls = tls;
    return client;
  }

  /** AUTH TLS, then the login, with protected data connections. */
  static async logInSecurely(port: number, options: ConnectionOptions = {}): Promise<FtpClient> {
    const client = await FtpClient.connect(port);
    await client.secure(options);
    await client.authenticate();
    await client.expect(200, 'PBSZ 0');
    await client.expect(200, 'PROT P');
    return client;
  }

  static async logIn(port: number, user = 'alice', password = 'secret'): Promise<FtpClient> {
    const client = await FtpClient.connect(port);
    await client.authenticate(user, password);
    return client;
  }

  async authenticate(user = 'alice', password = 'secret'): Promise<void> {
    await this.expect(331, `USER ${user}`);
    await this.expect(230, `PASS ${password}`);
  }

  /** AUTH TLS and the handshake. Data connections are for `protect`. */
  async secure(options: ConnectionOptions = {}, mechanism = 'TLS'): Promise<void> {
    await this.expect(234, `AUTH ${mechanism}`);
    const plain = this.socket;
    this.#transport = plain;
    plain.off('data', this.#take);
    this.#dataTls = { ...clientTls, ...options };
    const socket = tlsConnect({ socket: plain, ...this.#dataTls });
    this.socket = socket;
    this.#listen(socket);
    await once(socket, 'secureConnect');
  }

  /** Of the control connection: `TLSv1.2`; undefined in clear. */
  get protocol(): string | undefined {
    return this.socket instanceof TLSSocket ? (this.socket.getProtocol() ?? undefined) : undefined;
  }

  /** Breaks the control connection off. */
  reset(): void {
    (this.#transport ?? this.socket).resetAndDestroy();
  }

  /** Ends the control connection without a word of TLS. */
  destroy(): void {
    (this.#transport ?? this.socket).destroy();
  }

  /**
   * TLS over a data connection, resuming the control connection's session unless the options of `secure`
   * say otherwise. The handshake begins at once and is not waited for. In clear: the same socket.
   */
  protect(data: Socket | Duplex, how: ConnectionOptions = {}): Socket {
    if (!(this.socket instanceof TLSSocket) || !this.#dataTls) return data as Socket;
    const session = this.socket.getSession();
    const options = { socket: data, ...(session && { session }), ...this.#dataTls, ...how };
    const secured = tlsConnect(options);
    secured.on('error', () => undefined);
    return secured;
  }

  /** The next reply, in order. @throws when the connection closes or nothing comes. */
  async reply(): Promise<FtpReply> {
    const reply = await this.replyOrEnd();
    if (!reply) throw new Error('the control connection closed instead of a reply');
    return reply;
  }

  /** The next reply, or undefined when the connection closes first. */
  async replyOrEnd(): Promise<FtpReply | undefined> {
    const ready = this.replies.shift();
    if (ready || this.#isClosed) return ready;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no reply in time')), replyTimeoutMs);
      this.#waiting.push((reply) => {
        clearTimeout(timer);
        resolve(reply);
      });
    });
  }

  send(line: string): void {
    this.socket.write(`${line}\r\n`);
  }

  async command(line: string): Promise<FtpReply> {
    this.send(line);
    return this.reply();
  }

  /** @throws when the reply has another code. */
  async expect(code: number, line: string): Promise<FtpReply> {
    const reply = await this.command(line);
    if (reply.code !== code) throw new Error(`${line}: expected ${code}, got ${reply.text}`);
    return reply;
  }

  async passivePort(): Promise<number> {
    const { text } = await this.expect(229, 'EPSV');
    return Number(/\|\|\|(\d+)\|/.exec(text)?.[1]);
  }

  /** EPSV and the connection to the port it names. */
  async openData(localAddress?: string): Promise<Socket> {
    const port = await this.passivePort();
    const host = this.socket.remoteAddress ?? '127.0.0.1';
    const data = connect({ port, host, noDelay: true, ...(localAddress && { localAddress }) });
    data.on('error', () => undefined);
    await once(data, 'connect');
    if (this.dataPreamble) data.write(this.dataPreamble);
    return data;
  }

  /** STOR up to its 150, with the data connection open. */
  async beginStore(path: string): Promise<Socket> {
    const data = await this.openData();
    await this.expect(150, `STOR ${path}`);
    return this.protect(data);
  }

  store(path: string, bytes: Uint8Array): Promise<FtpReply> {
    return this.#sendFile(`STOR ${path}`, bytes);
  }

  append(path: string, bytes: Uint8Array): Promise<FtpReply> {
    return this.#sendFile(`APPE ${path}`, bytes);
  }

  async #sendFile(command: string, bytes: Uint8Array): Promise<FtpReply> {
    const data = await this.openData();
    const opening = await this.command(command);
    if (opening.code !== 150) {
      data.destroy();
      return opening;
    }
    const secured = this.protect(data);
    // Node's TLS forgets an end that comes before the handshake is done.
    if (secured !== data) await once(secured, 'secureConnect');
    secured.end(bytes);
    secured.resume();
    return this.reply();
  }

  /** The bytes and the final reply of RETR, LIST and their kind. */
  async read(command: string): Promise<{ bytes: Buffer; reply: FtpReply }> {
    const plain = await this.openData();
    const opening = await this.command(command);
    if (opening.code >= 400) {
      plain.destroy();
      return { bytes: Buffer.alloc(0), reply: opening };
    }
    const data = this.protect(plain);
    const chunks: Buffer[] = [];
    const ended = new Promise<void>((resolve) => {
      data.on('data', (chunk: Buffer) => chunks.push(chunk));
      if (data.closed)
        resolve(); // broken off already
      else data.on('close', () => resolve());
    });
    const reply = await this.reply();
    await ended;
    return { bytes: Buffer.concat(chunks), reply };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.socket.destroy();
    await once(this.socket, 'close');
  }

  readonly #take = (text: string): void => {
    this.#buffer += text;
    for (;;) {
      const end = this.#buffer.indexOf('\r\n');
      if (end < 0) return;
      this.#line(this.#buffer.slice(0, end));
      this.#buffer = this.#buffer.slice(end + 2);
    }
  };

  #line(line: string): void {
    this.#lines.push(line);
    const opening = /^(\d{3})-/.exec(this.#lines[0] ?? '');
    const final = /^(\d{3}) /.exec(line);
    if (!final || (opening && opening[1] !== final[1])) return;
    const reply = { code: Number(final[1]), text: this.#lines.join('\n') };
    this.#lines = [];
    const wake = this.#waiting.shift();
    if (wake) wake(reply);
    else this.replies.push(reply);
  }
}
