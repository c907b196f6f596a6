/**
 * An FTP client that does exactly what a test says, byte by byte, and shows every reply. Real sockets,
 * no retries, no opinions: the way to be a client that misbehaves.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface FtpReply {
  readonly code: number;
  /** The whole reply, lines joined by LF. */
  readonly text: string;
}

const replyTimeoutMs = 20_000;

export class FtpClient implements AsyncDisposable {
  readonly socket: Socket;
  readonly replies: FtpReply[] = [];
  greeting: FtpReply = { code: 0, text: '' };
  /** Sent first on every data connection, as a balancer does. */
  dataPreamble: Uint8Array | undefined;
  #buffer = '';
  #lines: string[] = [];
  #waiting: ((reply: FtpReply | undefined) => void)[] = [];
  #isClosed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#take(text));
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

  static async logIn(port: number, user = 'alice', password = 'secret'): Promise<FtpClient> {
    const client = await FtpClient.connect(port);
    await client.authenticate(user, password);
    return client;
  }

  async authenticate(user = 'alice', password = 'secret'): Promise<void> {
    await this.expect(331, `USER ${user}`);
    await this.expect(230, `PASS ${password}`);
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
    return data;
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
    data.end(bytes);
    return this.reply();
  }

  /** The bytes and the final reply of RETR, LIST and their kind. */
  async read(command: string): Promise<{ bytes: Buffer; reply: FtpReply }> {
    const data = await this.openData();
    const chunks: Buffer[] = [];
    const ended = new Promise<void>((resolve) => {
      data.on('data', (chunk: Buffer) => chunks.push(chunk));
      data.on('close', () => resolve());
    });
    const opening = await this.command(command);
    if (opening.code >= 400) {
      data.destroy();
      return { bytes: Buffer.alloc(0), reply: opening };
    }
    const reply = await this.reply();
    await ended;
    return { bytes: Buffer.concat(chunks), reply };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.socket.destroy();
    await once(this.socket, 'close');
  }

  #take(text: string): void {
    this.#buffer += text;
    for (;;) {
      const end = this.#buffer.indexOf('\r\n');
      if (end < 0) return;
      this.#line(this.#buffer.slice(0, end));
      this.#buffer = this.#buffer.slice(end + 2);
    }
  }

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
