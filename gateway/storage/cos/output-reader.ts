/**
 * The reader that goes through the SDK: an `Output` of ours receives the body. The SDK pipes whatever
 * reply comes into it, the XML of a 404 too; piping tells us the request first, so status and headers
 * are known before the first byte (3.0.0, sdk/base.js: _submitRequest, cos-request: pipe).
 */
import type { IncomingMessage } from 'node:http';
import { type Readable, Writable } from 'node:stream';
import type { ObjectReader, RangeFill, ReadRangeOptions } from './object-reader.ts';
import type { CosHeaders } from './reply.ts';
import type { Sdk } from './sdk.ts';
import type { Sender } from './sender.ts';

export class OutputReader implements ObjectReader {
  readonly #sender: Sender;
  readonly #sdk: Sdk;

  constructor(sender: Sender, sdk: Sdk) {
    this.#sender = sender;
    this.#sdk = sdk;
  }

  async readRange(fill: RangeFill, options: ReadRangeOptions): Promise<void> {
    await this.#sender.signed('GetObject', options, async (call) => {
      const output = new FillOutput(fill, call.signal);
      await this.#sdk.getRange({ key: fill.key, headers: fill.headers, output }, call);
      fill.end();
    });
  }

  close(): void {
    // its connections are those of the sender's agent
  }
}

/** Lets the body of a 2xx into `fill` and drops any other. */
class FillOutput extends Writable {
  readonly #fill: RangeFill;
  readonly #signal: AbortSignal;
  #isAccepted = false;

  constructor(fill: RangeFill, signal: AbortSignal) {
    super();
    this.#fill = fill;
    this.#signal = signal;
    this.once('pipe', (request: Readable) =>
      request.once('response', (reply) => this.#judge(reply)),
    );
    this.on('error', () => undefined); // the SDK rejects with it
  }

  #judge(reply: IncomingMessage): void {
    const { statusCode: status = 0, headers } = reply;
    if (status < 200 || status > 299 || this.#signal.aborted) return;
    try {
      this.#fill.begin({ status, headers: headers as CosHeaders });
      this.#isAccepted = true;
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    try {
      if (this.#isAccepted && !this.#signal.aborted) this.#fill.write(chunk);
      done();
    } catch (error) {
      done(error as Error);
    }
  }
}
