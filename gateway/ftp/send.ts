/**
 * Writes blocks to the data connection: file contents and listings alike. A block's memory is given back
 * in the write callback, when the kernel has its bytes, never earlier.
 *
 * It resolves only after every byte and our FIN were handed to the kernel, so that 226 can follow. On any
 * failure it resets the connection: a client must not see a clean end when its file is not whole, and a
 * write still queued must not read memory that already belongs to another session.
 */
import type { Socket } from 'node:net';
import type { Clock } from '#gateway/kit/clock.ts';
import { freePace, type Pace } from '#gateway/transfer/pace.ts';
import { Breaker } from './breaker.ts';
import { TransferCut } from './cut.ts';
import type { DataConnection } from './data-connection.ts';
import { StallTimer } from './stall-timer.ts';

/** Bytes to send and the memory they occupy. */
export interface OutgoingBlock {
  readonly bytes: Uint8Array;
  /** Called exactly once, also when the block was never sent. */
  release(): void;
}

export interface SendOptions {
  readonly connection: DataConnection;
  /** In order. Ends with an error when the source fails or turns out to be damaged. */
  readonly blocks: AsyncIterable<OutgoingBlock>;
  /** Aborted with a TransferCut as reason. */
  readonly cut: AbortSignal;
  readonly clock: Clock;
  readonly stallTimeoutMs: number;
  /** Default: as fast as the client reads. */
  readonly pace?: Pick<Pace, 'stepBytes' | 'spend' | 'wait'>;
  /** Told as bytes are handed to the kernel. */
  readonly onBytes?: (bytes: number) => void;
}

/** @throws TransferCut when the client went away or stalled; otherwise what `blocks` threw. */
export async function send(options: SendOptions): Promise<void> {
  using guard = new SocketGuard(options);
  const iterator = options.blocks[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await guard.unless(iterator.next());
      if (next.done) break;
      await sendBlock(options, guard, next.value);
    }
    await guard.watchStall(endSocket(options.connection.socket));
  } catch (error) {
    options.connection.reset();
    throw error;
  } finally {
    await iterator.return?.();
  }
}

async function sendBlock(
  options: SendOptions,
  guard: SocketGuard,
  block: OutgoingBlock,
): Promise<void> {
  try {
    await sendInPace(options, guard, block.bytes);
  } catch (error) {
    options.connection.reset(); // before the release below
    throw error;
  } finally {
    block.release();
  }
}

/** In one write without a limit. While a limit is waited for, nobody watches for a stall of the client. */
async function sendInPace(
  options: SendOptions,
  guard: SocketGuard,
  bytes: Uint8Array,
): Promise<void> {
  const { pace = freePace, connection, onBytes } = options;
  for (let offset = 0; offset < bytes.length; ) {
    const stepBytes = Math.min(bytes.length - offset, pace.stepBytes);
    const isWhole = stepBytes === bytes.length;
    const step = isWhole ? bytes : bytes.subarray(offset, offset + stepBytes);
    pace.spend(stepBytes);
    for (let wait = pace.wait(); wait; wait = pace.wait()) await guard.unless(wait);
    await guard.watchStall(writeAll(connection.socket, step));
    onBytes?.(stepBytes);
    offset += stepBytes;
  }
}

function writeAll(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(new TransferCut('data-reset')) : resolve()));
  });
}

/** Resolves when our FIN is with the kernel. */
function endSocket(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => {
      socket.off('error', fail);
      socket.off('close', fail);
      finish();
    };
    const fail = () => settle(() => reject(new TransferCut('data-reset')));
    if (socket.destroyed) return fail();
    socket.once('error', fail);
    socket.once('close', fail);
    socket.end((error?: Error | null) => (error ? fail() : settle(resolve)));
  });
}

/** Turns ABOR, a broken socket and a stalled client into a rejection of whatever is being awaited. */
class SocketGuard implements Disposable {
  readonly #socket: Socket;
  readonly #breaker: Breaker;
  readonly #stall: StallTimer;

  constructor({ connection: { socket }, cut, clock, stallTimeoutMs }: SendOptions) {
    this.#socket = socket;
    this.#breaker = new Breaker(cut);
    this.#stall = new StallTimer(clock, stallTimeoutMs, () =>
      this.#breaker.break(new TransferCut('stalled')),
    );
    socket.on('error', this.#onReset);
    socket.on('close', this.#onReset);
    if (socket.destroyed) this.#onReset();
  }

  unless<T>(work: Promise<T>): Promise<T> {
    return this.#breaker.unless(work);
  }

  /** The client is the one who must move now. */
  async watchStall<T>(work: Promise<T>): Promise<T> {
    this.#stall.start();
    try {
      return await this.unless(work);
    } finally {
      this.#stall.rest();
    }
  }

  [Symbol.dispose](): void {
    this.#stall.rest();
    this.#breaker[Symbol.dispose]();
    this.#socket.off('error', this.#onReset);
    this.#socket.off('close', this.#onReset);
  }

  readonly #onReset = (): void => this.#breaker.break(new TransferCut('data-reset'));
}
