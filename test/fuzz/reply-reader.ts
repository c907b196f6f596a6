/**
 * Reads replies as strictly as RFC 959 section 4.2 defines them. Anything else on the wire is a
 * violation, told with the bytes: half a line, an invented code, control characters, text of a library.
 */
import { Violation } from './violation.ts';

export interface WireReply {
  readonly code: number;
  /** Lines without their ends, joined by LF. */
  readonly text: string;
}

/** Of RFC 959, 2228, 2389, 2428, 3659, 4217 and 7151, 251 of draft-twine-ftpmd5, and no others. */
const knownCodes: ReadonlySet<number> = new Set(
  [
    [110, 120, 125, 150],
    [
      200, 202, 211, 212, 213, 214, 215, 220, 221, 225, 226, 227, 229, 230, 232, 234, 235, 250, 251,
      257,
    ],
    [331, 332, 334, 335, 336, 350],
    [421, 425, 426, 430, 431, 434, 450, 451, 452],
    [500, 501, 502, 503, 504, 521, 522, 530, 532, 533, 534, 535, 536, 537],
    [550, 551, 552, 553, 554, 555],
  ].flat(),
);

/** A reply tells no path of the machine, no stack and no system error name. */
const innerTexts =
  /\bInternal error\b|\bnode:|\n\s+at |\.[jt]s:\d+|\bE[A-Z]{4,}:|\bTypeError\b|\[object |\bNaN\b/;

const lineBytesMax = 16 * 1024;

export class ReplyReader {
  readonly #onReply: (reply: WireReply) => void;
  /** Replies must be UTF-8 until a login may have changed the encoding. */
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  mayBeOtherEncoding = false;
  #rest: Buffer = Buffer.alloc(0);
  #lines: string[] = [];

  constructor(onReply: (reply: WireReply) => void) {
    this.#onReply = onReply;
  }

  /** @throws Violation. */
  push(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a)) {
      this.#takeLine(this.#decode(bytes.subarray(0, end)));
      bytes = bytes.subarray(end + 1);
    }
    if (bytes.length > lineBytesMax) throw new Violation('a reply line without end');
    this.#rest = bytes;
  }

  /** The connection ended. @throws Violation when it did so inside a reply. */
  end(): void {
    if (this.#rest.length === 0 && this.#lines.length === 0) return;
    const rest = [...this.#lines, this.#rest.toString('latin1')].join('\n');
    throw new Violation(`the connection ended inside a reply: ${JSON.stringify(rest)}`);
  }

  #decode(line: Buffer): string {
    if (line.at(-1) !== 0x0d) throw new Violation(`a line without CR: ${quote(line)}`);
    const bytes = line.subarray(0, -1);
    if (bytes.some((byte) => byte < 0x20 || byte === 0x7f)) {
      throw new Violation(`control characters in a reply: ${quote(bytes)}`);
    }
    if (this.mayBeOtherEncoding) return bytes.toString('latin1');
    try {
      return this.#decoder.decode(bytes);
    } catch (error) {
      throw new Violation(`a reply that is not UTF-8: ${quote(bytes)}`, { cause: error });
    }
  }

  #takeLine(line: string): void {
    const [, digits, mark] = /^(\d{3})([ -])/.exec(line) ?? [];
    const opening = this.#lines[0]?.slice(0, 3);
    if (opening === undefined && digits === undefined) {
      throw new Violation(`a line that begins no reply: ${JSON.stringify(line)}`);
    }
    const isInside = opening !== undefined && digits === undefined;
    const isProgress = mark === '-' && (opening === undefined || opening === digits);
    const isLast = mark === ' ' && (opening === undefined || opening === digits);
    if (!isInside && !isProgress && !isLast) {
      throw new Violation(`a line that is no part of reply ${opening}: ${JSON.stringify(line)}`);
    }
    this.#lines.push(line);
    if (isLast) this.#finish(Number(digits));
  }

  #finish(code: number): void {
    const text = this.#lines.join('\n');
    this.#lines = [];
    if (!knownCodes.has(code)) throw new Violation(`no FTP reply code: ${JSON.stringify(text)}`);
    if (innerTexts.test(text)) throw new Violation(`inner text: ${JSON.stringify(text)}`);
    this.#onReply({ code, text });
  }
}

function quote(bytes: Buffer): string {
  return JSON.stringify(bytes.subarray(0, 500).toString('latin1'));
}
