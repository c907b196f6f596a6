/**
 * A request body the SDK takes for a stream. Given a Buffer it copies the bytes two or three times and
 * silently sends failed requests again, up to three times and without a pause; given a stream it does
 * neither (cos-nodejs-sdk-v5 3.0.0, sdk/base.js: submitRequest). That is also why requests without
 * bytes carry one: our own retries are counted, spaced and end at a deadline.
 */
import { Readable } from 'node:stream';

/** One chunk, by reference; an empty body has none. Serves one request. */
export class WholeBody extends Readable {
  #bytes: Uint8Array | undefined;

  constructor(bytes: Uint8Array | undefined) {
    super();
    this.#bytes = bytes;
  }

  override _read(): void {
    const bytes = this.#bytes;
    this.#bytes = undefined;
    if (bytes?.length) this.push(bytes);
    this.push(null);
  }
}
