/**
 * One control line as a command, and how it may appear in a log. Pure. It knows no verb's meaning beyond
 * which ones carry a secret.
 */
import type { TextCodec } from './filename-encoding.ts';

export interface Command {
  /** Upper-case; empty when the line is empty or begins with a space. */
  readonly verb: string;
  /**
   * Everything after the first space, exactly as sent: leading dashes, quotes and trailing spaces are
   * part of a name (RFC 959 section 5.3.2). Empty when there is none.
   */
  readonly argument: string;
  /** The whole line without its end. */
  readonly raw: string;
}

/** What a line turned out to be: a command, or why it is none. */
export type ReadCommand =
  | { readonly kind: 'command'; readonly command: Command }
  | { readonly kind: 'refused'; readonly text: string };

/** A line from the wire, in the encoding of the session. */
export function readCommand(line: Uint8Array, codec: TextCodec): ReadCommand {
  const text = codec.decode(line);
  if (text === undefined) {
    return { kind: 'refused', text: `The line is not valid ${codec.name}` };
  }
  if (controlCharacter.test(text)) {
    return { kind: 'refused', text: 'Control characters are not allowed' };
  }
  return { kind: 'command', command: parseCommand(text) };
}

const controlCharacter = /[\x00-\x1f\x7f-\x9f]/;

export function parseCommand(line: string): Command {
  const space = line.indexOf(' ');
  const verb = space === -1 ? line : line.slice(0, space);
  return {
    verb: upperCaseAscii(verb),
    argument: space === -1 ? '' : line.slice(space + 1),
    raw: line,
  };
}

/** The verb of a line whose encoding is not known yet: verbs are ASCII in all of them. */
export function verbOfBytes(line: Uint8Array): string {
  const space = line.indexOf(0x20);
  const end = Math.min(space === -1 ? line.length : space, verbBytesMax);
  return upperCaseAscii(String.fromCharCode(...line.subarray(0, end)));
}

/** Longer than any verb we know, short enough for one call. */
const verbBytesMax = 16;

/** Locale-free: `ß` and `ı` must not turn into other verbs. */
function upperCaseAscii(text: string): string {
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

const secretVerbs: ReadonlySet<string> = new Set(['PASS', 'ACCT', 'ADAT']);

/** The line for logs: never a password, never longer than `maskedCharactersMax`. */
export function maskCommand(command: Command): string {
  if (secretVerbs.has(command.verb)) return `${command.verb} ****`;
  const { raw } = command;
  return raw.length <= maskedCharactersMax ? raw : `${raw.slice(0, maskedCharactersMax)}…`;
}

const maskedCharactersMax = 1024;
