/**
 * The control connection: bytes in, one command at a time out; replies back. It frames, decodes, queues
 * and limits; it knows no verb's meaning, no session and no server package, and can be attached to any
 * paused socket.
 *
 * It must never run two commands at once or out of order, hold more than its limits say, or act on a line
 * that arrived in clear after a switch to TLS began (RFC 4217 section 15.1: STARTTLS injection).
 */
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock, Timer } from '#gateway/kit/clock.ts';
import { type Command, parseCommand, verbOfBytes } from './command.ts';
import { type TextCodec, utf8 } from './filename-encoding.ts';
import { type FramedLine, LineFramer } from './line-framer.ts';
import { formatReply } from './replies.ts';

/** How a control connection ended. */
export type ControlEnd =
  /** We said so, by `end` or `destroy`. */
  | 'local'
  /** The client closed its side in order. */
  | 'fin'
  /** The client's side broke: RST or a failed write. */
  | 'reset'
  /** Any other socket or TLS error. */
  | 'error'
  /** The client read none of its replies for `writeTimeoutMs`. */
  | 'not-reading'
  /** A command handler threw. */
  | 'fault';

export interface ControlLimits {
  /** Longest command line without CR LF. Default 8192 (8 KiB). */
  readonly lineBytesMax: number;
  /** Commands waiting behind the running one; more are left in the kernel. Default 256. */
  readonly waitingCommandsMax: number;
  /** Bytes of the waiting commands. Default 65536 (64 KiB). */
  readonly waitingBytesMax: number;
  /** Unsent reply bytes above which no command runs and nothing is read. Default 65536 (64 KiB). */
  readonly unsentBytesMax: number;
  /** How long the client may read nothing while replies wait for it. Default 60 s. */
  readonly writeTimeoutMs: number;
  /** How long after `end` the client may take to close its side. Default 5 s. */
  readonly lingerTimeoutMs: number;
}

export const defaultControlLimits: ControlLimits = {
  lineBytesMax: 8192,
  waitingCommandsMax: 256,
  waitingBytesMax: 64 * 1024,
  unsentBytesMax: 64 * 1024,
  writeTimeoutMs: 60_000,
  lingerTimeoutMs: 5_000,
};

/** Verbs that may be answered while another command runs. */
export const urgentVerbs: ReadonlySet<string> = new Set(['ABOR', 'STAT', 'NOOP', 'QUIT']);

/** Balancers and NAT forget idle connections; this keeps them known. */
export const keepAliveDelayMs = 60_000;

/** Commands run without giving other sessions a turn. */
const commandsPerTurnMax = 32;

export interface ControlOptions {
  /** Paused, with nobody else reading from it. */
  readonly socket: Socket;
  readonly clock: Clock;
  /** Runs one command; the next one waits for it. What it throws ends the connection with 421. */
  readonly onCommand: (command: Command) => Promise<void> | void;
  /**
   * An urgent verb came while a command runs, and nothing is queued before it (ABOR: whatever is queued).
   * Answer and return true, or return false to leave it in the queue: so is QUIT remembered. Return true
   * only during a transfer: an early answer to a command pipelined behind any other one would be taken
   * for that one's.
   */
  readonly onUrgent?: (command: Command) => boolean;
  /** The client is gone or the connection ended: once, at once, also while a command runs. */
  readonly onGone?: (end: ControlEnd) => void;
  /** What a handler threw. */
  readonly onFault?: (error: unknown) => void;
  readonly limits?: Partial<ControlLimits>;
}

export class ControlChannel {
  /** Resolves when the socket is closed for good; never rejects. */
  readonly closed: Promise<ControlEnd>;
  /** How lines are decoded and replies encoded; takes effect with the next command. Default UTF-8. */
  codec: TextCodec = utf8;

  readonly #options: ControlOptions;
  readonly #limits: ControlLimits;
  readonly #framer: LineFramer;
  readonly #waiting: FramedLine[] = [];
  #waitingBytes = 0;
  #socket: Socket;
  #state: 'open' | 'ending' | 'closed' = 'open';
  #end: ControlEnd | undefined;
  #isRunning = false;
  #isExecuting = false;
  #isScheduled = false;
  #isSwapping = false;
  #hasFin = false;
  #unsentBytes = 0;
  #unsentTimer: Timer | undefined;
  #lingerTimer: Timer | undefined;
  #onSent: (() => void) | undefined;
  #lastHeardMs: number;
  #resolveClosed: (end: ControlEnd) => void = () => undefined;

  /** Reading begins when the socket is resumed: by `start`, or by whoever owned it. */
  constructor(options: ControlOptions) {
    this.#options = options;
    this.#limits = { ...defaultControlLimits, ...options.limits };
    this.#framer = new LineFramer(this.#limits.lineBytesMax);
    this.#socket = options.socket;
    this.#lastHeardMs = options.clock.monotonicMs();
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#attach(options.socket);
  }

