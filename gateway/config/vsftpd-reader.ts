/**
 * Reads the original tool's `conf/vsftpd.conf` into our words. A file that worked there must work here:
 * an unknown key is a warning, what we do differently is said once, and only what cannot be meant
 * (a port that is no number) is a problem. Problems and notices name the line and the key as the file
 * spells them, and never a password or key.
 */

import { type IniEntry, type IniSection, parseIni } from './ini.ts';
import {
  type Block,
  formatPath,
  newBlock,
  Origins,
  type Path,
  setAt,
  type Tree,
} from './origin.ts';
import type { Notice, Problem } from './problem.ts';
import {
  accountKeys,
  type KeyContext,
  type KeyRule,
  type KeyTable,
  sectionKeys,
  vsftpdDefaults,
} from './vsftpd-keys.ts';
import { iniRemarks, keysOfSection } from './vsftpd-remarks.ts';

export interface ReadVsftpd {
  readonly tree: Block;
  readonly origins: Origins;
  readonly problems: readonly Problem[];
  readonly notices: readonly Notice[];
  /** Paths, formatted, of which a problem is told here already. */
  readonly told: ReadonlySet<string>;
}

/**
 * @param name how problems name the file.
 * @param cwd what relative paths in it are relative to, as for the tool.
 */
export function readVsftpdConf(text: string, name: string, cwd: string): ReadVsftpd {
  const { sections, defaults, ...ini } = parseIni(text);
  const remarks = iniRemarks({ sections, defaults, ...ini }, name);
  const draft = new Draft(name, cwd);
  draft.problems.push(...remarks.problems);
  draft.notices.push(...remarks.notices);
  for (const [path, value] of vsftpdDefaults) setAt(draft.tree, path, value);
  for (const section of sections) {
    const table = Object.hasOwn(sectionKeys, section.name) ? sectionKeys[section.name] : undefined;
    if (table) readSection(table, { draft, section, defaults, block: draft.tree, base: [] });
  }
  const accounts = sections.filter((section) => keysOfSection(section.name) === accountKeys);
  draft.tree['accounts'] = accounts.map((section, index) => {
    const target = { draft, section, defaults, block: newBlock(), base: ['accounts', index] };
    draft.mark(target.base, section.line, `[${section.name}]`);
    readSection(accountKeys, target);
    return target.block;
  });
  if (accounts.length === 0) draft.tellNoAccount();
  return draft;
}

class Draft implements ReadVsftpd {
  readonly tree = newBlock();
  readonly origins: Origins;
  readonly problems: Problem[] = [];
  readonly notices: Notice[] = [];
  readonly told = new Set<string>();
  readonly #name: string;
  readonly #cwd: string;

  constructor(name: string, cwd: string) {
    this.#name = name;
    this.#cwd = cwd;
    this.origins = new Origins({ place: name, directory: cwd });
  }

  mark(path: Path, line: number, word: string): void {
    this.origins.mark(path, { place: this.place(line), word, directory: this.#cwd });
  }

  place(line: number): string {
    return `${this.#name}:${line}`;
  }

  tellNoAccount(): void {
    this.told.add('accounts');
    const message = 'has no section [COS_ACCOUNT_0]: nobody could log in';
    this.problems.push({ place: this.#name, message });
  }
}

/** One section on its way into our words. */
interface Target {
  readonly draft: Draft;
  readonly section: IniSection;
  readonly defaults: IniSection | undefined;
  /** Where its words go, and where that block stands in the whole. */
  readonly block: Block;
  readonly base: Path;
}

function readSection(table: KeyTable, target: Target): void {
  for (const [key, rule] of Object.entries(table)) {
    const entry = entryOf(target, key);
    const line = entry?.line ?? target.section.line;
    const word = `[${target.section.name}] ${key}`;
    // Marked although absent: whoever finds a missing word later names the key.
    if (rule.word) target.draft.mark([...target.base, ...rule.word], line, word);
    readKey(rule, entry, new SectionKey(target, rule, { line, word, text: entry?.value ?? '' }));
  }
}

function entryOf({ section, defaults }: Target, key: string): IniEntry | undefined {
  return section.entries.get(key) ?? defaults?.entries.get(key);
}

function readKey(rule: KeyRule, entry: IniEntry | undefined, key: SectionKey): void {
  if (entry?.continuedLine !== undefined) {
    const hint = 'a key of its own begins in the first column';
    return key.refuse(`goes on in line ${entry.continuedLine}, which is indented`, hint);
  }
  if (rule.isSecret && entry?.hasComment) {
    const message = 'the value ends where a comment begins, at a # or ; after white space';
    key.notice('warn', message, 'a value that holds one fits into our YAML, in quotes');
  }
  if (key.text !== '') {
    if (rule.read) rule.read(key);
    else if (rule.word) key.set(rule.word, key.text);
  } else if (rule.isRequired) {
    key.refuse('is missing');
  }
}

class SectionKey implements KeyContext {
  readonly text: string;
  readonly #target: Target;
  readonly #rule: KeyRule;
  readonly #place: string;
  readonly #word: string;

  constructor(target: Target, rule: KeyRule, at: { line: number; word: string; text: string }) {
    this.text = at.text;
    this.#target = target;
    this.#rule = rule;
    this.#place = target.draft.place(at.line);
    this.#word = at.word;
  }

  sibling(key: string): string {
    return entryOf(this.#target, key)?.value ?? '';
  }

  set(path: Path, value: Tree): void {
    setAt(this.#target.block, path, value);
  }

  /** Also keeps quiet what later checks would say of the word, or of an account that lacks it. */
  refuse(message: string, hint?: string): void {
    const { draft, base } = this.#target;
    const problem = { place: this.#place, message: `${this.#word}: ${message}` };
    draft.problems.push(hint === undefined ? problem : { ...problem, hint });
    draft.told.add(formatPath(base));
    if (this.#rule.word) draft.told.add(formatPath([...base, ...this.#rule.word]));
  }

  notice(level: Notice['level'], message: string, hint?: string): void {
    const notice = { level, place: this.#place, message: `${this.#word}: ${message}` };
    this.#target.draft.notices.push(hint === undefined ? notice : { ...notice, hint });
  }
}
