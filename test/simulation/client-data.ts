/**
 * The client's side of a data connection in virtual time: bytes in chunks, pauses, and one of the ways in
 * which a transfer ends. A stream in memory takes the socket's place, with its back-pressure.
 */

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { DataConnection } from '#gateway/ftp/data-connection.ts';
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
  isDrainable: () => boolean = () => true;
  sentBytes = 0;
  hasEnded = false;
  #isBroken = false;
  readonly #clock: Clock;
  readonly #stream: Duplex;
  #wanted = Promise.withResolvers<void>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#stream = new Duplex({
      read: () => {
        this.#wanted.resolve();
        this.#wanted = Promise.withResolvers();
      },
      write: (_chunk, _encoding, done) => done(),
    });
    this.#stream.pause();
    this.#stream.on('error', () => {
      this.#isBroken = true;
    });
  }

  /** Only what both a Socket and a Duplex have is used of it. */
  get socket(): Socket {
    return this.#stream as Socket;
  }

  /** The gateway has seen a reset. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  readDirectly(): boolean {
    return false;
  }

  async answerEnd(): Promise<void> {}

  reset(): void {
    this.#stream.destroy();
  }

  /** Resolves when the client has nothing more to do; never, when it is read no further. */
  async play({ stuff, chunkBytes, pauseMs, end, resetAfterMs }: ClientScript): Promise<void> {
    const bytes = bytesOf(stuff);
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      const pause = pauseMs();
      if (pause > 0) await sleep(this.#clock, pause);
      if (this.#stream.destroyed) return;
      const chunk = bytes.subarray(at, at + chunkBytes);
      this.sentBytes += chunk.length;
      const wanted = this.#wanted.promise;
      if (!this.#stream.push(chunk)) await wanted;
    }
    if (end === 'silence' || this.#stream.destroyed) return;
    if (end === 'reset') return this.#break();
    this.hasEnded = true;
    this.#stream.push(null);
    if (end === 'fin') return;
    await sleep(this.#clock, resetAfterMs);
    this.#break();
  }

  #break(): void {
    this.#stream.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
  }
}
