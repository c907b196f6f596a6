/**
 * One fuzzed client on a real socket: plays scenes and holds the gateway to what a client may expect.
 * Every line gets one final reply, in one piece; the connection is closed by the gateway only with 221 or
 * 421; and it never goes silent.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import { wrapInTls } from './client-tls.ts';
import { DataSockets } from './data-sockets.ts';
import { History } from './history.ts';
import { ReplyReader, type WireReply } from './reply-reader.ts';
import { loginLines, type Scene, type Sending, type Step } from './scene.ts';
import { Violation } from './violation.ts';

export interface FuzzClientOptions {
  readonly port: number;
  /** Of this client alone, so that the passive ports of others are not confused with its own. */
  readonly localAddress: string;
  /** Of the logins this client makes by itself. */
  readonly user: string;
  /** How long nothing may come while a reply is owed. */
  readonly silenceMsMax: number;
  readonly onReply?: (code: number) => void;
}

export interface ClientCounts {
  lines: number;
  replies: number;
  connections: number;
  dataConnections: number;
  /** Control connections that became TLS. */
  securedSessions: number;
}

type SecureStep = Extract<Step, { kind: 'secure' }>;

/** Drawn by nobody else; its reply shows where the client stands. */
const marker = Buffer.from('\r\nHELP SYST\r\n');

export class FuzzClient {
  readonly counts: ClientCounts = {
    lines: 0,
    replies: 0,
    connections: 0,
    dataConnections: 0,
    securedSessions: 0,
  };
  readonly history = new History();
  readonly #options: FuzzClientOptions;
  readonly #data: DataSockets;
  #socket: Socket | undefined;
  /** Below TLS; the socket itself in clear. */
  #plain: Socket | undefined;
  #reader = this.#newReader();
  /** Final replies since the client last knew its place; `unknown` after bytes nobody can count. */
  #owed: number | 'unknown' = 0;
  #received = 0;
  #lastReply: WireReply = { code: 0, text: '' };
  #isLoggedIn = false;
  #isLeaving = false;
  #isClosedSilently = false;
  #heardMs = 0;
  #violation: Violation | undefined;
  #wake: () => void = () => undefined;

  constructor(options: FuzzClientOptions) {
    this.#options = options;
    this.#data = new DataSockets(options.localAddress);
  }

  /** @throws Violation. */
  async play(scene: Scene): Promise<void> {
    this.history.note(`-- ${scene.name}`);
    await this.#connected();
    for (const step of scene.steps) {
      if (!this.#socket) break;
      await this.#step(step);
      this.#throwIfViolated();
    }
    this.#data.closeAll();
    if (this.#isClosedSilently && !scene.mayBeClosed) {
      throw new Violation('the gateway closed the connection without a word');
    }
    this.#isClosedSilently = false;
  }

  /** The last word: the session must still answer, and goes in order. @throws Violation. */
  async leave(): Promise<void> {
    const noop: Sending = { kind: 'send', segments: [Buffer.from('NOOP\r\n')], lines: 1, owed: 1 };
    const quit = { ...noop, segments: [Buffer.from('QUIT\r\n')] };
    await this.play({
      name: 'goodbye',
      steps: [noop, { kind: 'settle' }, quit, { kind: 'leave', how: 'half-close' }],
    });
  }

  /** Ends everything at once. */
  destroy(): void {
    this.#isLeaving = true;
    this.#data.closeAll();
    this.#socket?.destroy();
    this.#plain?.destroy();
  }

  async #connected(): Promise<void> {
    if (!this.#socket) {
      await this.#connect();
      await this.#send(loginLines(this.#options.user));
    } else if (!this.#isLoggedIn) {
      await this.#send(loginLines(this.#options.user));
    }
    await this.#settle();
  }

