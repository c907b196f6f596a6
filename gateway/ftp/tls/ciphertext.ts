/**
 * The encrypted side of a data connection that carries an upload, as a stream of ours below the TLS socket.
 * Node tells nobody whether TLS ended by close_notify or because TCP did. Where the bytes pass through
 * here, the order tells: a TLS socket that ends while this stream has not was ended by close_notify.
 *
 * It must never report an end or an error to TLS before the bytes that came earlier.
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { Clock } from '#gateway/kit/clock.ts';
import { resetSocket } from '#gateway/kit/reset-socket.ts';
import type { DataReading } from '../data-connection.ts';
import { takeOver } from '../direct-read.ts';

export interface CiphertextOptions {
  readonly reading: DataReading;
  readonly clock: Clock;
}

/**
 * Where direct reads land. One for the process: what a read brings is copied by TLS, or by us, before
 * the next read of any connection begins.
 */
const readBuffer = Buffer.allocUnsafeSlow(128 * 1024);

/** How long a client may keep its side of TCP open after TLS has ended on both. */
const lingerMs = 15_000;

export class Ciphertext extends Duplex {
  readonly #raw: Socket;
  readonly #clock: Clock;
  readonly #peerClosed = Promise.withResolvers<void>();
  #isOver = false;

  /** @param accepted paused; whoever has it gives it up. */
  constructor(accepted: Socket, { reading, clock }: CiphertextOptions) {
    // A chunk that TLS does not take at once stops the reading.
    super({ readableHighWaterMark: 0 });
    const direct =
      reading === 'direct'
        ? takeOver(accepted, { space: () => readBuffer, onBytes: (bytes) => this.#onRead(bytes) })
        : undefined;
    this.#raw = direct ?? accepted;
    this.#clock = clock;
    this.#raw.on('error', (error) => this.#onError(error));
    this.#raw.on('end', () => this.#onEnd());
    this.#raw.on('close', () => this.#onClose());
    if (!direct) this.#raw.on('data', (chunk) => this.#take(chunk));
    if (accepted.errored) this.destroy(accepted.errored);
    else if (this.#raw.readableEnded) this.#onEnd();
  }

  /**
   * TLS has its end: what TCP still does, a reset included, tells nothing more and must not take away
   * bytes that were decrypted and not read yet.
   */
  finish(): void {
    this.#isOver = true;
  }

  /** Resolves when the peer closed its side of TCP, or after `timeoutMs`. */
  async peerClosed(timeoutMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.setTimer(timeoutMs, resolve);
    await Promise.race([this.#peerClosed.promise, promise]);
    timer.cancel();
  }

  /** Ends the TCP connection by a reset, and TLS with it. */
  reset(): void {
    resetSocket(this.#raw);
    this.destroy();
  }

  #onRead(bytes: number): boolean {
    const view = readBuffer.subarray(0, bytes);
    const isTakenAtOnce = this.readableFlowing === true && this.readableLength === 0;
    return this.#take(isTakenAtOnce ? view : Buffer.from(view));
  }

  /** After TLS has ended nothing that comes means anything. */
  #take(chunk: Buffer): boolean {
    const goesOn = this.#isOver || this.destroyed || this.push(chunk);
    if (!goesOn) this.#raw.pause();
    return goesOn;
  }

  #onEnd(): void {
    this.#peerClosed.resolve();
    if (!this.destroyed) this.push(null);
  }

  #onError(error: Error): void {
    if (!this.#isOver) this.destroy(error);
  }

  /** After an end on both sides the stream closes by itself. */
  #onClose(): void {
    this.#peerClosed.resolve();
    if (!this.readableEnded && !this.#isOver) this.destroy();
  }

  override _read(): void {
    this.#raw.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#raw.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#raw.end(done);
  }

  /** In order: TCP ends when the peer closes it too, as the socket does by itself. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!error && this.#isOver && this.#raw.writableEnded) this.#linger();
    else this.#raw.destroy();
    done(error);
  }

  #linger(): void {
    if (this.#raw.destroyed) return;
    const timer = this.#clock.setTimer(lingerMs, () => this.#raw.destroy());
    this.#raw.once('close', () => timer.cancel());
    this.#raw.resume();
  }
}
