/**
 * Words from the environment (`COSFTP_LISTEN_PORT`, `COSFTP_LOG__LEVEL`) and from the command line
 * (`--set listen_port=2121`, `--set log.level=debug`), which go over what the file says: --set over
 * environment over file.
 *
 * - A word inside a block has two underscores in the environment and a dot in --set.
 * - The value of a single word is the text as it stands, quotes and all.
 * - A list of single values is `a, b` or `[a, b]`.
 * - An entry of a map is reached like a word inside a block (`--set metadata.origin=ftp`).
 * - A block, a map or a list of blocks (`COSFTP_ACCOUNTS`) is YAML or JSON and replaces the file's whole; words
 *   inside lists cannot be reached one by one.
 * - An empty variable counts as not set; an empty --set takes the file's word away.
 * - Relative paths are relative to the working directory.
 *
 * Pure: the environment is a parameter.
 */

import * as z from 'zod';
import { type Block, formatPath, type Origins, type Path, setAt, type Tree } from './origin.ts';
import { defaultsVariable } from './place.ts';
import { type Notice, type Problem, quoteWord } from './problem.ts';
import { bareSchema, configWords, gatewayBlock } from './schema.ts';
import { nearest } from './suggest.ts';
import { dottedWord } from './unknown-word.ts';
import { readYaml } from './yaml-reader.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface OverrideSources {
  readonly env: Environment;
  /** `word=value`, in the order of the command line; a later one wins. */
  readonly set: readonly string[];
  readonly cwd: string;
}

interface Override {
  readonly path: Path;
  readonly schema: z.core.$ZodType;
  readonly text: string;
  readonly place: string;
}

interface ReadValue {
  readonly tree: Tree | undefined;
  readonly problems: readonly Problem[];
}

export interface AppliedOverrides {
  readonly problems: readonly Problem[];
  readonly notices: readonly Notice[];
  /** Paths, formatted, whose value could not be read at all. */
  readonly told: ReadonlySet<string>;
}

/** Writes the overrides into `tree` and their places into `origins`. */
export function applyOverrides(
  tree: Block,
  origins: Origins,
  sources: OverrideSources,
): AppliedOverrides {
  const problems: Problem[] = [];
  const notices: Notice[] = [];
  const told = new Set<string>();
  const overrides = [
    ...environmentOverrides(sources.env, notices),
    ...argumentOverrides(sources.set, problems),
  ];
  for (const override of overrides) {
    const read = readValue(override, sources.cwd);
    problems.push(...read.problems);
    if (read.problems.length > 0) told.add(formatPath(override.path));
    setAt(tree, override.path, read.tree);
    origins.replace(override.path, { place: override.place, directory: sources.cwd });
  }
  return { problems, notices, told };
}

const prefix = 'COSFTP_';

/** Blocks before the words inside them, whatever order the environment has. */
function environmentOverrides(env: Environment, notices: Notice[]): Override[] {
  const overrides: Override[] = [];
  for (const place of Object.keys(env).toSorted()) {
    const text = env[place];
    if (!place.startsWith(prefix) || text === undefined || text === '') continue;
    if (isServiceLink(place, text) || place === defaultsVariable) continue;
    const path = place.slice(prefix.length).toLowerCase().split('__');
    const schema = schemaAt(path);
    if (schema === undefined) notices.push(unknownVariable(place, path));
    else overrides.push({ path, schema, text, place });
  }
  return overrides.sort((one, other) => one.path.length - other.path.length);
}

/**
 * Kubernetes writes variables into every pod for each Service of the namespace; a Service whose name
 * begins with "cosftp" looks like us (kubernetes.io, "Discovering services").
 */
function isServiceLink(name: string, value: string): boolean {
  if (/_SERVICE_(HOST|PORT(_\w+)?)$/.test(name)) return true;
  if (/_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name)) return true;
  return name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value);
}

/** A warning only: the environment holds what others put there. */
function unknownVariable(place: string, path: readonly string[]): Notice {
  const near = nearestWord(path.join('.'));
  const message = 'no word of the configuration has this name; the variable is ignored';
  const notice = { level: 'warn', place: shownName(place), message } as const;
  if (near === undefined) return notice;
  const variable = `${prefix}${near.replaceAll('.', '__').toUpperCase()}`;
  return { ...notice, hint: `did you mean ${variable}?` };
}

function argumentOverrides(set: readonly string[], problems: Problem[]): Override[] {
  return set.flatMap((argument) => {
    const equals = argument.indexOf('=');
    const word = (equals < 0 ? argument : argument.slice(0, equals)).trim();
    const place = `--set ${shownName(word)}`;
    if (equals < 0) {
      problems.push({ place, message: 'has no value', hint: 'write --set word=value' });
      return [];
    }
    const path = word.split('.');
    const schema = schemaAt(path);
    if (schema !== undefined) return [{ path, schema, text: argument.slice(equals + 1), place }];
    const near = nearestWord(word);
    const message = `unknown word ${quoteWord(word)}`;
    problems.push({
      place,
      message,
      ...(near === undefined ? {} : { hint: `did you mean ${near}?` }),
    });
    return [];
  });
}

function readValue({ text, place, schema }: Override, cwd: string): ReadValue {
  if (text.trim() === '') return { tree: undefined, problems: [] };
  return isYamlValue(schema, text) ? readYaml(text, place, cwd) : { tree: text, problems: [] };
}

function isYamlValue(schema: z.core.$ZodType, text: string): boolean {
  const bare = bareSchema(schema);
  if (bare instanceof z.ZodObject || bare instanceof z.ZodRecord) return true;
  if (!(bare instanceof z.ZodArray)) return false;
  return bare.element instanceof z.ZodObject || text.trimStart().startsWith('[');
}

function schemaAt(path: readonly string[]): z.core.$ZodType | undefined {
  return path.reduce<z.core.$ZodType | undefined>((schema, word) => {
    const block = schema === undefined ? undefined : bareSchema(schema);
    if (block instanceof z.ZodRecord) return block.valueType;
    if (!(block instanceof z.ZodObject) || !Object.hasOwn(block.shape, word)) return undefined;
    return block.shape[word];
  }, gatewayBlock);
}

function nearestWord(word: string): string | undefined {
  const reachable = configWords().map((known) => known.word);
  return (
    dottedWord(word) ??
    nearest(
      word,
      reachable.filter((known) => !known.includes('[]')),
    )
  );
}

/** A name that may be anything, for a message: `--set secretkey:abc` must not show its value. */
function shownName(name: string): string {
  return quoteWord(name).slice(1, -1);
}