  async #connect(): Promise<void> {
    const { port, localAddress } = this.#options;
    const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
    socket.on('error', () => undefined);
    await once(socket, 'connect').catch((cause: unknown) => {
      throw new Violation('the gateway takes no connection', { cause });
    });
    this.counts.connections += 1;
    this.history.note('-- connected');
    this.#plain = socket;
    this.#isLeaving = false;
    this.#isLoggedIn = false;
    this.#data.isProtected = false;
    this.#reader = this.#newReader();
    this.#owed = 1; // the greeting
    this.#received = 0;
    this.#listen(socket);
  }

  #listen(socket: Socket): void {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('close', (hadError) => this.#onClose(socket, hadError));
  }

  async #step(step: Step): Promise<void> {
    switch (step.kind) {
      case 'send':
        return this.#send(step);
      case 'settle':
        return this.#settle();
      case 'reserve':
        return this.#reserve(step.verb);
      case 'open':
        this.counts.dataConnections += 1;
        this.history.note(`-- data connection as ${step.as}, protection: ${step.protection}`);
        return this.#data.open(step);
      case 'secure':
        return this.#secure(step);
      case 'data':
        this.history.note(`-- data: ${step.writeBytes} bytes, reads ${step.reads}, ${step.end}`);
        return this.#data.act(step);
      case 'wait':
        for (let count = 0; count < step.turns; count++) await turn();
        return;
      case 'deafen':
        this.#socket?.pause();
        return;
      case 'leave':
        return this.#leave(step.how);
    }
  }

  async #send({ segments, lines, owed }: Sending): Promise<void> {
    this.counts.lines += lines;
    const whole = Buffer.concat(segments);
    this.history.note(`> ${JSON.stringify(whole.subarray(0, 400).toString('latin1'))}`);
    if (whole.includes('USER dora')) this.#reader.mayBeOtherEncoding = true;
    this.#owed = this.#owed === 'unknown' || owed === 'unknown' ? 'unknown' : this.#owed + owed;
    for (const segment of segments) {
      this.#socket?.write(segment);
      if (segments.length > 1) await turn();
    }
  }

  /** Inside TLS already: AUTH and what is behind it are lines like others. @throws Violation. */
  async #secure({ smuggled, next }: SecureStep): Promise<void> {
    await this.#settle();
    const isSecured = this.#socket instanceof TLSSocket;
    const lines = 1 + smuggled.length;
    const text = ['AUTH TLS', ...smuggled].map((line) => `${line}\r\n`).join('');
    const owed = isSecured ? lines : 1;
    await this.#send({ kind: 'send', segments: [Buffer.from(text)], lines, owed });
    await this.#settle();
    if (isSecured || !this.#socket) return;
    if (this.#lastReply.code !== 234) throw new Violation(`AUTH TLS: ${this.#lastReply.text}`);
    this.#isLoggedIn = false;
    this.#socket.removeAllListeners('data');
    if (next === 'handshake') await this.#shakeHands(this.#socket);
    if (next === 'garbage') this.#socket.write('PWD\r\nthis is no ClientHello\r\n');
  }

  async #shakeHands(plain: Socket): Promise<void> {
    let isDone = false;
    const secured = wrapInTls(plain);
    this.#listen(secured);
    secured.once('secureConnect', () => {
      isDone = true;
      this.#wake();
    });
    await this.#until(() => isDone);
    if (!this.#socket) return;
    this.counts.securedSessions += 1;
    this.history.note(`-- ${secured.getProtocol()}`);
    this.#data.tlsSession = secured.getSession();
    this.#data.isProtected = false;
  }

  /** @throws Violation when a reply does not come. */
  async #settle(): Promise<void> {
    this.#socket?.resume();
    if (this.#owed === 'unknown') {
      this.#lastReply = { code: 0, text: '' };
      this.#socket?.write(marker);
      await this.#until(() => /^214-SYST\b/.test(this.#lastReply.text));
      this.#owed = 0;
      this.#received = 0;
    }
    await this.#until(() => this.#owed === this.#received);
  }

  async #until(holds: () => boolean): Promise<void> {
    this.#heardMs = performance.now();
    const { silenceMsMax } = this.#options;
    const timer = setInterval(() => this.#wake(), silenceMsMax / 10);
    try {
      while (this.#socket && !this.#violation && !holds()) {
        if (performance.now() - this.#heardMs > silenceMsMax) {
          throw new Violation(`${this.#owed} replies are owed, ${this.#received} came`);
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearInterval(timer);
    }
    this.#throwIfViolated();
  }

  async #reserve(verb: 'PASV' | 'EPSV'): Promise<void> {
    const line = Buffer.from(`${verb}\r\n`);
    await this.#settle();
    await this.#send({ kind: 'send', segments: [line], lines: 1, owed: 1 });
    await this.#settle();
    this.#data.port = portIn(this.#lastReply);
  }

  /** A half-close is answered by one; the others need no answer. @throws Violation. */
  async #leave(how: 'fin' | 'rst' | 'half-close'): Promise<void> {
    const socket = this.#socket;
    if (!socket) return;
    this.history.note(`-- leaves: ${how}`);
    this.#isLeaving = true;
    if (how === 'half-close') {
      socket.resume();
      socket.end();
      await this.#until(() => false); // until the socket is closed
    } else if (how === 'rst' && !this.#plain?.writableEnded) this.#plain?.resetAndDestroy();
    else socket.destroy();
    this.#socket = undefined;
  }

  #onData(chunk: Buffer): void {
    this.#heardMs = performance.now();
    this.#guard(() => this.#reader.push(chunk));
    this.#wake();
  }

  #onReply(reply: WireReply): void {
    this.history.note(`< ${reply.text.slice(0, 300)}`);
    this.#options.onReply?.(reply.code);
    if (reply.code < 200) return;
    this.counts.replies += 1;
    this.#received += 1;
    this.#lastReply = reply;
    if (reply.code === 230) this.#isLoggedIn = true;
    if (reply.text.startsWith('200 Data connections are ')) {
      this.#data.isProtected = reply.text.includes('protected');
    }
    if (reply.code === 530 || reply.code === 220 || reply.code === 331) this.#isLoggedIn = false;
    // 421 may come unasked.
    if (this.#owed === 'unknown' || reply.code === 421) return;
    if (this.#received > this.#owed) throw new Violation(`a reply nobody asked for: ${reply.text}`);
  }

  #onClose(socket: Socket, hadError: boolean): void {
    if (socket !== this.#socket) return;
    this.history.note(`-- closed${hadError ? ' by a reset' : ''}`);
    this.#socket = undefined;
    const { code } = this.#lastReply;
    this.#isClosedSilently = !this.#isLeaving && code !== 221 && code !== 421;
    if (!hadError) this.#guard(() => this.#reader.end());
    this.#wake();
  }

  #newReader(): ReplyReader {
    return new ReplyReader((reply) => this.#onReply(reply));
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.#violation ??= error;
    }
  }

  #throwIfViolated(): void {
    if (this.#violation) throw this.#violation;
  }
}

function portIn({ code, text }: WireReply): number | undefined {
  if (code === 229) return Number(/\|\|\|(\d+)\|/.exec(text)?.[1]);
  const [, high, low] = /\(\d+,\d+,\d+,\d+,(\d+),(\d+)\)/.exec(text) ?? [];
  return code === 227 ? Number(high) * 256 + Number(low) : undefined;
}
