/**
 * Checks every word of a written configuration by itself and goes on after a bad one, so that all
 * problems are found in one run. What words say about each other is checked afterwards (rules.ts), on
 * the words that are good. Pure.
 */

import { resolve } from 'node:path';
import * as z from 'zod';
import { type Block, isBlock, isWritten, type Path, type Tree } from './origin.ts';
import { quoteWord } from './problem.ts';
import { bareSchema, gatewayBlock, holdsPath, type WrittenConfig } from './schema.ts';
import { hintForUnknown } from './unknown-word.ts';

export interface Issue {
  readonly path: Path;
  readonly message: string;
  readonly hint?: string;
  /** The issue is about the word, not about its value; the message names it. */
  readonly aboutWord?: true;
  /** Another word the message speaks of; its place is told, too. */
  readonly other?: Path;
}

type DeepPartial<Value> = Value extends readonly (infer Element)[]
  ? DeepPartial<Element>[]
  : Value extends object
    ? { [Word in keyof Value]?: DeepPartial<Value[Word]> }
    : Value;

/** As written, without the words that were refused. */
export type PartialConfig = DeepPartial<WrittenConfig>;

/** What decoding made of bytes that are no UTF-8. In a comment nobody minds. */
const notUtf8 = '\uFFFD';

/** A block with more unknown words than this is no slip of the fingers. */
const suggestionsMax = 50;

export interface Checked {
  /** Is a whole WrittenConfig when there are no issues. */
  readonly written: PartialConfig;
  readonly issues: readonly Issue[];
}

/** @param directoryOf what a relative path written at `path` is relative to. */
export function checkWords(tree: Block, directoryOf: (path: Path) => string): Checked {
  const issues: Issue[] = [];
  const written = checkBlock(gatewayBlock, tree, [], { issues, directoryOf });
  return { written: written as PartialConfig, issues };
}

interface Walk {
  readonly issues: Issue[];
  readonly directoryOf: (path: Path) => string;
}

function checkValue(
  schema: z.core.$ZodType,
  raw: Tree | undefined,
  path: Path,
  walk: Walk,
): unknown {
  const bare = bareSchema(schema);
  if (!isWritten(raw) || raw === undefined) {
    if (bare instanceof z.ZodObject && schema instanceof z.ZodPrefault) {
      return checkBlock(bare, {}, path, walk);
    }
    return checkAbsent(schema, path, walk);
  }
  if (bare instanceof z.ZodObject) return checkBlock(bare, raw, path, walk);
  if (bare instanceof z.ZodArray) return checkList(bare.element, raw, path, walk);
  if (bare instanceof z.ZodRecord) return checkMap(bare, raw, path, walk);
  return checkLeaf(schema, raw, path, walk);
}

function checkAbsent(schema: z.core.$ZodType, path: Path, walk: Walk): unknown {
  if (schema instanceof z.ZodExactOptional) return undefined;
  const result = z.safeParse(schema, undefined);
  if (result.success) return result.data;
  walk.issues.push({ path, message: 'is missing' });
  return undefined;
}

function checkBlock(block: z.ZodObject, raw: Tree, path: Path, walk: Walk): unknown {
  if (!isBlock(raw)) {
    walk.issues.push({ path, message: 'expected a block of words', hint: wordList(block) });
    return undefined;
  }
  const words = Object.keys(block.shape);
  const unknown = Object.keys(raw).filter((word) => !Object.hasOwn(block.shape, word));
  for (const [count, word] of unknown.entries()) {
    const hint = count < suggestionsMax ? hintForUnknown(word, words) : undefined;
    walk.issues.push(unknownWord(word, hint, path));
  }
  const values = Object.entries(block.shape).map(([word, schema]) => {
    return [word, checkValue(schema, raw[word], [...path, word], walk)] as const;
  });
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

/** A list of single values may also be written as one text: `list, read`. */
function checkList(element: z.core.$ZodType, raw: Tree, path: Path, walk: Walk): unknown {
  const isLeafList = !(element instanceof z.ZodObject);
  const items = isLeafList && typeof raw === 'string' ? raw.split(/[\s,]+/).filter(isWritten) : raw;
  if (!Array.isArray(items)) {
    walk.issues.push({ path, message: 'expected a list' });
    return undefined;
  }
  const values = items.map((item, index) => checkValue(element, item, [...path, index], walk));
  if (!isLeafList) return values.map((value) => value ?? {});
  return values.filter((value) => value !== undefined);
}

/** Names of the writer's own, each with one value; an empty one stays, for it may take another away. */
function checkMap(map: z.ZodRecord, raw: Tree, path: Path, walk: Walk): unknown {
  if (!isBlock(raw)) {
    walk.issues.push({ path, message: 'expected names and values', hint: 'name: value' });
    return undefined;
  }
  const values = new Map<string, unknown>();
  for (const [written, inner] of Object.entries(raw)) {
    const at = [...path, written];
    const name = checkLeaf(map.keyType, written, at, walk);
    if (typeof name !== 'string') continue;
    if (values.has(name)) {
      const message = `${quoteWord(written)} is ${name} once more`;
      walk.issues.push({ path: at, message, aboutWord: true });
    }
    values.set(name, isWritten(inner) ? checkLeaf(map.valueType, inner, at, walk) : '');
  }
  return Object.fromEntries(values);
}

function checkLeaf(schema: z.core.$ZodType, raw: Tree, path: Path, walk: Walk): unknown {
  if (typeof raw === 'string' && raw.includes(notUtf8)) {
    walk.issues.push({ path, message: 'holds bytes that are not UTF-8', hint: 'save it as UTF-8' });
    return undefined;
  }
  const result = z.safeParse(schema, raw);
  if (!result.success) {
    walk.issues.push(...result.error.issues.map((issue) => toIssue(issue, path)));
    return undefined;
  }
  if (!holdsPath(schema)) return result.data;
  return resolve(walk.directoryOf(path), String(result.data));
}

function toIssue(issue: z.core.$ZodIssue, path: Path): Issue {
  const hint: unknown = issue.code === 'custom' ? issue.params?.['hint'] : undefined;
  const { message } = issue;
  return typeof hint === 'string' ? { path, message, hint } : { path, message };
}

function unknownWord(word: string, hint: string | undefined, path: Path): Issue {
  const issue = {
    path: [...path, word],
    message: `unknown word ${quoteWord(word)}`,
    aboutWord: true,
  } as const;
  return hint === undefined ? issue : { ...issue, hint };
}

function wordList(block: z.ZodObject): string {
  return `its words: ${Object.keys(block.shape).join(', ')}`;
}
