/**
 * The reader that object bodies usually come through: plain HTTP/1.1 on connections of its own, read
 * into the caller's memory without a copy, signed by the SDK like every other request.
 *
 * A reply it cannot follow (a proxy that answers in chunks) is asked for again through the SDK, and
 * after a 2xx of that kind everything is.
 */
import type { ConnectionOptions } from 'node:tls';
import type { Log } from '#gateway/kit/log.ts';
import { ConnectionPool } from './connection-pool.ts';
import { addressOf, type Endpoint } from './endpoint.ts';
import type { ObjectReader, RangeFill, ReadRangeOptions } from './object-reader.ts';
import {
  type ConnectionTarget,
  NoReply,
  ReaderConnection,
  UnreadableReply,
} from './reader-connection.ts';
import { encodePath } from './request-parts.ts';
import type { Sender } from './sender.ts';
import type { TransportCall } from './transport.ts';

export interface SocketReaderOptions {
  readonly endpoint: Endpoint;
  readonly userAgent: string;
  readonly sender: Sender;
  readonly connectionsMax: number;
  /** For what this one cannot read. */
  readonly fallback: ObjectReader;
  readonly log: Log;
  /** Added to every TLS connection. Default: Node's trust store. */
  readonly tls?: ConnectionOptions;
}

export class SocketReader implements ObjectReader {
  readonly #options: SocketReaderOptions;
  readonly #pool: ConnectionPool<ReaderConnection>;
  #tlsSession: Buffer | undefined;
  #isRetired = false;

  constructor(options: SocketReaderOptions) {
    this.#options = options;
    this.#pool = new ConnectionPool(
      (onGone) => new ReaderConnection(this.#target(), onGone),
      options.connectionsMax,
    );
  }

  async readRange(fill: RangeFill, options: ReadRangeOptions): Promise<void> {
    const { fallback, sender, log } = this.#options;
    if (this.#isRetired) return fallback.readRange(fill, options);
    try {
      await sender.signed('GetObject', options, (call) => this.#get(fill, call));
    } catch (error) {
      const unreadable = error instanceof Error ? error.cause : undefined;
      if (!(unreadable instanceof UnreadableReply)) throw error;
      if (unreadable.status < 300) {
        this.#isRetired = true;
        log.warn({}, 'store replies without a length, reading through the sdk');
      }
      await fallback.readRange(fill, options);
    }
  }

  close(): void {
    this.#pool.close();
    this.#options.fallback.close();
  }

  /** A connection that was idle may have died meanwhile; then the request goes out on another one. */
  async #get(fill: RangeFill, call: TransportCall): Promise<void> {
    const { signal, idleMs } = call;
    const requestHead = this.#requestHead(fill, call);
    for (;;) {
      const isDone = await this.#pool.use(signal, async (connection, isReused) => {
        try {
          await connection.exchange({ requestHead, fill, signal, idleMs });
          return true;
        } catch (error) {
          if (!(error instanceof NoReply)) throw error;
          if (!isReused) throw error.cause;
          return false;
        }
      });
      if (isDone) return;
    }
  }

  #requestHead(fill: RangeFill, call: TransportCall): string {
    const { endpoint, userAgent } = this.#options;
    const headers: Record<string, string> = { Host: endpoint.host, ...fill.headers };
    const path = `/${fill.key}`;
    const { authorization, token } = call.sign({ method: 'GET', path, query: {}, headers });
    const lines = Object.entries({
      ...headers,
      Authorization: authorization,
      ...(token !== undefined && { 'x-cos-security-token': token }),
      'User-Agent': userAgent,
      Connection: 'keep-alive',
    }).map(([name, value]) => `${name}: ${headerValue(value)}`);
    return `GET ${encodePath(path)} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
  }
  #target(): ConnectionTarget {
    const { endpoint, tls } = this.#options;
    const { servername, ...address } = addressOf(endpoint);
    if (endpoint.protocol === 'http') return { protocol: 'http', ...address };
    const session = this.#tlsSession;
    return {
      protocol: 'https',
      ...address,
      tls: { servername, ...(session && { session }), ...tls },
      onSession: (latest) => {
        this.#tlsSession = latest;
      },
    };
  }
}

/** A line break in a value would begin another header. */
function headerValue(value: string): string {
  return value.replace(/[^\x20-\x7e]/g, '');
}
