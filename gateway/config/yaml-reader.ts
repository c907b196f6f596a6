/**
 * Reads our YAML (and so JSON) into words and the line and column of each. Every scalar stays the text
 * it is in the file: what it means is decided by the word's field. Our own sentences for bad syntax,
 * because the library's messages quote the file, and a file holds passwords.
 */

import {
  type Alias,
  type Document,
  type ErrorCode,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type ParsedNode,
  parseDocument,
  type Scalar,
  type YAMLMap,
  type YAMLParseError,
} from 'yaml';
import { type Block, newBlock, Origins, type Path, type Tree } from './origin.ts';
import { type Problem, quoteWord } from './problem.ts';

export interface ReadYaml {
  /** Undefined when the syntax is too bad to look at words. */
  readonly tree: Tree | undefined;
  readonly origins: Origins;
  readonly problems: readonly Problem[];
}

/** More nodes than any real configuration has: aliases of aliases can ask for billions. */
const nodesMax = 500_000;
const depthMax = 12;
const syntaxProblemsMax = 5;

/**
 * @param name how problems name the file.
 * @param directory what relative paths in it are relative to.
 */
export function readYaml(text: string, name: string, directory: string): ReadYaml {
  const lines = new LineCounter();
  const placeAt = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const origins = new Origins({ place: name, directory });
  const failed = (problems: Problem[]) => ({ tree: undefined, origins, problems });
  const document = parse(text, lines);
  if (document === undefined) return failed([{ place: name, message: 'nests too deeply' }]);
  if (document.errors.length > 0) return failed(syntaxProblems(document.errors, placeAt));
  const reader = new TreeReader(origins, (offset) => ({
    place: placeAt(offset),
    directory,
  }));
  const tree = document.contents === null ? newBlock() : reader.read(document.contents, []);
  return { tree: tree ?? newBlock(), origins, problems: reader.problems };
}

/** The first few: one slip makes the parser stumble on, often over the same line. */
function syntaxProblems(
  errors: readonly YAMLParseError[],
  placeAt: (offset: number) => string,
): Problem[] {
  const told = new Set<string>();
  const problems = errors.map((error) => ({
    place: placeAt(error.pos[0]),
    ...syntaxMessages[error.code],
  }));
  const fresh = problems.filter(({ place, message }) => {
    const line = `${place.replace(/:\d+$/, '')} ${message}`;
    return !told.has(line) && Boolean(told.add(line));
  });
  return fresh.slice(0, syntaxProblemsMax);
}

function parse(text: string, lineCounter: LineCounter): Document.Parsed | undefined {
  try {
    const schema = { schema: 'failsafe', uniqueKeys: false } as const;
    return parseDocument(text, { ...schema, lineCounter, prettyErrors: false, logLevel: 'error' });
  } catch (error) {
    // The library recurses: thousands of open brackets end the stack, nothing else throws.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Turns nodes into words and leaves a mark for each. */
class TreeReader {
  readonly problems: Problem[] = [];
  readonly #origins: Origins;
  readonly #markAt: (offset: number) => { place: string; directory: string };
  /** Nodes by anchor, as met so far; the library's own search walks the document for each alias. */
  readonly #anchors = new Map<string, ParsedNode>();
  #nodes = 0;

  constructor(origins: Origins, markAt: (offset: number) => { place: string; directory: string }) {
    this.#origins = origins;
    this.#markAt = markAt;
  }

  /** Undefined for what is empty, null or refused. */
  read(node: ParsedNode | null, path: Path): Tree | undefined {
    this.#nodes += 1;
    if (node === null || this.#nodes > nodesMax) return this.#tooMuch(node, path);
    if (path.length > depthMax) return this.#tooMuch(node, path);
    if (isAlias(node)) return this.#readAlias(node, path);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (isMap(node)) return this.#readMap(node as YAMLMap.Parsed, path);
    if (isSeq(node)) {
      const items = node.items as ParsedNode[];
      return items.map((item, index) => this.#readMarked(item, [...path, index]) ?? '');
    }
    return isNull(node as Scalar) ? undefined : String((node as Scalar).value);
  }

  #readMarked(node: ParsedNode | null, path: Path, wordPlace?: string): Tree | undefined {
    const mark = node === null ? this.#origins.find(path) : this.#markAt(node.range[0]);
    this.#origins.mark(path, wordPlace === undefined ? mark : { ...mark, wordPlace });
    return this.read(node, path);
  }

  #readMap(map: YAMLMap.Parsed, path: Path): Block {
    const block = newBlock();
    for (const pair of map.items) {
      const key = isPair(pair) ? pair.key : null;
      if (!isScalar(key)) {
        const place = key === null ? this.#origins.find(path) : this.#markAt(key.range[0]);
        this.problems.push({ place: place.place, message: 'a word must be plain text' });
        continue;
      }
      const word = String(key.value);
      const wordPlace = this.#markAt(key.range[0]).place;
      if (Object.hasOwn(block, word)) {
        const message = `${quoteWord(word)} stands a second time in its block`;
        this.problems.push({ place: wordPlace, message, hint: 'keep one' });
      }
      const value = this.#readMarked(pair.value, [...path, word], wordPlace);
      // An unknown word without a value must be told all the same.
      block[word] = value ?? '';
    }
    return block;
  }

  #readAlias(alias: Alias.Parsed, path: Path): Tree | undefined {
    const target = this.#anchors.get(alias.source);
    if (target !== undefined) return this.read(target, path);
    const { place } = this.#markAt(alias.range[0]);
    this.problems.push({ place, ...syntaxMessages.BAD_ALIAS });
    return undefined;
  }

  #tooMuch(node: ParsedNode | null, path: Path): undefined {
    if (node === null) return undefined;
    const message = path.length > depthMax ? 'nests too deeply' : 'holds too many values';
    const { place } = this.#origins.find(path);
    if (!this.problems.some((problem) => problem.message === message)) {
      this.problems.push({ place, message });
    }
    return undefined;
  }
}

