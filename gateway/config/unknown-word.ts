/**
 * What was probably meant by a word that its block does not have: a word of this block misspelt, a right
 * word in the wrong block, or both. Pure; its texts hold words of the schema only, never what was written.
 */

import { configWords } from './schema.ts';
import { formerly, similar } from './suggest.ts';

/** @param known the words of the block it stands in. */
export function hintForUnknown(word: string, known: readonly string[]): string | undefined {
  const homes = homesOf(word);
  if (homes.length > 0) return `it belongs ${placesOf(homes)}`;
  const near = similar(word, known) ?? formerly(word);
  if (near !== undefined) return withPlace(near, known);
  if (/^\w+:./.test(word)) return 'a space is missing after the colon';
  const elsewhere = similar(word, [...blocksByWord.keys()]);
  return elsewhere === undefined ? undefined : withPlace(elsewhere, known);
}

/** The only dotted word that ends so, of those without a list: `cos.bucket` for `bucket`. */
export function dottedWord(word: string): string | undefined {
  const found = homesOf(word).filter((block) => !block.includes('[]'));
  const [only] = found;
  if (only === undefined || found.length > 1) return undefined;
  return only === '' ? word : `${only}.${word}`;
}

function withPlace(near: string, known: readonly string[]): string {
  const question = `did you mean ${near}?`;
  const homes = known.includes(near) ? [] : homesOf(near);
  return homes.length === 0 ? question : `${question} it belongs ${placesOf(homes)}`;
}

/** Blocks by the words they have; '' is the whole file, `accounts[]` the entries of a list. */
const blocksByWord: ReadonlyMap<string, readonly string[]> = readBlocks();

function readBlocks(): Map<string, string[]> {
  const blocks = new Map<string, string[]>();
  for (const { word: dotted } of configWords()) {
    const steps = dotted.split('.');
    const word = steps.pop() ?? '';
    blocks.set(word, [...(blocks.get(word) ?? []), steps.join('.')]);
  }
  return blocks;
}

function homesOf(word: string): readonly string[] {
  return blocksByWord.get(word) ?? [];
}

function placesOf(homes: readonly string[]): string {
  return [...new Set(homes.map(placeName))].join(' or ');
}

function placeName(block: string): string {
  const name = block.split('.').at(-1)?.replace('[]', '') ?? '';
  return name === '' ? 'at the top level' : `under \`${name}:\``;
}
