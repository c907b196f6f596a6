/**
 * The client's side of a data connection in virtual time: bytes in chunks, pauses, and one of the ways in
 * which a transfer ends. A stream in memory takes the socket's place, with its back-pressure.
 */

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { DataConnection, DataReading } from '#gateway/ftp/data-connection.ts';
import type { DirectReader } from '#gateway/ftp/direct-read.ts';
import { type Clock, sleep } from '#gateway/kit/clock.ts';
import { bytesOf, type Stuff } from './stuff.ts';

/** What the client does after its last byte. */
export type DataEnd = 'fin' | 'reset' | 'fin, then reset' | 'silence';

export interface ClientScript {
  readonly stuff: Stuff;
  readonly chunkBytes: number;
  /** Before each chunk. */
  readonly pauseMs: () => number;
  readonly end: DataEnd;
  /** Between FIN and reset. */
  readonly resetAfterMs: number;
}

export class ClientData implements DataConnection {
  readonly closeNotify = 'not-used';
  readonly #reading: DataReading;
  isDrainable: () => boolean = () => true;
  sentBytes = 0;
  hasEnded = false;
  #isBroken = false;
  readonly #clock: Clock;
  readonly #stream: Duplex;
  #wanted = Promise.withResolvers<void>();
  #reader: DirectReader | undefined;
  /** Where the next direct read lands. */
  #space: Uint8Array = new Uint8Array(0);

  constructor(clock: Clock, reading: DataReading) {
    this.#clock = clock;
    this.#reading = reading;
    this.#stream = new Duplex({
      read: this.#onWanted,
      write: (_chunk, _encoding, done) => done(),
    });
    this.#stream.pause();
    this.#stream.on('resume', this.#onWanted);
    this.#stream.on('error', () => {
      this.#isBroken = true;
    });
  }

  readonly #onWanted = (): void => {
    this.#wanted.resolve();
    this.#wanted = Promise.withResolvers();
  };

  /** Only what both a Socket and a Duplex have is used of it. */
  get socket(): Socket {
    return this.#stream as Socket;
  }

  /** The gateway has seen a reset. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  readDirectly(reader: DirectReader): boolean {
    if (this.#reading === 'copied') return false;
    this.#reader = reader;
    this.#space = reader.space();
    return true;
  }

  async answerEnd(): Promise<void> {}

  reset(): void {
    this.#stream.destroy();
  }

  /** Resolves when the client has nothing more to do; never, when it is read no further. */
  async play({ stuff, chunkBytes, pauseMs, end, resetAfterMs }: ClientScript): Promise<void> {
    const bytes = bytesOf(stuff);
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      await sleep(this.#clock, pauseMs());
      if (this.#stream.destroyed) return;
      const chunk = bytes.subarray(at, at + chunkBytes);
      this.sentBytes += chunk.length;
      await (this.#reader ? this.#land(chunk, this.#reader) : this.#push(chunk));
    }
    if (end === 'silence' || this.#stream.destroyed) return;
    if (end === 'reset') return this.#break();
    this.hasEnded = true;
    this.#stream.push(null);
    if (end === 'fin') return;
    await sleep(this.#clock, resetAfterMs);
    this.#break();
  }

  async #push(chunk: Uint8Array): Promise<void> {
    const wanted = this.#wanted.promise;
    if (!this.#stream.push(chunk)) await wanted;
  }

  /** As direct-read.ts does: straight into the memory that was chosen after the read before. */
  async #land(chunk: Uint8Array, reader: DirectReader): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      while (this.#stream.isPaused()) await this.#wanted.promise;
      if (this.#stream.destroyed) return;
      const space = this.#space;
      const bytes = Math.min(space.length, chunk.length - at);
      space.set(chunk.subarray(at, at + bytes));
      at += bytes;
      reader.onBytes(bytes, space);
      this.#space = reader.space();
    }
  }

  #break(): void {
    this.#stream.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
  }
}
