/**
 * One HTTP/1.1 connection that reads object bodies straight into the caller's memory: the socket is
 * given the target as its read buffer (`onread`, a public option of net.connect and tls.connect).
 * Node's own HTTP client takes a fresh 64 KiB buffer for every piece and copies it once more, which
 * costs five times the CPU and grows with the live heap.
 *
 * One exchange at a time, never pipelined. It is destroyed at the first sign that the two sides may not
 * agree where a reply ends.
 */
import net from 'node:net';
import tls from 'node:tls';
import { assert } from '#gateway/kit/assert.ts';
import type { StoreError } from '../object-store.ts';
import { RefusedReply, storeError } from './failure.ts';
import type { RangeFill } from './object-reader.ts';
import { readErrorReply, unusableReply } from './reply.ts';
import { headBytesMax, headEnd, parseReplyHead, type ReplyHead } from './reply-head.ts';

export interface ConnectionTarget {
  readonly protocol: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /** For https: the name the certificate must have, and the session to resume. */
  readonly tls?: tls.ConnectionOptions;
  /** Told of sessions later connections can resume. */
  readonly onSession?: (session: Buffer) => void;
}

export interface Exchange {
  /** The whole head of the request, latin1. */
  readonly requestHead: string;
  readonly fill: RangeFill;
  /** Destroys the connection. */
  readonly signal: AbortSignal;
  readonly idleMs: number;
}

/** A 2xx whose body this reader cannot follow (no Content-Length): another must ask again. */
export class UnreadableReply extends Error {
  override readonly name = 'UnreadableReply';
  readonly status: number;

  constructor(status: number) {
    super('the reply does not tell its length');
    this.status = status;
  }
}

/** The connection ended before the reply began: on a reused one, most likely it had been dead before. */
export class NoReply extends Error {
  override readonly name = 'NoReply';
}

/** Error documents of COS are below 1 KiB. */
const errorBytesMax = 64 * 1024;
/** COS closes idle connections after a while; ours are closed before that. */
const idleConnectionMs = 20_000;

type Phase = 'idle' | 'head' | 'body' | 'error-body';

export class ReaderConnection {
  readonly #socket: net.Socket;
  /** Where heads and error bodies are read to; bodies go to the fill. */
  readonly #scratch = Buffer.allocUnsafeSlow(headBytesMax);
  #phase: Phase = 'idle';
  #scratchBytes = 0;
  #exchange: (Exchange & { settle(error?: unknown): void }) | undefined;
  #head: ReplyHead | undefined;
  #errorBody = Buffer.alloc(0);
  #failure: unknown;

