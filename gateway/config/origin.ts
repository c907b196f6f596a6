/**
 * Where each word of a configuration was written, so that a problem found later can name the file and
 * line, the environment variable or the argument, and a relative path can be read against the right
 * directory.
 */

export type Leaf = string | number | boolean;
/** A configuration before it is checked. An absent word and an empty one are the same. */
export type Tree = Leaf | Tree[] | Block;
/** Words and what they hold. Has no prototype, so that no word can be found that nobody wrote. */
export interface Block {
  [word: string]: Tree;
}

export type Path = readonly (string | number)[];

export interface Mark {
  /** `file:line:column`, `COSFTP_WORD`, `--set word`. */
  readonly place: string;
  /** Where the word itself stands, when its value stands elsewhere. */
  readonly wordPlace?: string;
  /** The word in the writer's language, when it is not ours: `[NETWORK] passive_port`. */
  readonly word?: string;
  /** What relative paths are relative to. */
  readonly directory: string;
}

export class Origins {
  readonly #root: Mark;
  readonly #marks = new Map<string, Mark>();

  /** @param root for whatever nobody marked: the file as a whole. */
  constructor(root: Mark) {
    this.#root = root;
  }

  mark(path: Path, mark: Mark): void {
    this.#marks.set(keyOf(path), mark);
  }

  /** Like mark, for a value that takes the place of all that was written below `path`. */
  replace(path: Path, mark: Mark): void {
    const key = keyOf(path);
    for (const marked of this.#marks.keys()) {
      if (marked.startsWith(key)) this.#marks.delete(marked);
    }
    this.#marks.set(key, mark);
  }

  /** The mark of the path, or of the nearest block or list around it. */
  find(path: Path): Mark {
    return this.#findMarked(path)?.mark ?? this.#root;
  }

  /** How a message names the word: as its writer wrote it. */
  wordAt(path: Path): string {
    const found = this.#findMarked(path);
    const isItself = found !== undefined && found.path.length === path.length;
    return (isItself ? found.mark.word : undefined) ?? formatPath(path);
  }

  #findMarked(path: Path): { path: Path; mark: Mark } | undefined {
    for (let length = path.length; length > 0; length -= 1) {
      const prefix = path.slice(0, length);
      const mark = this.#marks.get(keyOf(prefix));
      if (mark !== undefined) return { path: prefix, mark };
    }
    return undefined;
  }
}

/** `accounts[0].cos.bucket`. */
export function formatPath(path: Path): string {
  return path.reduce<string>((above, step) => {
    if (typeof step === 'number') return `${above}[${step}]`;
    return above === '' ? step : `${above}.${step}`;
  }, '');
}

export function newBlock(): Block {
  return Object.create(null) as Block;
}

export function isBlock(tree: Tree | undefined): tree is Block {
  return typeof tree === 'object' && !Array.isArray(tree);
}

/** Whether a value counts as written: an empty one is the same as none. */
export function isWritten(tree: Tree | undefined): boolean {
  return tree !== undefined && tree !== '';
}

/** Puts a value at a path of words, making the blocks on the way; no effect below what is no block. */
export function setAt(tree: Block, path: Path, value: Tree | undefined): void {
  const [word, ...rest] = path;
  if (word === undefined) return;
  if (rest.length > 0) {
    const inner = (tree[word] ??= newBlock());
    if (isBlock(inner)) setAt(inner, rest, value);
  } else if (value === undefined) {
    delete tree[word];
  } else {
    tree[word] = value;
  }
}

/** The accounts that are blocks at all, with their place in the list. */
export function writtenAccounts(written: Block): { account: Block; index: number }[] {
  const accounts = written['accounts'];
  if (!Array.isArray(accounts)) return [];
  return accounts
    .map((account, index) => ({ account, index }))
    .filter((entry): entry is { account: Block; index: number } => isBlock(entry.account));
}

function keyOf(path: Path): string {
  return path.map((step) => `${step}\n`).join('');
}
