/**
 * One control connection of the relay: fixed answers, and a data port of its own from the first EPSV on. It
 * believes its client and understands nothing it need not.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { listMany } from './listing.ts';
import type { StoreClient } from './store-client.ts';
import { RelayUpload } from './upload.ts';

export class RelaySession {
  #socket: Socket;
  readonly #store: StoreClient;
  readonly #secureContext: SecureContext | undefined;
  #isSecured = false;
  #server: Server | undefined;
  readonly #dataSockets: Socket[] = [];
  #onDataSocket: ((socket: Socket) => void) | undefined;
  #text = '';

  constructor(socket: Socket, store: StoreClient, secureContext: SecureContext | undefined) {
    this.#store = store;
    this.#secureContext = secureContext;
    this.#socket = this.#listenTo(socket);
    this.#reply('220 relay-node');
  }

  #listenTo(socket: Socket): Socket {
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#take(text));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#server?.close());
    return socket;
  }

  #secure(): void {
    this.#reply('234 go');
    this.#socket.removeAllListeners('data');
    this.#socket = this.#listenTo(this.#wrap(this.#socket));
    this.#isSecured = true;
  }

  #wrap(socket: Socket): Socket {
    return new TLSSocket(socket, {
      isServer: true,
      ...(this.#secureContext && { secureContext: this.#secureContext }),
    });
  }

  #take(text: string): void {
    this.#text += text;
    for (let end = this.#text.indexOf('\r\n'); end >= 0; end = this.#text.indexOf('\r\n')) {
      const line = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 2);
      void this.#answer(line.slice(0, 4), line.slice(5)).catch(() => this.#reply('451 failed'));
    }
  }

  async #answer(verb: string, argument: string): Promise<void> {
    switch (verb) {
      case 'USER':
        return this.#reply('331 password');
      case 'PASS':
        return this.#reply('230 in');
      case 'AUTH':
        return this.#secure();
      case 'EPSV':
        return this.#reply(`229 passive (|||${await this.#dataPort()}|)`);
      case 'STOR':
        return this.#transfer((data) => new RelayUpload(data, this.#store, `/${argument}`).run());
      case 'RETR':
        return this.#transfer((data) => this.#send(data, `/${argument}`));
      case 'LIST':
        return this.#transfer((data) => listMany(data, this.#store));
      default:
        return this.#reply('200 OK');
    }
  }

  async #transfer(work: (data: Socket) => Promise<void>): Promise<void> {
    this.#reply('150 go');
    await work(await this.#dataSocket());
    this.#reply('226 done');
  }

  async #send(data: Socket, path: string): Promise<void> {
    const reply = await this.#store.open('GET', path);
    await new Promise<void>((resolve, reject) => {
      reply.on('error', reject);
      data.on('error', reject);
      data.on('finish', resolve);
      reply.pipe(data);
    });
  }

  #dataPort(): Promise<number> {
    const known = this.#server;
    if (known) return Promise.resolve((known.address() as AddressInfo).port);
    const options = { pauseOnConnect: true, allowHalfOpen: true, noDelay: true };
    const server = createServer(options, (socket) => {
      if (this.#onDataSocket) this.#onDataSocket(socket);
      else this.#dataSockets.push(socket);
    });
    this.#server = server;
    return new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
    });
  }

  async #dataSocket(): Promise<Socket> {
    const socket =
      this.#dataSockets.shift() ??
      (await new Promise<Socket>((resolve) => {
        this.#onDataSocket = resolve;
      }));
    this.#onDataSocket = undefined;
    if (this.#isSecured) return this.#wrap(socket);
    // What an upload's client sends after its end is nothing: half-open is for downloads.
    socket.on('end', () => socket.end());
    return socket;
  }

  #reply(line: string): void {
    this.#socket.write(`${line}\r\n`);
  }
}
