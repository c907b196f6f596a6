/**
 * Reads the two request bodies that are XML: the part list of Complete and the key list of multi-delete.
 * Sizes are bounded before parsing; entities of a document type are never expanded.
 */
import { XMLParser } from 'fast-xml-parser';
import { CosError } from './errors.ts';
import type { ListedPart } from './part-rules.ts';

/** Multi-delete takes 1000 keys (COS page 436/8289). */
export const deleteKeysMax = 1000;

export interface DeleteList {
  readonly keys: readonly string[];
  /** Only failures are reported. */
  readonly quiet: boolean;
}

const parser = new XMLParser({
  ignoreAttributes: true,
  ignoreDeclaration: true,
  parseTagValue: false,
  // A key may begin or end with a space.
  trimValues: false,
  isArray: (name) => name === 'Part' || name === 'Object',
});

/** @throws CosError MalformedXML. */
export function readPartList(xml: string): readonly ListedPart[] {
  const parts = childrenOf(rootOf(xml, 'CompleteMultipartUpload'), 'Part').map((part) => ({
    number: Number(textOf(part, 'PartNumber').trim() || Number.NaN),
    etag: textOf(part, 'ETag').trim(),
  }));
  const isValid = parts.length > 0 && parts.every(({ number }) => Number.isInteger(number));
  if (!isValid) throw new CosError('MalformedXML');
  return parts;
}

/** @throws CosError MalformedXML. */
export function readDeleteList(xml: string): DeleteList {
  const root = rootOf(xml, 'Delete');
  const keys = childrenOf(root, 'Object').map((object) => textOf(object, 'Key'));
  if (keys.length === 0 || keys.length > deleteKeysMax) throw new CosError('MalformedXML');
  const quiet = 'Quiet' in root && textOf(root, 'Quiet').trim().toLowerCase() === 'true';
  return { keys, quiet };
}

type Element = Readonly<Record<string, unknown>>;

function rootOf(xml: string, name: string): Element {
  const document = parse(xml);
  const root = isElement(document) ? document[name] : undefined;
  if (!isElement(root)) throw new CosError('MalformedXML');
  return root;
}

function parse(xml: string): unknown {
  // Refuses what the parser would otherwise repair or skip silently.
  if (/<!DOCTYPE/i.test(xml)) throw new CosError('MalformedXML');
  try {
    return parser.parse(xml, true);
  } catch (error) {
    throw new CosError('MalformedXML', { cause: error });
  }
}

function childrenOf(element: Element, name: string): readonly Element[] {
  const children: unknown = element[name];
  return Array.isArray(children) ? children.filter(isElement) : [];
}

function textOf(element: Element, name: string): string {
  const text = element[name];
  if (typeof text !== 'string') throw new CosError('MalformedXML');
  return text;
}

function isElement(value: unknown): value is Element {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
