/**
 * What the argument of LIST, NLST and STAT means: flags in the manner of `ls`, then one path that may end
 * in a pattern. Pure.
 *
 * A path is one name, spaces and all: clients do not quote. A name that begins with a dash and looks like
 * flags is surely reached as `./-name` or behind `--`.
 */
import { compileGlob, type Glob, isPattern } from './glob.ts';

export interface ListArguments {
  /**
   * Letters given with a dash. `d` shows a directory itself, `F` marks directories with a slash, `l` makes
   * NLST long; the rest changes nothing: names with a leading dot are always shown, nothing is sorted
   * (that would mean to collect a directory of any size), and `R` does not descend (as vsftpd has it).
   */
  readonly flags: ReadonlySet<string>;
  /** Empty: the working directory. A literal name goes before a pattern. */
  readonly path: string;
  /** The whole argument, where flags were taken from it: the name it is when `path` is missing. */
  readonly unflagged?: string;
  /** When the last segment of `path` is a pattern. Patterns in other segments are not supported. */
  readonly pattern?: PathPattern;
}

export interface PathPattern {
  /** Everything up to and including the last slash, as typed; may be empty. */
  readonly directory: string;
  readonly glob: Glob;
}

/** What clients send: `-la`, `-CF` (ncftp), `-1`, `-alRt`. Other letters make the word a name. */
const flagLetters = 'aACdfFhlLnrRStTx1';
const flagWord = new RegExp(`^-([${flagLetters}]+)(?: +|$)`);

export function parseListArguments(argument: string): ListArguments {
  const flags = new Set<string>();
  let rest = argument;
  for (let word = flagWord.exec(rest); word; word = flagWord.exec(rest)) {
    for (const letter of word[1] ?? '') flags.add(letter);
    rest = rest.slice(word[0].length);
  }
  const path = rest.replace(/^--(?: +|$)/, '');
  const pattern = findPattern(path);
  return {
    flags,
    path,
    ...(path !== argument && { unflagged: argument }),
    ...(pattern && { pattern }),
  };
}

function findPattern(path: string): PathPattern | undefined {
  const nameStart = path.lastIndexOf('/') + 1;
  const name = path.slice(nameStart);
  if (!isPattern(name)) return undefined;
  return { directory: path.slice(0, nameStart), glob: compileGlob(name) };
}
