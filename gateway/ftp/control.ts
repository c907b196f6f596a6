/**
 * The control connection: bytes in, one command at a time out; replies back. It knows no verb's meaning,
 * no session and no server package, and can be attached to any paused socket.
 *
 * It must never run two commands at once or out of order, hold more than its limits say, or act on a line
 * that arrived in clear after a switch to TLS began (RFC 4217 section 15.1: STARTTLS injection).
 */
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock, Timer } from '#gateway/kit/clock.ts';
import { type Command, parseCommand, verbOfBytes } from './command.ts';
import { CommandQueue, type CommandQueueLimits } from './command-queue.ts';
import { type TextCodec, utf8 } from './filename-encoding.ts';
import type { FramedLine } from './line-framer.ts';
import { formatReply } from './replies.ts';
import { ReplyWriter } from './reply-writer.ts';

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

export interface ControlLimits extends CommandQueueLimits {
  /** Unsent reply bytes above which no command runs and nothing is read. Default 65536 (64 KiB). */
  readonly unsentBytesMax: number;
  /** How long the client may read nothing while replies wait for it. Default 60 s. */
  readonly writeTimeoutMs: number;
  /** Bytes of one line that is too long before the connection is closed. Default 1048576 (1 MiB). */
  readonly skippedBytesMax: number;
  /** How long after `end` the client may take to close its side. Default 5 s. */
  readonly lingerTimeoutMs: number;
}

export const defaultControlLimits: ControlLimits = {
  lineBytesMax: 8192,
  waitingCommandsMax: 256,
  waitingBytesMax: 64 * 1024,
  unsentBytesMax: 64 * 1024,
  writeTimeoutMs: 60_000,
  skippedBytesMax: 1024 * 1024,
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
  /** A reply is written, also one of the channel's own: for metrics. */
  readonly onReply?: (code: number) => void;
  /** The client is gone or the connection ended: once, at once, also while a command runs. */
  readonly onGone?: (end: ControlEnd) => void;
  /** What a handler threw. */
  readonly onFault?: (error: unknown) => void;
  readonly limits?: Partial<ControlLimits>;
}

export class ControlChannel {
  /** Resolves when the socket is closed for good; never rejects. */
  readonly closed: Promise<ControlEnd>;
  /** Resolves when the socket is closed and the command that ran has ended too; never rejects. */
  readonly done: Promise<ControlEnd>;
  /** How lines are decoded and replies encoded; takes effect with the next command. Default UTF-8. */
  codec: TextCodec = utf8;

  readonly #options: ControlOptions;
  readonly #limits: ControlLimits;
  readonly #queue: CommandQueue;
  readonly #writer: ReplyWriter;
  #socket: Socket;
  /** `ending`: nothing more is run or written. */
  #state: 'open' | 'ending' = 'open';
  #end: ControlEnd | undefined;
  #isRunning = false;
  #isExecuting = false;
  #isScheduled = false;
  #isSwapping = false;
  #hasFin = false;
  #lingerTimer: Timer | undefined;
  #lastHeardMs: number;
  #isClosed = false;
  readonly #closed = Promise.withResolvers<ControlEnd>();
  readonly #done = Promise.withResolvers<ControlEnd>();

  /** Reading begins when the socket is resumed: by `start`, or by whoever owned it. */
  constructor(options: ControlOptions) {
    this.#options = options;
    this.#limits = { ...defaultControlLimits, ...options.limits };
    this.#queue = new CommandQueue(this.#limits);
    this.#writer = this.#createWriter();
    this.#socket = options.socket;
    this.#lastHeardMs = options.clock.monotonicMs();
    this.closed = this.#closed.promise;
    this.done = this.#done.promise;
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

  /** Whether a command runs now. */
  get isBusy(): boolean {
    return this.#isExecuting;
  }

  /** When the last byte arrived, on the clock's monotonic scale. */
  get lastHeardMs(): number {
    return this.#lastHeardMs;
  }

  /** Whether a command of that verb waits in the queue: a client that sent QUIT may leave at once. */
  isWaiting(verb: string): boolean {
    return this.#queue.isWaiting(verb);
  }

  /**
   * Sends one reply. Resolves when the kernel has it or the connection is over; a caller need not wait:
   * the next command does not run while too much is unsent.
   *
   * A preliminary reply (1xx) says that a transfer has begun: urgent verbs that wait already are offered
   * to `onUrgent` then, because STOR and ABOR in one segment must mean what they mean in two.
   */
  reply(code: number, ...texts: readonly string[]): Promise<void> {
    if (this.#state === 'open') this.#options.onReply?.(code);
    const sent = this.write(formatReply(code, texts));
    if (code < 200) this.#queue.reconsider(this.#takeAtOnce);
    return sent;
  }

  /** Sends text that is already formatted; see `reply`. */
  write(text: string): Promise<void> {
    return this.#writer.write(this.#socket, this.codec.encode(text));
  }

  /**
   * Drops every command not begun.
   * @returns how many lines, bytes not looked at yet counted as one.
   */
  discardPending(): number {
    return this.#queue.clear();
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
    this.#options.onReply?.(Number.parseInt(reply, 10));
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
    this.#stop('local');
    this.#lingerTimer = this.#options.clock.setTimer(this.#limits.lingerTimeoutMs, () =>
      this.#socket.destroy(),
    );
    this.#socket.end();
    this.#socket.resume();
  }

  /** Ends at once; unsent replies are lost. */
  destroy(): void {
    this.#break('local');
  }

  #createWriter(): ReplyWriter {
    return new ReplyWriter({
      clock: this.#options.clock,
      unsentBytesMax: this.#limits.unsentBytesMax,
      timeoutMs: this.#limits.writeTimeoutMs,
      onNotReading: () => this.#break('not-reading'),
      onCaughtUp: () => this.#admitLines(),
    });
  }

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
    this.#queue.push(chunk);
    this.#admitLines();
    if (this.#queue.skippedBytes > this.#limits.skippedBytesMax) this.#refuseEndlessLine();
  };

