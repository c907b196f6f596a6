/**
 * Reads what a TypeScript file imports, from its text alone: TypeScript 7 has no JavaScript API, and a
 * pattern over raw text would also find imports in comments and strings.
 */

export interface Import {
  readonly specifier: string;
  /** Whether the line only brings types and disappears when the file runs. */
  readonly isTypeOnly: boolean;
}

interface Token {
  readonly kind: 'word' | 'text' | 'mark';
  readonly value: string;
}

const tokenPattern =
  /\s+|\/\/[^\n]*|\/\*[^]*?\*\/|'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|([\p{L}\p{N}_$#@]+)|[^]/uy;
const regexPattern = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/uy;
const wordsBeforeRegex = new Set([
  'return',
  'typeof',
  'case',
  'of',
  'in',
  'await',
  'yield',
  'throw',
]);

/** Words, texts and marks; comments, white space, regular expressions and templates' texts left out. */
export function tokens(source: string): Token[] {
  const found: Token[] = [];
  /** One entry per open `${`: how many braces are open inside it. */
  const templates: number[] = [];
  let position = 0;
  while (position < source.length) {
    const character = source[position];
    if (character === '`' || (character === '}' && templates.at(-1) === 0)) {
      if (character === '}') templates.pop();
      position = skipTemplateText(source, position + 1, templates);
      continue;
    }
    if (character === '/' && canBeginRegex(found.at(-1))) {
      regexPattern.lastIndex = position;
      const isComment = source[position + 1] === '/' || source[position + 1] === '*';
      if (!isComment && regexPattern.test(source)) {
        position = regexPattern.lastIndex;
        found.push({ kind: 'text', value: '' });
        continue;
      }
    }
    tokenPattern.lastIndex = position;
    const match = tokenPattern.exec(source);
    if (!match) break;
    position = tokenPattern.lastIndex;
    const token = tokenOf(match);
    if (!token) continue;
    countBraces(templates, token.value);
    found.push(token);
  }
  return found;
}

function tokenOf([whole, single, double, word]: RegExpExecArray): Token | undefined {
  const text = single ?? double;
  if (text !== undefined) return { kind: 'text', value: text };
  if (word !== undefined) return { kind: 'word', value: word };
  const isNothing = whole.trim() === '' || whole.startsWith('//') || whole.startsWith('/*');
  return isNothing ? undefined : { kind: 'mark', value: whole };
}

function countBraces(templates: number[], mark: string): void {
  const open = templates.pop();
  if (open === undefined) return;
  templates.push(open + (mark === '{' ? 1 : mark === '}' ? -1 : 0));
}

/** @returns the position after the closing backtick or after the next `${`. */
function skipTemplateText(source: string, from: number, templates: number[]): number {
  for (let position = from; position < source.length; position++) {
    if (source[position] === '\\') position++;
    else if (source[position] === '`') return position + 1;
    else if (source.startsWith('${', position)) {
      templates.push(0);
      return position + 2;
    }
  }
  return source.length;
}

function canBeginRegex(before: Token | undefined): boolean {
  if (!before) return true;
  if (before.kind === 'word') return wordsBeforeRegex.has(before.value);
  return before.kind === 'mark' && !')]}'.includes(before.value);
}

/** Static, dynamic and type imports, re-exports, and `new URL('./file.ts', import.meta.url)`. */
export function importsOf(source: string): Import[] {
  const list = tokens(source);
  const imports: Import[] = [];
  for (let index = 0; index < list.length; index++) {
    const word = list[index];
    const isMember = list[index - 1]?.value === '.';
    if (word?.kind !== 'word' || isMember) continue;
    const found =
      word.value === 'import'
        ? importAt(list, index)
        : word.value === 'export'
          ? clauseAt(list, index)
          : word.value === 'URL'
            ? fileUrlAt(list, index)
            : undefined;
    if (found) imports.push(found);
  }
  return imports;
}

function importAt(list: readonly Token[], index: number): Import | undefined {
  const next = list[index + 1];
  if (next?.kind === 'text') return { specifier: next.value, isTypeOnly: false };
  if (next?.value === '.') return undefined; // import.meta
  if (next?.value !== '(') return clauseAt(list, index);
  const argument = list[index + 2];
  if (argument?.kind !== 'text') return undefined;
  // `import('x').Name` in the place of a type
  const isType = list[index - 1]?.value === ':' && list[index + 4]?.value === '.';
  return { specifier: argument.value, isTypeOnly: isType };
}

/** `import a, { type b } from 'x'`, `export * from 'x'`; undefined for exports that declare. */
function clauseAt(list: readonly Token[], index: number): Import | undefined {
  const words: string[] = [];
  for (let at = index + 1; at < list.length; at++) {
    const token = list[at];
    if (!token || token.value === ';' || token.value === '(' || token.value === '=')
      return undefined;
    const specifier = list[at + 1];
    if (token.value === 'from' && specifier?.kind === 'text') {
      return { specifier: specifier.value, isTypeOnly: isTypeClause(words) };
    }
    if (token.kind === 'mark' && !'{},*'.includes(token.value)) return undefined;
    words.push(token.value);
  }
  return undefined;
}

function isTypeClause(words: readonly string[]): boolean {
  if (words[0] === 'type') return words.length > 1 && words[1] !== ',';
  const open = words.indexOf('{');
  if (open !== 0) return false;
  const names = words.slice(1, -1).join(' ').split(',');
  return names.every((name) => name.trim() === '' || name.trim().startsWith('type '));
}

function fileUrlAt(list: readonly Token[], index: number): Import | undefined {
  const argument = list[index + 2];
  const isOfFile = list[index + 1]?.value === '(' && list[index + 4]?.value === 'import';
  return isOfFile && argument?.kind === 'text'
    ? { specifier: argument.value, isTypeOnly: false }
    : undefined;
}
