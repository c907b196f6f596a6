/**
 * Shell patterns over names, in time proportional to the length of the name whatever the pattern: all
 * positions of the pattern that could be reached are followed at once, as bits, with no backtracking.
 * A client may send any pattern; a matcher that backtracks can be made to block the process for hours.
 *
 * `*` any characters, `?` one, `[a-c]` one of, `[!a-c]` one not of, `\` takes the next one literally.
 * A leading dot is nothing special. Case counts, as in COS.
 */

export interface Glob {
  matches(name: string): boolean;
}

/** Longer patterns match nothing: a name of COS has at most 850 bytes. */
const tokensMax = 1024;
/** Masks remembered per pattern. */
const masksMax = 512;

/** One character of a name. */
type Token = (codePoint: number) => boolean;

interface Parsed {
  readonly tokens: readonly Token[];
  /** Positions (0 = before the first token) at which any characters may follow. */
  readonly stars: ReadonlySet<number>;
}

export function isPattern(text: string): boolean {
  return /[*?[]/.test(text);
}

export function compileGlob(pattern: string): Glob {
  const parsed = parse(Array.from(pattern));
  if (parsed.tokens.length > tokensMax) return { matches: () => false };
  const matcher = new BitMatcher(parsed);
  return { matches: (name) => matcher.matches(name) };
}

/** Bit `i` of the state: the first `i` tokens have matched what was read so far. */
class BitMatcher {
  readonly #tokens: readonly Token[];
  readonly #words: number;
  readonly #stay: Uint32Array;
  readonly #masks = new Map<number, Uint32Array>();
  readonly #state: Uint32Array;

  constructor({ tokens, stars }: Parsed) {
    this.#tokens = tokens;
    this.#words = (tokens.length >>> 5) + 1;
    this.#stay = this.#bits((position) => stars.has(position));
    this.#state = new Uint32Array(this.#words);
  }

  matches(name: string): boolean {
    const state = this.#state.fill(0);
    state[0] = 1;
    for (const character of name) {
      if (!this.#step(this.#maskOf(character.codePointAt(0) ?? 0))) return false;
    }
    const last = this.#tokens.length;
    return (((state[last >>> 5] ?? 0) >>> (last & 31)) & 1) === 1;
  }

  /** @param mask positions whose next token takes the character. @returns whether any position is left. */
  #step(mask: Uint32Array): boolean {
    const state = this.#state;
    let carry = 0;
    let left = 0;
    for (let word = 0; word < this.#words; word++) {
      const here = state[word] ?? 0;
      const moved = here & (mask[word] ?? 0);
      const next = ((moved << 1) | carry | (here & (this.#stay[word] ?? 0))) >>> 0;
      carry = moved >>> 31;
      state[word] = next;
      left |= next;
    }
    return left !== 0;
  }

  #maskOf(codePoint: number): Uint32Array {
    let mask = this.#masks.get(codePoint);
    if (!mask) {
      mask = this.#bits((position) => this.#tokens[position]?.(codePoint) ?? false);
      if (this.#masks.size >= masksMax) this.#masks.clear();
      this.#masks.set(codePoint, mask);
    }
    return mask;
  }

  #bits(isSet: (position: number) => boolean): Uint32Array {
    const bits = new Uint32Array(this.#words);
    for (let position = 0; position <= this.#tokens.length; position++) {
      if (isSet(position))
        bits[position >>> 5] = (bits[position >>> 5] ?? 0) | (1 << (position & 31));
    }
    return bits;
  }
}

function parse(characters: readonly string[]): Parsed {
  const tokens: Token[] = [];
  const stars = new Set<number>();
  for (let index = 0; index < characters.length; ) {
    const character = characters[index] ?? '';
    const set = character === '[' ? parseSet(characters, index) : undefined;
    if (set) {
      tokens.push(set.token);
      index = set.end;
    } else if (character === '*') {
      stars.add(tokens.length);
      index += 1;
    } else if (character === '?') {
      tokens.push(() => true);
      index += 1;
    } else {
      const isEscape = character === '\\' && index + 1 < characters.length;
      tokens.push(literal(isEscape ? (characters[index + 1] ?? '') : character));
      index += isEscape ? 2 : 1;
    }
  }
  return { tokens, stars };
}

function literal(character: string): Token {
  const wanted = character.codePointAt(0);
  return (codePoint) => codePoint === wanted;
}

/** From `[` at `start`; undefined when it is never closed and so stands for itself. */
function parseSet(
  characters: readonly string[],
  start: number,
): { token: Token; end: number } | undefined {
  const isNegated = characters[start + 1] === '!' || characters[start + 1] === '^';
  const first = start + (isNegated ? 2 : 1);
  // A bracket right at the beginning is a member (POSIX.2 section 3.13.1).
  const close = characters.indexOf(']', first + 1);
  if (close === -1) return undefined;
  const ranges = parseRanges(characters.slice(first, close));
  const isMember: Token = (codePoint) =>
    ranges.some(([low, high]) => codePoint >= low && codePoint <= high);
  return {
    token: isNegated ? (codePoint) => !isMember(codePoint) : isMember,
    end: close + 1,
  };
}

function parseRanges(members: readonly string[]): [number, number][] {
  const codes = members.map((member) => member.codePointAt(0) ?? 0);
  const ranges: [number, number][] = [];
  for (let index = 0; index < codes.length; ) {
    const low = codes[index] ?? 0;
    const isRange = members[index + 1] === '-' && index + 2 < codes.length;
    ranges.push([low, isRange ? (codes[index + 2] ?? 0) : low]);
    index += isRange ? 3 : 1;
  }
  return ranges;
}
