/**
 * What a new file is given besides its bytes: its type by the extension of its name, the rest as the
 * account says. Pure. Nothing here looks at the bytes: they come after the decision.
 */
import mime from 'mime';
import type { ObjectAttributes } from './object-attributes.ts';

export interface NewObjectRules {
  /** Type by extension in lower case, `tar.gz` before `gz`; `*` is for every other file. */
  readonly contentTypes: Readonly<Record<string, string>>;
  /** The same for every file. */
  readonly attributes: Omit<ObjectAttributes, 'contentType'>;
}

const unknownType = 'application/octet-stream';

/** @param path or key; its last name counts. */
export function newObjectAttributes(
  path: string,
  { contentTypes, attributes }: NewObjectRules,
): ObjectAttributes {
  return { ...attributes, contentType: contentTypeOf(path, contentTypes) };
}

/** What the rules say goes before what is known; without either it is a row of bytes. */
function contentTypeOf(path: string, contentTypes: NewObjectRules['contentTypes']): string {
  const extensions = extensionsOf(path);
  const ruled = extensions.find((extension) => Object.hasOwn(contentTypes, extension)) ?? '*';
  return contentTypes[ruled] ?? mime.getType(extensions.at(-1) ?? '') ?? unknownType;
}

/** No extension anybody has a type for is longer. */
const dotsMax = 4;

/** The longest first: `tar.gz`, `gz`. A dot in front hides a file, it begins no extension. */
function extensionsOf(path: string): readonly string[] {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  const pieces = name.replace(/^\.+/, '').split('.').slice(1).slice(-dotsMax);
  return pieces.map((_, index) => pieces.slice(index).join('.'));
}
