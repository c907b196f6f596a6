/**
 * MLSD and MLST facts (RFC 3659 section 7). Pure.
 *
 * `perm` is computed from the account's permissions, so that clients grey out what would be refused.
 */
import type { DirectoryEntry } from '#gateway/storage/listing.ts';
import { visibleName } from './visible-name.ts';

/** In the order in which they are sent. */
export const factNames = ['type', 'size', 'modify', 'perm', 'UNIX.mode'] as const;

export type FactName = (typeof factNames)[number];

/** What OPTS MLST chose. */
export type FactSelection = ReadonlySet<FactName>;

export const allFacts: FactSelection = new Set(factNames);

/** The words of the configuration. */
export type AccountPermission = 'list' | 'read' | 'write' | 'overwrite' | 'delete';

export interface FactRights {
  readonly permissions: ReadonlySet<AccountPermission>;
}

/** The argument of OPTS MLST, `size;type;`: unknown names are ignored, case too (RFC 3659 section 7.9). */
export function parseFactSelection(text: string): FactSelection {
  const wanted = new Set(text.split(';').map((name) => name.trim().toLowerCase()));
  return new Set(factNames.filter((name) => wanted.has(name.toLowerCase())));
}

/** What the 200 to OPTS MLST names after `MLST OPTS`: the facts that will be sent, possibly none. */
export function formatFactSelection(selection: FactSelection): string {
  return [...selection].map((name) => `${name};`).join('');
}

/** The line of FEAT; a star marks the facts that are sent now (RFC 3659 section 7.8). */
export function formatFactFeature(selection: FactSelection): string {
  const marked = factNames.map((name) => `${name}${selection.has(name) ? '*' : ''};`);
  return `MLST ${marked.join('')}`;
}

/** One line without its end: facts, a space, the name. */
export type FactFormat = (entry: DirectoryEntry) => string;

export function factFormat(selection: FactSelection, rights: FactRights): FactFormat {
  const perm = { file: filePerm(rights), dir: directoryPerm(rights) };
  const mode = { file: octalMode('file', rights), dir: octalMode('dir', rights) };
  const facts: Record<FactName, (entry: DirectoryEntry) => string> = {
    type: ({ type }) => `type=${type};`,
    size: ({ type, sizeBytes }) => (type === 'file' ? `size=${sizeBytes};` : ''),
    modify: ({ modifiedAt }) => (modifiedAt ? `modify=${formatFactTime(modifiedAt)};` : ''),
    perm: ({ type }) => `perm=${perm[type]};`,
    'UNIX.mode': ({ type }) => `UNIX.mode=${mode[type]};`,
  };
  const chosen = factNames.filter((name) => selection.has(name)).map((name) => facts[name]);
  return (entry) => {
    let line = '';
    for (const fact of chosen) line += fact(entry);
    return `${line} ${visibleName(entry.name)}`;
  };
}

/** YYYYMMDDHHMMSS in UTC (RFC 3659 section 2.3); also what MDTM answers. */
export function formatFactTime(time: Date): string {
  const date = time.getUTCFullYear() * 10_000 + (time.getUTCMonth() + 1) * 100 + time.getUTCDate();
  const clock = time.getUTCHours() * 10_000 + time.getUTCMinutes() * 100 + time.getUTCSeconds();
  return String(date * 1_000_000 + clock).padStart(14, '0');
}

/** RFC 3659 section 7.5.5: append, delete, rename, retrieve, overwrite. */
function filePerm({ permissions }: FactRights): string {
  const letters = [
    permissions.has('overwrite') && 'a',
    permissions.has('delete') && 'd',
    permissions.has('write') && 'f',
    permissions.has('read') && 'r',
    permissions.has('overwrite') && 'w',
  ];
  return letters.filter(Boolean).join('');
}

/** Create in it, delete it, enter it, rename it, list it, make directories in it, delete what is in it. */
function directoryPerm({ permissions }: FactRights): string {
  const letters = [
    permissions.has('write') && 'c',
    permissions.has('delete') && 'd',
    'e',
    permissions.has('write') && 'f',
    permissions.has('list') && 'l',
    permissions.has('write') && 'm',
    permissions.has('delete') && 'p',
  ];
  return letters.filter(Boolean).join('');
}

/** Permission bits of an entry as every user of the account has them. */
export function modeBits(type: DirectoryEntry['type'], { permissions }: FactRights): number {
  if (type === 'dir') return permissions.has('write') ? 0o755 : 0o555;
  return permissions.has('overwrite') ? 0o644 : 0o444;
}

function octalMode(type: DirectoryEntry['type'], rights: FactRights): string {
  return `0${modeBits(type, rights).toString(8)}`;
}
