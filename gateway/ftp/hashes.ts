/**
 * Checksums a client can ask for. Pure. Only what the store keeps with a file: reading a file to hash it
 * would cost as much as a download, and would prove no more than the comparison at its upload did.
 */
import type { ObjectInfo } from '#gateway/storage/object-store.ts';

/** `CRC-64` is CRC-64/XZ, the store's own. It is not in IANA's registry of hash names; MD5 is. */
export const hashNames = ['CRC-64', 'MD5'] as const;

export type HashName = (typeof hashNames)[number];

/** Every file the gateway stored has it. */
export const defaultHashName: HashName = 'CRC-64';

const readers = {
  'CRC-64': ({ crc64 }) => crc64?.toString(16).padStart(16, '0'),
  MD5: ({ md5 }) => md5,
} as const satisfies Record<HashName, (info: ObjectInfo) => string | undefined>;

/** Lower-case hexadecimal digits, or undefined when the store does not keep it for this file. */
export function storedHash(info: ObjectInfo, name: HashName): string | undefined {
  return readers[name](info);
}

/** What the store keeps for this file. */
export function storedHashNames(info: ObjectInfo): HashName[] {
  return hashNames.filter((name) => storedHash(info, name) !== undefined);
}

/** Case is free (draft-bryan-ftpext-hash-02 section 3.1). */
export function findHashName(text: string): HashName | undefined {
  return hashNames.find((name) => name === text.toUpperCase());
}

/** The line of FEAT; a star marks the chosen one. */
export function formatHashFeature(chosen: HashName): string {
  return `HASH ${hashNames.map((name) => (name === chosen ? `${name}*` : name)).join(';')}`;
}

/** `XMD5 "a b" 0 99`: a file and the stretch asked for. */
export interface HashedRange {
  readonly path: string;
  /** Both as sent; absent: from the beginning, to the end. */
  readonly startBytes?: number;
  readonly endBytes?: number;
}

/**
 * What an argument of the X-commands means when it is not simply a name: a quoted name, numbers behind
 * it, or both. Undefined when it can only be a name.
 */
export function parseHashedRange(argument: string): HashedRange | undefined {
  const last = splitNumber(argument.trimEnd());
  const first = last && splitNumber(last.before);
  const name = first?.before ?? last?.before ?? argument.trimEnd();
  const quoted = /^"(.+)"$/.exec(name)?.[1];
  if (!last && quoted === undefined) return undefined;
  const [startBytes, endBytes] = first ? [first.number, last?.number] : [last?.number];
  return {
    path: quoted?.replaceAll('""', '"') ?? name,
    ...(startBytes !== undefined && { startBytes }),
    ...(endBytes !== undefined && { endBytes }),
  };
}

/** The number behind the last space. */
function splitNumber(text: string): { before: string; number: number } | undefined {
  const space = text.lastIndexOf(' ');
  const word = text.slice(space + 1);
  if (space < 1 || !/^\d{1,15}$/.test(word)) return undefined;
  return { before: text.slice(0, space).trimEnd(), number: Number(word) };
}