/** The ways YAML writes nothing (YAML 1.2.2 section 10.3.2); in quotes they are text. */
function isNull(scalar: Scalar): boolean {
  return scalar.type === 'PLAIN' && /^(~|null|Null|NULL)?$/.test(String(scalar.value));
}

const notYaml = { message: 'this is not YAML' };
const indentation = {
  message: 'the indentation does not fit the lines above, or a bracket is still open',
  hint: 'words of one block begin in the same column',
};

const syntaxMessages = {
  ALIAS_PROPS: notYaml,
  BAD_ALIAS: { message: 'the anchor of this alias (*) stands nowhere above' },
  BAD_COLLECTION_TYPE: notYaml,
  BAD_DIRECTIVE: { message: 'a line that begins with % is a directive we do not know' },
  BAD_DQ_ESCAPE: {
    message: 'a backslash sequence in double quotes that YAML does not know',
    hint: "in 'single quotes' a backslash is itself",
  },
  BAD_INDENT: indentation,
  BAD_PROP_ORDER: notYaml,
  BAD_SCALAR_START: {
    message: 'a value cannot begin with this character',
    hint: 'put the value in quotes',
  },
  BLOCK_AS_IMPLICIT_KEY: {
    message: 'a second ": " in one line',
    hint: 'put a value that holds ": " in quotes; begin a new line for a new word',
  },
  BLOCK_IN_FLOW: { message: 'a block cannot stand inside brackets' },
  // Never asked for: the library's search for duplicates takes quadratic time.
  DUPLICATE_KEY: notYaml,
  IMPOSSIBLE: notYaml,
  KEY_OVER_1024_CHARS: { message: 'the text before the colon is too long for a word' },
  MISSING_CHAR: {
    message: 'something is missing here: a colon and a space, a quote, a comma or a bracket',
  },
  MULTILINE_IMPLICIT_KEY: {
    message: 'a line without a word and a colon',
    hint: 'every line of a block reads `word: value`',
  },
  MULTIPLE_ANCHORS: notYaml,
  MULTIPLE_DOCS: { message: 'a second document begins here', hint: 'one file holds one' },
  MULTIPLE_TAGS: notYaml,
  NON_STRING_KEY: { message: 'a word must be plain text' },
  RESOURCE_EXHAUSTION: { message: 'too much to read' },
  TAB_AS_INDENT: { message: 'a tab indents this line', hint: 'YAML is indented with spaces' },
  TAG_RESOLVE_FAILED: notYaml,
  UNEXPECTED_TOKEN: {
    message: 'this cannot stand here',
    hint: 'put a value with special characters in quotes',
  },
} satisfies Record<ErrorCode, { message: string; hint?: string }>;
