/**
 * The rules of the house as functions of file texts: each returns the sentences a violator reads. Pure,
 * so that the rules themselves can be tested on files that do not exist.
 */
import { dirname, join } from 'node:path/posix';
import { type Import, importsOf, tokens } from './source-scan.ts';

/** Path from the project's root, forward slashes → text. */
export type Sources = ReadonlyMap<string, string>;

export interface Room {
  /** Rooms whose files it may import; its own always. */
  readonly may: readonly string[];
  /** Rooms of which it may import types only. */
  readonly mayTypes?: readonly string[];
  /** External packages. */
  readonly packages?: readonly string[];
  /** External packages of which it may import types only. */
  readonly packageTypes?: readonly string[];
  /** Files that are no code, from the project's root. */
  readonly data?: readonly string[];
}

/** Folder → room. A file belongs to the room with the longest folder that contains it. */
export type RoomTable = Readonly<Record<string, Room>>;

export function roomOf(table: RoomTable, path: string): string | undefined {
  const folders = Object.keys(table).filter((folder) => path.startsWith(`${folder}/`));
  return folders.sort((first, second) => second.length - first.length)[0];
}

/** The file a specifier means, or undefined for packages and Node's own modules. */
export function resolveImport(path: string, specifier: string): string | undefined {
  if (specifier.startsWith('#')) return specifier.slice(1);
  return specifier.startsWith('.') ? join(dirname(path), specifier) : undefined;
}

export function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

/** Imports that the table does not allow. */
export function roomViolations(table: RoomTable, sources: Sources): string[] {
  return eachImport(sources, (path, imported) => {
    const room = roomOf(table, path);
    const rules = room === undefined ? undefined : table[room];
    if (room === undefined || !rules) return `${path} is in no room of the table`;
    if (imported.specifier.startsWith('node:')) return undefined;
    const target = resolveImport(path, imported.specifier);
    if (target === undefined) return packageProblem(room, rules, path, imported);
    const targetRoom = roomOf(table, target);
    if (targetRoom === room || rules.data?.includes(target)) return undefined;
    if (imported.specifier.startsWith('.') && !target.startsWith(`${houseOf(room)}/`)) {
      return `${path}: ${imported.specifier} leaves the room; say #${target}`;
    }
    if (targetRoom === undefined) return `${path}: ${imported.specifier} is in no room`;
    const isAllowed =
      rules.may.includes(targetRoom) ||
      (imported.isTypeOnly && rules.mayTypes?.includes(targetRoom));
    const how = rules.mayTypes?.includes(targetRoom) ? ' except by import type' : '';
    return isAllowed ? undefined : `${path}: ${room} may not import ${targetRoom}${how}`;
  });
}

/** Rooms inside a room are one house: relative paths may go through it. */
function houseOf(room: string): string {
  return room.split('/').slice(0, 2).join('/');
}

function packageProblem(
  room: string,
  rules: Room,
  path: string,
  { specifier, isTypeOnly }: Import,
): string | undefined {
  const name = packageOf(specifier);
  if (rules.packages?.includes(name)) return undefined;
  if (isTypeOnly && rules.packageTypes?.includes(name)) return undefined;
  return `${path}: ${room} may not import the package ${name}`;
}

/** Imports of files that do not exist: dead paths that only some branch would meet. */
export function brokenImports(sources: Sources): string[] {
  return eachImport(sources, (path, { specifier }) => {
    const target = resolveImport(path, specifier);
    const isMissing = target?.endsWith('.ts') === true && !sources.has(target);
    return isMissing ? `${path}: there is no ${target}` : undefined;
  });
}

function eachImport(
  sources: Sources,
  problem: (path: string, imported: Import) => string | undefined,
): string[] {
  const problems = [...sources].flatMap(([path, text]) =>
    importsOf(text).map((imported) => problem(path, imported)),
  );
  return problems.filter((sentence) => sentence !== undefined);
}

/** Files that wait for each other when they are loaded. Types are not there at run time: not counted. */
export function importCycles(sources: Sources): string[] {
  const edges = new Map<string, string[]>();
  for (const [path, text] of sources) {
    const targets = importsOf(text)
      .filter(({ isTypeOnly }) => !isTypeOnly)
      .map(({ specifier }) => resolveImport(path, specifier));
    edges.set(
      path,
      targets.filter((target) => target !== undefined),
    );
  }
  return findCycles(edges);
}

/** Each cycle once, as `a → b → a`. */
export function findCycles(edges: ReadonlyMap<string, readonly string[]>): string[] {
  const cycles = new Set<string>();
  const finished = new Set<string>();
  const trail: string[] = [];
  const visit = (node: string) => {
    const begin = trail.indexOf(node);
    if (begin >= 0) {
      cycles.add([...trail.slice(begin), node].join(' → '));
      return;
    }
    if (finished.has(node)) return;
    trail.push(node);
    for (const next of edges.get(node) ?? []) visit(next);
    trail.pop();
    finished.add(node);
  };
  for (const node of edges.keys()) visit(node);
  return [...cycles];
}

/** Files that nothing of the product imports; an import from a test does not make a file useful. */
export function unusedFiles(sources: Sources, entryPoints: readonly string[]): string[] {
  const used = new Set(entryPoints);
  for (const [path, text] of sources) {
    for (const { specifier } of importsOf(text)) {
      const target = resolveImport(path, specifier);
      if (target !== undefined && target !== path) used.add(target);
    }
  }
  const unused = [...sources.keys()].filter((path) => !used.has(path) && !path.endsWith('.d.ts'));
  return unused.map((path) => `${path} is imported by no file of the product`);
}

const emptyNames = ['util', 'utils', 'helper', 'helpers', 'manager', 'common', 'misc', 'shared'];

/** Names that are not kebab-case nouns, or say nothing. */
export function badNames(sources: Sources): string[] {
  return [...sources.keys()].flatMap((path) => {
    const parts = path.replace(/(\.d)?\.ts$/, '').split('/');
    const odd = parts.filter((part) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(part));
    const empty = parts.filter((part) => emptyNames.includes(part));
    return [
      ...odd.map((part) => `${path}: "${part}" is not kebab-case`),
      ...empty.map((part) => `${path}: "${part}" says nothing`),
    ];
  });
}

/** Files that do not begin by saying what they are for. */
export function filesWithoutOpeningComment(sources: Sources): string[] {
  const silent = [...sources].filter(([, text]) => !/^(#![^\n]*\n)?\s*\/[/*]/.test(text));
  return silent.map(([path]) => `${path} does not open with a comment`);
}

export function longFiles(sources: Sources, linesMax: number): string[] {
  const lengths = [...sources].map(([path, text]) => ({
    path,
    lines: text.split('\n').length - 1,
  }));
  return lengths
    .filter(({ lines }) => lines > linesMax)
    .map(({ path, lines }) => `${path} has ${lines} lines, at most ${linesMax}`);
}

/** Uses of `object.member` or of a bare `word` outside the files that may. */
export function usesOf(
  sources: Sources,
  name: string,
  isAllowed: (path: string) => boolean,
): string[] {
  const [object = '', member] = name.split('.');
  return [...sources].flatMap(([path, text]) => {
    if (isAllowed(path)) return [];
    const list = tokens(text);
    const uses = list.filter(
      (token, index) =>
        token.kind === 'word' &&
        token.value === object &&
        list[index - 1]?.value !== '.' &&
        (member === undefined
          ? list[index + 1]?.value === '('
          : list[index + 1]?.value === '.' &&
            (member === '*' || list[index + 2]?.value === member)),
    );
    return uses.length > 0 ? [`${path} uses ${name}`] : [];
  });
}
