/**
 * Bytes of a control connection to command lines, without I/O. A line ends with LF; a CR before it is
 * dropped. Lines come out as bytes, because the encoding of names can change between two of them.
 *
 * It must never hold more than one line's worth of bytes plus the chunk it was given, whatever arrives:
 * the rest of a line that is too long is skipped, not stored. How bytes are cut into chunks must never
 * change what comes out.
 *
 * Telnet (RFC 959 section 4.1.3, RFC 854): clients send IAC IP IAC DM in front of ABOR, partly as urgent
 * data. Node cannot receive urgent data in line, so the kernel takes one byte out of the stream, and
 * which one it is differs: DM (lftp), the second IAC (BSD ftp and its descendants), the LF that ends
 * ABOR (Python ftplib). All three remainders are understood here.
 */

export type FramedLine =
  | { readonly kind: 'line'; readonly bytes: Uint8Array }
  /** Longer than the limit; the rest of it is being skipped. */
  | { readonly kind: 'too-long' };

const LF = 0x0a;
const CR = 0x0d;
const DM = 0xf2;
const WILL = 0xfb;
const DONT = 0xfe;
const IAC = 0xff;
/** Telnet commands are F0 (SE) to FE (DONT). */
const telnetCommandMin = 0xf0;

const abortBytes = Buffer.from('ABOR\r');
const nothing: Uint8Array = new Uint8Array(0);

export class LineFramer {
  readonly #lineBytesMax: number;
  #chunk = nothing;
  #offset = 0;
  /** The line so far; undefined between lines, so that an idle session holds no buffer. */
  #line: Buffer | undefined;
  #lineBytes = 0;
  #telnet: 'none' | 'iac' | 'option' = 'none';
  #isSkipping = false;
  #skippedBytes = 0;
  /** The next byte, if LF, belongs to an ABOR already given out. */
  #ignoresLf = false;

  /** @param lineBytesMax longest line without its CR LF, in bytes. */
  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /** Bytes given but not looked at yet. */
  get waitingBytes(): number {
    return this.#chunk.length - this.#offset;
  }

  /** Of the line being skipped, so far; 0 when none is. */
  get skippedBytes(): number {
    return this.#isSkipping ? this.#skippedBytes : 0;
  }

  /** Takes the bytes over; they are read by `next`. */
  push(chunk: Uint8Array): void {
    const waiting = this.#chunk.subarray(this.#offset);
    this.#chunk = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
    this.#offset = 0;
  }

  /** The next line, or undefined when more bytes are needed. */
  next(): FramedLine | undefined {
    while (this.#offset < this.#chunk.length) {
      const line = this.#step();
      if (line) return line;
    }
    this.#chunk = nothing;
    this.#offset = 0;
    return undefined;
  }

  /** Forgets everything received, also a line begun. */
  reset(): void {
    this.#chunk = nothing;
    this.#offset = 0;
    this.#isSkipping = false;
    this.#ignoresLf = false;
    this.#telnet = 'none';
    this.#dropLine();
  }

  #step(): FramedLine | undefined {
    if (this.#isSkipping) return this.#skip();
    if (this.#lineBytes === 0) return this.#beginLine();
    return this.#continueLine();
  }

  /** To the end of a line that was too long. */
  #skip(): undefined {
    const end = this.#chunk.indexOf(LF, this.#offset);
    this.#skippedBytes += this.#chunk.length - this.#offset;
    this.#offset = end === -1 ? this.#chunk.length : end + 1;
    this.#isSkipping = end === -1;
  }

  /**
   * One byte before the first ordinary byte of a line: the only place where telnet commands are taken
   * out. Inside a line 0xFF is also a letter of single-byte encodings (`я` of windows-1251).
   */
  #beginLine(): FramedLine | undefined {
    const byte = this.#chunk[this.#offset] ?? 0;
    this.#offset += 1;
    const ignoresLf = this.#ignoresLf;
    this.#ignoresLf = false;
    if (this.#telnet === 'option') {
      this.#telnet = 'none';
      return undefined;
    }
    if (this.#telnet === 'iac') {
      if (this.#endTelnetCommand(byte)) return undefined;
    } else if (byte === IAC) {
      this.#telnet = 'iac';
      return undefined;
    } else if (byte === DM) return undefined;
    if (byte === LF) return ignoresLf ? undefined : this.#endLine();
    this.#append(byte);
    return undefined;
  }

  /** The byte after IAC. False when it is an ordinary byte whose telnet command was lost as urgent data. */
  #endTelnetCommand(byte: number): boolean {
    if (byte !== IAC && byte < telnetCommandMin) {
      this.#telnet = 'none';
      return false;
    }
    this.#telnet = byte >= WILL && byte <= DONT ? 'option' : 'none';
    if (byte === IAC) this.#append(IAC);
    return true;
  }

  #continueLine(): FramedLine | undefined {
    const end = this.#chunk.indexOf(LF, this.#offset);
    const stop = end === -1 ? this.#chunk.length : end;
    while (this.#offset < stop) {
      this.#appendInside(this.#chunk[this.#offset] ?? 0);
      this.#offset += 1;
      if (this.#lineBytes > this.#lineBytesMax + 1) return this.#refuse();
      if (this.#isAbort()) {
        this.#ignoresLf = true;
        return this.#endLine();
      }
    }
    if (end === -1) return undefined;
    this.#offset = end + 1;
    return this.#endLine();
  }

  /** IAC IAC is one 0xFF (RFC 854); many clients forget to double it, so a single one stays as well. */
  #appendInside(byte: number): void {
    if (this.#telnet === 'iac') {
      this.#telnet = 'none';
      if (byte === IAC) return;
    } else if (byte === IAC) this.#telnet = 'iac';
    this.#append(byte);
  }

  #append(byte: number): void {
    if (!this.#line || this.#lineBytes === this.#line.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(64, 2 * this.#lineBytes));
      this.#line?.copy(grown);
      this.#line = grown;
    }
    this.#line[this.#lineBytes] = byte;
    this.#lineBytes += 1;
  }

  #isAbort(): boolean {
    if (this.#lineBytes !== abortBytes.length || !this.#line) return false;
    const isLower = (byte: number) => byte >= 0x61 && byte <= 0x7a;
    return this.#line
      .subarray(0, this.#lineBytes)
      .every((byte, index) => (isLower(byte) ? byte - 0x20 : byte) === abortBytes[index]);
  }

  #endLine(): FramedLine {
    const line = this.#line ?? nothing;
    let bytes = this.#lineBytes;
    if (bytes > 0 && line[bytes - 1] === CR) bytes -= 1;
    this.#dropLine();
    if (bytes > this.#lineBytesMax) return { kind: 'too-long' };
    return { kind: 'line', bytes: line.subarray(0, bytes) };
  }

  #refuse(): FramedLine {
    this.#dropLine();
    this.#isSkipping = true;
    this.#skippedBytes = 0;
    return { kind: 'too-long' };
  }

  #dropLine(): void {
    this.#line = undefined;
    this.#lineBytes = 0;
    this.#telnet = 'none';
  }
}