  /** @param onGone called once, when the connection is of no more use. */
  constructor(target: ConnectionTarget, onGone: () => void) {
    const onread = {
      buffer: () => this.#room(),
      callback: (bytes: number) => {
        this.#guard(() => this.#received(bytes));
        return true;
      },
    };
    const address = { host: target.host, port: target.port, noDelay: true, onread };
    this.#socket =
      target.protocol === 'https'
        ? tls.connect({ ...target.tls, ...address })
        : net.connect({ ...address });
    if (target.onSession) this.#socket.on('session', target.onSession);
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('timeout', () => this.#fail(storeError('GetObject', 'timeout')));
    this.#socket.on('end', () => this.#fail(new Error('connection ended')));
    this.#socket.once('close', () => {
      this.#fail(new Error('connection closed'));
      onGone();
    });
    this.#socket.resume();
  }

  get isUsable(): boolean {
    return !this.#socket.destroyed && this.#phase === 'idle' && this.#failure === undefined;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Sends one GET and resolves when its body is in the fill. */
  exchange(exchange: Exchange): Promise<void> {
    assert(this.isUsable, 'one exchange at a time on a live connection');
    return new Promise((resolve, reject) => {
      const onAbort = () => this.#fail(exchange.signal.reason);
      exchange.signal.addEventListener('abort', onAbort, { once: true });
      const settle = (error?: unknown) => {
        exchange.signal.removeEventListener('abort', onAbort);
        this.#exchange = undefined;
        if (error === undefined) resolve();
        else reject(error);
      };
      this.#exchange = { ...exchange, settle };
      this.#phase = 'head';
      this.#scratchBytes = 0;
      this.#socket.ref();
      this.#socket.setTimeout(exchange.idleMs);
      if (exchange.signal.aborted) onAbort();
      else this.#socket.write(exchange.requestHead, 'latin1');
    });
  }

  /** Asked right after each read for where the next one goes. */
  #room(): Uint8Array {
    if (this.#phase === 'body' && this.#exchange) return this.#exchange.fill.rest();
    return this.#scratch.subarray(this.#scratchBytes % headBytesMax);
  }

  #received(bytes: number): void {
    const exchange = this.#exchange;
    if (!exchange) throw new Error('bytes nobody asked for');
    if (this.#phase === 'body') {
      exchange.fill.advance(bytes);
      this.#endOfBody(exchange.fill);
    } else if (this.#phase === 'error-body') {
      this.#collectError(this.#scratch.subarray(0, bytes));
    } else {
      this.#scratchBytes += bytes;
      this.#readHead(exchange.fill);
    }
  }

  #readHead(fill: RangeFill): void {
    const received = this.#scratch.subarray(0, this.#scratchBytes);
    const end = headEnd(received);
    if (end < 0 && received.length < headBytesMax) return;
    const head = end < 0 ? undefined : parseReplyHead(received.toString('latin1', 0, end));
    if (!head || head.status < 200) throw new Error('no reply this reader understands');
    this.#head = head;
    this.#scratchBytes = 0;
    const behind = received.subarray(end);
    if (head.status >= 300) this.#beginError(head, behind);
    else this.#beginBody(head, fill, behind);
  }

  #beginBody(head: ReplyHead, fill: RangeFill, behind: Uint8Array): void {
    if (head.contentBytes === undefined) throw new UnreadableReply(head.status);
    fill.begin(head);
    if (head.contentBytes !== fill.rest().length) {
      throw unusableReply('GetObject', head, 'a length that is not the range');
    }
    this.#phase = 'body';
    fill.write(behind);
    this.#endOfBody(fill);
  }

  #endOfBody(fill: RangeFill): void {
    if (fill.rest().length === 0) this.#finish();
  }

  #beginError(head: ReplyHead, behind: Uint8Array): void {
    if (head.contentBytes === undefined || head.contentBytes > errorBytesMax) {
      throw new UnreadableReply(head.status);
    }
    this.#phase = 'error-body';
    this.#errorBody = Buffer.alloc(0);
    this.#collectError(behind);
  }

  #collectError(piece: Uint8Array): void {
    const head = this.#head;
    assert(head?.contentBytes !== undefined, 'an error body has a length');
    this.#errorBody = Buffer.concat([this.#errorBody, piece]);
    if (this.#errorBody.length < head.contentBytes) return;
    if (this.#errorBody.length > head.contentBytes) throw new Error('reply too long');
    const error = readErrorReply(this.#errorBody.toString());
    const { status, headers } = head;
    this.#finish(new RefusedReply({ status, headers, ...(error && { error }) }));
  }

  /** The reply was read to its last byte; the connection may carry the next one. */
  #finish(refusal?: RefusedReply): void {
    this.#phase = 'idle';
    this.#scratchBytes = 0;
    if (this.#head?.isKeptAlive) {
      this.#socket.setTimeout(idleConnectionMs);
      this.#socket.unref();
    } else this.#socket.destroy();
    this.#exchange?.settle(refusal);
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#socket.destroy();
    const hasBegun = this.#phase !== 'head' || this.#scratchBytes > 0;
    this.#exchange?.settle(
      hasBegun || isOurs(error) ? error : new NoReply('no reply', { cause: error }),
    );
  }
}

function isOurs(error: unknown): error is StoreError {
  return error instanceof Error && 'kind' in error;
}