  start(): void {
    this.#regulateReading();
  }

  get socket(): Socket {
    return this.#socket;
  }

  /**
   * Whether the client is there as far as can be known: no FIN, RST or error was seen. While reading rests
   * because the queue is full nothing of that could be seen, so the answer is false.
   */
  get isAlive(): boolean {
    const { destroyed } = this.#socket;
    return this.#end === undefined && !this.#hasFin && !destroyed && !this.#socket.isPaused();
  }

  /** When the last byte arrived, on the clock's monotonic scale. */
  get lastHeardMs(): number {
    return this.#lastHeardMs;
  }

  /** Whether a command of that verb waits in the queue: a client that sent QUIT may leave at once. */
  isWaiting(verb: string): boolean {
    return this.#waiting.some((line) => line.kind === 'line' && verbOfBytes(line.bytes) === verb);
  }

  /**
   * Offers urgent verbs that came before the running command could be interrupted to `onUrgent` again.
   * Call it when a transfer has begun: STOR and ABOR in one segment must mean what they mean in two.
   */
  hearUrgent(): void {
    for (let index = 0; index < this.#waiting.length; ) {
      const line = this.#waiting[index];
      if (!line || !this.#isTakenAtOnce(line, index)) {
        index += 1;
        continue;
      }
      this.#waiting.splice(index, 1);
      this.#waitingBytes -= bytesOf(line);
    }
  }

  /**
   * Sends one reply. Resolves when the kernel has it or the connection is over; a caller need not wait:
   * the next command does not run while too much is unsent.
   */
  reply(code: number, ...texts: readonly string[]): Promise<void> {
    return this.write(formatReply(code, texts));
  }

  /** Sends text that is already formatted; see `reply`. */
  write(text: string): Promise<void> {
    const socket = this.#socket;
    if (this.#state !== 'open' || !socket.writable) return Promise.resolve();
    const bytes = this.codec.encode(text);
    this.#unsentBytes += bytes.length;
    return new Promise((resolve) => {
      socket.write(bytes, () => {
        this.#unsentBytes -= bytes.length;
        this.#noteSent();
        resolve();
      });
      if (this.#unsentBytes > 0) this.#watchUnsent();
    });
  }

  /** Drops every command not begun. Returns how many lines, a begun one included. */
  discardPending(): number {
    const lines = this.#waiting.length + (this.#framer.waitingBytes > 0 ? 1 : 0);
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    this.#framer.reset();
    return lines;
  }

  /**
   * Changes the connection to what `wrap` makes of the present socket (TLS over it). Stops reading, drops
   * everything received but not begun, sends `reply` in clear, then wraps: no byte that came in clear is
   * ever read as a command of the new connection. Call it from within a command.
   * @returns the number of dropped lines; more than none is an injection or a broken client.
   */
  async swapSocket(reply: string, wrap: (socket: Socket) => Socket): Promise<number> {
    this.#isSwapping = true;
    const plain = this.#socket;
    plain.pause();
    const dropped = this.discardPending();
    await this.write(reply);
    this.#isSwapping = false;
    if (this.#state !== 'open') return dropped;
    this.#detach(plain);
    this.#socket = wrap(plain);
    this.#attach(this.#socket);
    this.#regulateReading();
    return dropped;
  }

  /**
   * Ends in order: what was replied is delivered, what the client still sends is dropped unread (closing
   * with unread bytes would be a reset that can destroy the last reply), then the socket closes.
   */
  end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.#tellGone('local');
    this.discardPending();
    this.#unsentTimer?.cancel();
    this.#lingerTimer = this.#options.clock.setTimer(this.#limits.lingerTimeoutMs, () =>
      this.#socket.destroy(),
    );
    this.#socket.end();
    this.#socket.resume();
    this.#onSent?.();
  }

  /** Ends at once; unsent replies are lost. */
  destroy(): void {
    this.#gone('local');
    this.#socket.destroy();
  }

  // Socket events

  #attach(socket: Socket): void {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveDelayMs);
    // Commands that came before the client's FIN are still answered.
    socket.allowHalfOpen = true;
    socket.on('data', this.#onData);
    socket.on('end', this.#onFin);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  #detach(socket: Socket): void {
    socket.off('data', this.#onData);
    socket.off('end', this.#onFin);
    socket.off('close', this.#onClose);
    // The error listener stays: a wrapped socket can still fail, and must not end the process.
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#lastHeardMs = this.#options.clock.monotonicMs();
    if (this.#state !== 'open' || this.#isSwapping) return;
    this.#framer.push(chunk);
    this.#takeLines();
  };

  readonly #onFin = (): void => {
    this.#hasFin = true;
    if (this.#state === 'open') this.#tellGone('fin');
    this.#endWhenDone();
  };

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    this.#gone(brokenCodes.has(error.code ?? '') ? 'reset' : 'error');
    this.#socket.destroy();
  };

  readonly #onClose = (): void => {
    this.#gone('local');
    this.#state = 'closed';
    this.discardPending();
    this.#unsentTimer?.cancel();
    this.#lingerTimer?.cancel();
    this.#onSent?.();
    this.#resolveClosed(this.#end ?? 'local');
  };

  #gone(end: ControlEnd): void {
    this.#tellGone(end);
    if (this.#state === 'open') this.#state = 'ending';
    this.discardPending();
  }

  #tellGone(end: ControlEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#options.onGone?.(end);
  }

  // From bytes to the queue

  #takeLines(): void {
    while (!this.#isFull()) {
      const line = this.#framer.next();
      if (!line) break;
      if (!this.#isTakenAtOnce(line, this.#waiting.length)) this.#enqueue(line);
    }
    this.#regulateReading();
    this.#schedule();
  }

  #enqueue(line: FramedLine): void {
    this.#waiting.push(line);
    this.#waitingBytes += bytesOf(line);
  }

  /** @param before how many commands wait in front of it. */
  #isTakenAtOnce(line: FramedLine, before: number): boolean {
    const { onUrgent } = this.#options;
    if (!this.#isExecuting || !onUrgent || line.kind !== 'line') return false;
    const verb = verbOfBytes(line.bytes);
    if (!urgentVerbs.has(verb) || (verb !== 'ABOR' && before > 0)) return false;
    const text = this.codec.decode(line.bytes);
    return text !== undefined && !controlCharacter.test(text) && onUrgent(parseCommand(text));
  }

  #isFull(): boolean {
    return (
      this.#waiting.length >= this.#limits.waitingCommandsMax ||
      this.#waitingBytes >= this.#limits.waitingBytesMax ||
      this.#unsentBytes > this.#limits.unsentBytesMax
    );
  }

  #regulateReading(): void {
    if (this.#state !== 'open') return;
    if (this.#isSwapping || this.#isFull()) this.#socket.pause();
    else this.#socket.resume();
  }

  // From the queue to the handler

  /** In a later microtask, so that AUTH does not run before the lines pipelined behind it were seen. */
  #schedule(): void {
    if (this.#isRunning || this.#isScheduled || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      for (let count = 1; this.#state === 'open'; count++) {
        const line = this.#waiting.shift();
        if (!line) break;
        this.#waitingBytes -= bytesOf(line);
        this.#takeLines();
        await this.#execute(line);
        await this.#untilSent();
        if (count % commandsPerTurnMax === 0) await turn();
      }
    } catch (error) {
      this.#fault(error);
    }
    this.#isRunning = false;
    this.#endWhenDone();
  }

