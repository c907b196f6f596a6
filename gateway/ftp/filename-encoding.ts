/**
 * How names travel on the wire. Inside the gateway a name is a string and in COS it is UTF-8; it is stored
 * exactly as decoded, with no Unicode normalisation, so that a client finds what it stored.
 *
 * Decoding is strict: bytes that do not fit are refused rather than stored under a name nobody typed.
 */
import iconv from 'iconv-lite';

/** Control lines, replies and listings of one session go through this. */
export interface TextCodec {
  /** The configured word, for FEAT, logs and refusals. */
  readonly name: string;
  /** Undefined when the bytes are not text in this encoding. */
  decode(bytes: Uint8Array): string | undefined;
  /** Characters the encoding lacks become `?`. */
  encode(text: string): Uint8Array;
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const utf8: TextCodec = {
  name: 'utf-8',
  decode(bytes) {
    try {
      return strictUtf8.decode(bytes);
    } catch {
      return undefined; // the only error a fatal decoder has
    }
  },
  encode: (text) => Buffer.from(text, 'utf8'),
};

/**
 * The codec for a configured `filename_encoding`, or undefined when there is none of that name or it
 * cannot carry FTP. All that keep ASCII as it is can: gb18030, gbk, big5, shift_jis, euc-kr,
 * windows-125x, iso-8859-x, koi8-r and their aliases. UTF-16, UTF-7, base64 and the like cannot.
 */
export function findCodec(name: string): TextCodec | undefined {
  const word = name.trim().toLowerCase();
  if (word === 'utf-8' || word === 'utf8') return utf8;
  if (!iconv.encodingExists(word) || !keepsAscii(word)) return undefined;
  return {
    name: word,
    decode: (bytes) => decodeStrictly(bytes, word),
    encode: (text) => iconv.encode(text, word),
  };
}

/** iconv-lite puts U+FFFD where bytes fit no character. */
function decodeStrictly(bytes: Uint8Array, encoding: string): string | undefined {
  const text = iconv.decode(bytes, encoding, { stripBOM: false });
  return text.includes('\ufffd') ? undefined : text;
}

const printableAscii = String.fromCharCode(...Array.from({ length: 95 }, (_, index) => 32 + index));

function keepsAscii(encoding: string): boolean {
  const bytes = Buffer.from(`\r\n${printableAscii}`, 'latin1');
  const text = bytes.toString('latin1');
  return bytes.equals(iconv.encode(text, encoding)) && iconv.decode(bytes, encoding) === text;
}
