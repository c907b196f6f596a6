/**
 * The control connection: bytes in, one command at a time out; replies back. It knows no verb's meaning,
 * no session and no server package, and can be attached to any paused socket.
 *
 * It must never run two commands at once or out of order, hold more than its limits say, or act on a line
 * that arrived in clear after a switch to TLS began (RFC 4217 section 15.1: STARTTLS injection).
 */
import type { Socket } from 'node:net';
import { readCommand, verbOfBytes } from './command.ts';
import { CommandQueue } from './command-queue.ts';
import { CommandRunner } from './command-runner.ts';
import {
  type ControlEnd,
  type ControlLimits,
  type ControlOptions,
  defaultControlLimits,
} from './control-options.ts';
import { ControlSocket } from './control-socket.ts';
import { type TextCodec, utf8 } from './filename-encoding.ts';
import type { FramedLine } from './line-framer.ts';
import { formatReply } from './replies.ts';
import { ReplyWriter } from './reply-writer.ts';

/** Verbs that may be answered while another command runs. */
export const urgentVerbs: ReadonlySet<string> = new Set(['ABOR', 'STAT', 'NOOP', 'QUIT']);

export class ControlChannel {
  /** Resolves when the socket is closed for good; never rejects. */
  readonly closed: Promise<ControlEnd>;
  /** Resolves when the socket is closed and the command that ran has ended too; never rejects. */
  readonly done: Promise<ControlEnd>;
  /** How lines are decoded and replies encoded; takes effect with the next command. Default UTF-8. */
  codec: TextCodec = utf8;

  readonly #options: ControlOptions;
  readonly #limits: ControlLimits;
  readonly #socket: ControlSocket;
  readonly #queue: CommandQueue;
  readonly #runner: CommandRunner<FramedLine>;
  readonly #writer: ReplyWriter;
  /** `ending`: nothing more is run or written. */
  #state: 'open' | 'ending' = 'open';
  #end: ControlEnd | undefined;
  #isSwapping = false;
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
    this.#runner = this.#createRunner();
    this.#lastHeardMs = options.clock.monotonicMs();
    this.closed = this.#closed.promise;
    this.done = this.#done.promise;
    this.#socket = new ControlSocket(options.socket, {
      onData: (chunk) => this.#onData(chunk),
      onFin: () => this.#onFin(),
      onBroken: (how) => this.#break(how),
      onClose: () => this.#onClose(),
    });
  }

  start(): void {
    this.#regulateReading();
  }

  get socket(): Socket {
    return this.#socket.current;
  }

  /**
   * Whether the client is there as far as can be known: no FIN, RST or error was seen. While reading rests
   * because the queue is full nothing of that could be seen, so the answer is false.
   */
  get isAlive(): boolean {
    return this.#end === undefined && this.#socket.isOpen;
  }

  /** Whether a command runs now. */
  get isBusy(): boolean {
    return this.#runner.isExecuting;
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
    return this.#writer.write(this.#socket.current, this.codec.encode(text));
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
    this.#socket.rest();
    const dropped = this.discardPending();
    this.#options.onReply?.(Number.parseInt(reply, 10));
    await this.write(reply);
    this.#isSwapping = false;
    if (this.#state !== 'open') return dropped;
    this.#socket.replace(wrap);
    this.#regulateReading();
    return dropped;
  }

  /** Ends in order: what was replied is delivered, then the socket closes; see ControlSocket.end. */
  end(): void {
    if (this.#state !== 'open') return;
    this.#stop('local');
    this.#socket.end(this.#options.clock, this.#limits.lingerTimeoutMs);
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

  #createRunner(): CommandRunner<FramedLine> {
    return new CommandRunner({
      next: () => this.#nextLine(),
      execute: (line) => this.#answer(line),
      untilReady: () => this.#writer.untilCaughtUp(),
      onFault: (error) => this.#fault(error),
      onIdle: () => {
        this.#endWhenDone();
        this.#tellDone();
      },
    });
  }

  #onData(chunk: Buffer): void {
    this.#lastHeardMs = this.#options.clock.monotonicMs();
    if (this.#state !== 'open' || this.#isSwapping) return;
    this.#queue.push(chunk);
    this.#admitLines();
    if (this.#queue.skippedBytes > this.#limits.skippedBytesMax) this.#refuseEndlessLine();
  }

  /** No client does this by mistake: reading on would only cost, so the socket is reset at once. */
  #refuseEndlessLine(): void {
    void this.reply(421, 'Command line without end, closing control connection');
    this.#tellGone('error');
    this.destroy();
  }

  #onFin(): void {
    this.#tellGone('fin');
    this.#endWhenDone();
  }

  #onClose(): void {
    this.#stop('local');
    this.#isClosed = true;
    this.#closed.resolve(this.#end ?? 'local');
    this.#tellDone();
  }

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
    if (this.#queue.hasWaiting) this.#runner.schedule();
  }

  readonly #takeAtOnce = (line: FramedLine, before: number): boolean => {
    const { onUrgent } = this.#options;
    if (!this.#runner.isExecuting || !onUrgent || line.kind !== 'line') return false;
    const verb = verbOfBytes(line.bytes);
    if (!urgentVerbs.has(verb) || (verb !== 'ABOR' && before > 0)) return false;
    const read = readCommand(line.bytes, this.codec);
    return read.kind === 'command' && onUrgent(read.command);
  };

  #regulateReading(): void {
    if (this.#state !== 'open') return;
    const mustRest = this.#isSwapping || this.#queue.isFull || this.#writer.isBehind;
    if (mustRest) this.#socket.rest();
    else this.#socket.flow();
  }

  #nextLine(): FramedLine | undefined {
    const line = this.#state === 'open' ? this.#queue.shift() : undefined;
    if (line) this.#admitLines();
    return line;
  }

  async #answer(line: FramedLine): Promise<void> {
    if (line.kind === 'too-long') {
      return this.reply(500, `Command line longer than ${this.#limits.lineBytesMax} bytes`);
    }
    const read = readCommand(line.bytes, this.codec);
    if (read.kind === 'refused') return this.reply(501, read.text);
    return this.#options.onCommand(read.command);
  }

  #fault(error: unknown): void {
    this.#options.onFault?.(error);
    this.#tellGone('fault');
    void this.reply(421, 'Internal error, closing control connection');
    this.end();
  }

  #tellDone(): void {
    if (this.#isClosed && !this.#runner.isRunning) this.#done.resolve(this.#end ?? 'local');
  }

  /** A client that half-closed gets the answers to what it sent, then our FIN. */
  #endWhenDone(): void {
    if (this.#socket.hasFin && !this.#runner.isRunning && this.#queue.isEmpty) this.end();
  }
}