  async #execute(line: FramedLine): Promise<void> {
    this.#isExecuting = true;
    await this.#answer(line);
    this.#isExecuting = false;
  }

  async #answer(line: FramedLine): Promise<void> {
    if (line.kind === 'too-long') {
      void this.reply(500, `Command line longer than ${this.#limits.lineBytesMax} bytes`);
      return;
    }
    const text = this.codec.decode(line.bytes);
    if (text === undefined) void this.reply(501, `The line is not valid ${this.codec.name}`);
    else if (controlCharacter.test(text))
      void this.reply(501, 'Control characters are not allowed');
    else await this.#options.onCommand(parseCommand(text));
  }

  #fault(error: unknown): void {
    this.#options.onFault?.(error);
    this.#tellGone('fault');
    void this.reply(421, 'Internal error, closing control connection');
    this.end();
  }

  /** A client that half-closed gets the answers to what it sent, then our FIN. */
  #endWhenDone(): void {
    const isDone = this.#waiting.length === 0 && this.#framer.waitingBytes === 0;
    if (this.#hasFin && !this.#isRunning && isDone) this.end();
  }

  // Back-pressure of replies

  async #untilSent(): Promise<void> {
    while (this.#state === 'open' && this.#unsentBytes > this.#limits.unsentBytesMax) {
      await new Promise<void>((resolve) => {
        this.#onSent = resolve;
      });
    }
  }

  #watchUnsent(): void {
    if (this.#isFull()) this.#regulateReading();
    this.#unsentTimer ??= this.#options.clock.setTimer(this.#limits.writeTimeoutMs, () => {
      this.#gone('not-reading');
      this.#socket.destroy();
    });
  }

  /** The kernel took one reply: the client reads, or its buffer has room. */
  #noteSent(): void {
    if (!this.#unsentTimer) return;
    this.#unsentTimer.cancel();
    this.#unsentTimer = undefined;
    if (this.#state !== 'open') return;
    if (this.#unsentBytes > 0) this.#watchUnsent();
    if (this.#unsentBytes > this.#limits.unsentBytesMax) return;
    this.#onSent?.();
    this.#takeLines();
  }
}

function bytesOf(line: FramedLine): number {
  return line.kind === 'line' ? line.bytes.length : 0;
}

const controlCharacter = /[\x00-\x1f\x7f-\x9f]/;

const brokenCodes: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT']);