  /** No client does this by mistake: reading on would only cost, so the socket is reset at once. */
  #refuseEndlessLine(): void {
    void this.reply(421, 'Command line without end, closing control connection');
    this.#tellGone('error');
    this.destroy();
  }

  readonly #onFin = (): void => {
    this.#hasFin = true;
    this.#tellGone('fin');
    this.#endWhenDone();
  };

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    this.#break(brokenCodes.has(error.code ?? '') ? 'reset' : 'error');
  };

  readonly #onClose = (): void => {
    this.#stop('local');
    this.#lingerTimer?.cancel();
    this.#isClosed = true;
    this.#closed.resolve(this.#end ?? 'local');
    this.#tellDone();
  };

  #break(end: ControlEnd): void {
    this.#stop(end);
    this.#socket.destroy();
  }

  /** Nothing more is run or written. @param end why, unless it was told before. */
  #stop(end: ControlEnd): void {
    this.#state = 'ending';
    this.#queue.clear();
    this.#writer.stop();
    this.#tellGone(end);
  }

  #tellGone(end: ControlEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#options.onGone?.(end);
  }

  #admitLines(): void {
    if (this.#state !== 'open') return;
    while (!this.#writer.isBehind && this.#queue.admit(this.#takeAtOnce));
    this.#regulateReading();
    this.#schedule();
  }

  readonly #takeAtOnce = (line: FramedLine, before: number): boolean => {
    const { onUrgent } = this.#options;
    if (!this.#isExecuting || !onUrgent || line.kind !== 'line') return false;
    const verb = verbOfBytes(line.bytes);
    if (!urgentVerbs.has(verb) || (verb !== 'ABOR' && before > 0)) return false;
    const text = this.codec.decode(line.bytes);
    return text !== undefined && !controlCharacter.test(text) && onUrgent(parseCommand(text));
  };

  #regulateReading(): void {
    if (this.#state !== 'open') return;
    const mustRest = this.#isSwapping || this.#queue.isFull || this.#writer.isBehind;
    if (mustRest) this.#socket.pause();
    else this.#socket.resume();
  }

  /** In a later microtask, so that AUTH does not run before the lines pipelined behind it were seen. */
  #schedule(): void {
    if (this.#isRunning || this.#isScheduled || !this.#queue.hasWaiting) return;
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
        const line = this.#queue.shift();
        if (!line) break;
        this.#admitLines();
        await this.#execute(line);
        await this.#writer.untilCaughtUp();
        if (count % commandsPerTurnMax === 0) await turn();
      }
    } catch (error) {
      this.#fault(error);
    }
    this.#isRunning = false;
    this.#endWhenDone();
    this.#tellDone();
  }

  async #execute(line: FramedLine): Promise<void> {
    this.#isExecuting = true;
    try {
      await this.#answer(line);
    } finally {
      this.#isExecuting = false;
    }
  }

  async #answer(line: FramedLine): Promise<void> {
    if (line.kind === 'too-long') {
      return this.reply(500, `Command line longer than ${this.#limits.lineBytesMax} bytes`);
    }
    const text = this.codec.decode(line.bytes);
    if (text === undefined) return this.reply(501, `The line is not valid ${this.codec.name}`);
    if (controlCharacter.test(text)) return this.reply(501, 'Control characters are not allowed');
    return this.#options.onCommand(parseCommand(text));
  }

  #fault(error: unknown): void {
    this.#options.onFault?.(error);
    this.#tellGone('fault');
    void this.reply(421, 'Internal error, closing control connection');
    this.end();
  }

  #tellDone(): void {
    if (this.#isClosed && !this.#isRunning) this.#done.resolve(this.#end ?? 'local');
  }

  /** A client that half-closed gets the answers to what it sent, then our FIN. */
  #endWhenDone(): void {
    if (this.#hasFin && !this.#isRunning && this.#queue.isEmpty) this.end();
  }
}

const controlCharacter = /[\x00-\x1f\x7f-\x9f]/;

const brokenCodes: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT']);
