/**
 * Splits the original tool's INI into sections and keys the way Python 2.7's RawConfigParser does, with
 * the line of everything. Differences, all on purpose: `#` after white space ends a value as `;` does
 * (the tool's own sample needs it), a comment may be indented, and whatever Python refuses or drops
 * without a word is reported. Pure; never throws; knows no key. Its texts never show a value.
 */

export interface IniEntry {
  /** In small letters. */
  readonly key: string;
  readonly value: string;
  readonly line: number;
  /** The line of the first indented line that goes on with the value. */
  readonly continuedLine?: number;
  /** Whether a comment was cut off behind the value. */
  readonly hasComment: boolean;
}

export interface IniSection {
  /** As written; case matters. */
  readonly name: string;
  /** Where it is opened first. */
  readonly line: number;
  readonly entries: ReadonlyMap<string, IniEntry>;
}

export interface IniRepeat {
  readonly kind: 'section' | 'key';
  readonly name: string;
  readonly line: number;
  readonly firstLine: number;
}

/** `orphan`: a key before any section (told once). `noise`: neither key nor section nor comment. */
export interface IniFault {
  readonly kind: 'orphan' | 'noise';
  readonly line: number;
}

export interface Ini {
  /** Without [DEFAULT], whose keys stand in every section that lacks them. */
  readonly sections: readonly IniSection[];
  readonly defaults: IniSection | undefined;
  readonly repeats: readonly IniRepeat[];
  readonly faults: readonly IniFault[];
}

interface OpenSection {
  readonly name: string;
  readonly line: number;
  readonly entries: Map<string, IniEntry>;
}

export function parseIni(text: string): Ini {
  const parser = new IniParser();
  for (const [index, line] of text.split(/\r\n|\n|\r/).entries()) parser.read(line, index + 1);
  return parser.finish();
}

class IniParser {
  readonly #sections = new Map<string, OpenSection>();
  readonly #repeats: IniRepeat[] = [];
  readonly #faults: IniFault[] = [];
  #section: OpenSection | undefined;
  #entry: IniEntry | undefined;

  read(text: string, line: number): void {
    if (isComment(text)) return;
    if (/^\s/.test(text) && this.#entry !== undefined) return this.#continue(text, line);
    const header = /^\[([^\]]+)\]/.exec(text)?.[1];
    if (header !== undefined) return this.#open(header, line);
    const option = /^\s*([^:=\s][^:=]*)[:=](.*)$/.exec(text);
    if (option === null) return this.#fault('noise', line);
    if (this.#section === undefined) return this.#fault('orphan', line);
    this.#set(this.#section, option[1] ?? '', option[2] ?? '', line);
  }

  finish(): Ini {
    const all = [...this.#sections.values()];
    return {
      sections: all.filter(({ name }) => name !== 'DEFAULT'),
      defaults: this.#sections.get('DEFAULT'),
      repeats: this.#repeats,
      faults: this.#faults,
    };
  }

  /** A section that stands twice is one section, as in Python 2. */
  #open(name: string, line: number): void {
    const open = this.#sections.get(name);
    if (open !== undefined) {
      this.#repeats.push({ kind: 'section', name, line, firstLine: open.line });
    }
    this.#section = open ?? { name, line, entries: new Map() };
    this.#sections.set(name, this.#section);
    this.#entry = undefined;
  }

  #set(section: OpenSection, name: string, rest: string, line: number): void {
    const key = name.trim().toLowerCase();
    const earlier = section.entries.get(key);
    if (earlier !== undefined) {
      this.#repeats.push({ kind: 'key', name: key, line, firstLine: earlier.line });
    }
    this.#entry = { key, line, ...cutComment(rest) };
    section.entries.set(key, this.#entry);
  }

  #continue(text: string, line: number): void {
    const entry = this.#entry;
    if (entry === undefined || this.#section === undefined) return;
    const { value } = cutComment(text);
    if (value === '') return;
    const continued = { continuedLine: line, ...entry, value: `${entry.value}\n${value}` };
    this.#entry = continued;
    this.#section.entries.set(entry.key, continued);
  }

  #fault(kind: IniFault['kind'], line: number): void {
    if (kind === 'orphan' && this.#faults.some((fault) => fault.kind === 'orphan')) return;
    this.#faults.push({ kind, line });
  }
}

/** Python also takes a line that begins with the word "rem" as a comment. */
function isComment(line: string): boolean {
  return /^\s*([#;]|$)/.test(line) || /^rem(\s|$)/i.test(line);
}

/** What stands behind `=`, up to a `#` or `;` after white space. `""` is how INI writes nothing. */
function cutComment(rest: string): { value: string; hasComment: boolean } {
  const comment = /\s[#;]/.exec(rest);
  const value = (comment === null ? rest : rest.slice(0, comment.index)).trim();
  return { value: value === '""' ? '' : value, hasComment: comment !== null };
}
