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
import { resetSocket } from '#gateway/kit/reset-socket.ts';
import { cutOf, TransferCut } from './cut.ts';
import { StallTimer } from './stall-timer.ts';

/** Bytes to send and the memory they occupy. */
export interface OutgoingBlock {
  readonly bytes: Uint8Array;
  /** Called exactly once, also when the block was never sent. */
  release(): void;
}

export interface SendOptions {
  /** Accepted, with an error listener. */
  readonly socket: Socket;
  /** In order. Ends with an error when the source fails or turns out to be damaged. */
  readonly blocks: AsyncIterable<OutgoingBlock>;
  /** Aborted with a TransferCut as reason. */
  readonly cut: AbortSignal;
  readonly clock: Clock;
  readonly stallTimeoutMs: number;
  /** Told as bytes are handed to the kernel. */
  readonly onBytes?: (bytes: number) => void;
}

/** @throws TransferCut when the client went away or stalled; otherwise what `blocks` threw. */
export async function send(options: SendOptions): Promise<void> {
  const breaker = new Breaker(options);
  const iterator = options.blocks[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await breaker.unless(iterator.next());
      if (next.done) break;
      await sendBlock(options, breaker, next.value);
    }
    await breaker.watchStall(endSocket(options.socket));
  } catch (error) {
    resetSocket(options.socket);
    throw error;
  } finally {
    breaker.dispose();
    await iterator.return?.();
  }
}

async function sendBlock(
  options: SendOptions,
  breaker: Breaker,
  block: OutgoingBlock,
): Promise<void> {
  try {
    await breaker.watchStall(writeAll(options.socket, block.bytes));
    options.onBytes?.(block.bytes.length);
  } catch (error) {
    resetSocket(options.socket); // before the release below
    throw error;
  } finally {
    block.release();
  }
}

function writeAll(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(new TransferCut('data-reset')) : resolve()));
  });
}

function endSocket(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.destroyed) return reject(new TransferCut('data-reset'));
    socket.once('error', () => reject(new TransferCut('data-reset')));
    socket.once('close', () => reject(new TransferCut('data-reset')));
    socket.end(resolve);
  });
}

/** Turns ABOR, a broken socket and a stalled client into a rejection of whatever is being awaited. */
class Breaker {
  readonly #options: SendOptions;
  readonly #stall: StallTimer;
  readonly #broken: Promise<never>;
  #breakWith: (cut: TransferCut) => void = () => undefined;

  constructor(options: SendOptions) {
    this.#options = options;
    this.#broken = new Promise<never>((_resolve, reject) => {
      this.#breakWith = reject;
    });
    this.#broken.catch(() => undefined); // observed through the races; alone it is not an error
    this.#stall = new StallTimer(options.clock, options.stallTimeoutMs, () =>
      this.#breakWith(new TransferCut('stalled')),
    );
    options.cut.addEventListener('abort', this.#onCut);
    options.socket.on('error', this.#onReset);
    options.socket.on('close', this.#onReset);
    if (options.cut.aborted) this.#onCut();
    if (options.socket.destroyed) this.#onReset();
  }

  unless<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#broken]);
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

  dispose(): void {
    this.#stall.rest();
    this.#options.cut.removeEventListener('abort', this.#onCut);
    this.#options.socket.off('error', this.#onReset);
    this.#options.socket.off('close', this.#onReset);
  }

  readonly #onCut = (): void => {
    this.#breakWith(cutOf(this.#options.cut));
  };

  readonly #onReset = (): void => this.#breakWith(new TransferCut('data-reset'));
}
