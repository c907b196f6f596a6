/**
 * What is to say about the shape of an original configuration, before its values are read: lines that
 * are nothing, sections and keys that stand twice, and those nobody knows. Pure.
 */

import type { Ini, IniSection } from './ini.ts';
import { type Notice, type Problem, quoteWord } from './problem.ts';
import { nearest, similar } from './suggest.ts';
import { accountKeys, type KeyTable, sectionKeys } from './vsftpd-keys.ts';

export interface Remarks {
  readonly problems: readonly Problem[];
  readonly notices: readonly Notice[];
}

const faultsShownMax = 20;

/** @param name how places name the file. */
export function iniRemarks(ini: Ini, name: string): Remarks {
  const strange = ini.sections.flatMap((section) => strangers(section, name));
  const everyKey = [accountKeys, ...Object.values(sectionKeys)].flatMap(Object.keys);
  const defaults = ini.defaults === undefined ? [] : strangeKeys(ini.defaults, everyKey, name);
  return {
    problems: faultProblems(ini, name),
    notices: [...repeatNotices(ini, name), ...strange, ...defaults],
  };
}

/** The keys of a section, or undefined for a section nobody reads. Like the tool, by exact case. */
export function keysOfSection(name: string): KeyTable | undefined {
  if (name.startsWith('COS_ACCOUNT')) return accountKeys;
  return Object.hasOwn(sectionKeys, name) ? sectionKeys[name] : undefined;
}

function faultProblems(ini: Ini, name: string): Problem[] {
  const messages = {
    noise: 'neither `key = value` nor a [SECTION] nor a comment',
    orphan: 'a key stands before the first [SECTION]',
  };
  return ini.faults
    .slice(0, faultsShownMax)
    .map(({ kind, line }) => ({ place: `${name}:${line}`, message: messages[kind] }));
}

function repeatNotices(ini: Ini, name: string): Notice[] {
  const hints = {
    section: 'both are read as one section; give each account a section name of its own',
    key: 'the last one counts',
  };
  return ini.repeats.map((repeat) => {
    const shown = repeat.kind === 'section' ? shownSection(repeat.name) : quoteWord(repeat.name);
    return {
      level: 'warn',
      place: `${name}:${repeat.line}`,
      message: `${shown} stands already in line ${repeat.firstLine}`,
      hint: hints[repeat.kind],
    };
  });
}

function strangers(section: IniSection, name: string): Notice[] {
  const table = keysOfSection(section.name);
  if (table !== undefined) return strangeKeys(section, Object.keys(table), name);
  const upper = section.name.toUpperCase();
  const known = [...Object.keys(sectionKeys), 'COS_ACCOUNT_0'];
  const near = keysOfSection(upper) === undefined ? nearest(upper, known) : upper;
  const message = `unknown section ${shownSection(section.name)}, not read`;
  return [warning(`${name}:${section.line}`, message, near === undefined ? near : `[${near}]`)];
}

function strangeKeys(section: IniSection, known: readonly string[], name: string): Notice[] {
  return [...section.entries.values()]
    .filter(({ key }) => !known.includes(key))
    .map(({ key, line }) => {
      const place = `${name}:${line}`;
      const message = `unknown key ${quoteWord(key)}, not read`;
      return { level: 'warn', place, message, ...hintAbout(key, known) };
    });
}

/** Words of our YAML are none here, so only keys of such files are suggested. */
function hintAbout(key: string, known: readonly string[]): { readonly hint?: string } {
  const home = Object.keys(sectionKeys).find((section) => keyIsIn(key, section));
  if (home !== undefined) return { hint: `it belongs in [${home}]` };
  if (tlsKeys.test(key)) return { hint: tlsHint };
  const near = similar(key, known);
  return near === undefined ? {} : { hint: `did you mean ${near}?` };
}

function keyIsIn(key: string, section: string): boolean {
  return Object.hasOwn(sectionKeys[section] ?? {}, key);
}

/** vsftpd's, of which the original tool had none. */
const tlsKeys = /^(ssl_|rsa_|implicit_ssl|require_ssl|force_(local|anon)_)/;
const tlsHint =
  'FTPS is COSFTP_TLS__CERTIFICATE_FILE and COSFTP_TLS__KEY_FILE, or --set tls.certificate_file=… --set tls.key_file=…, also with this file';

function warning(place: string, message: string, near: string | undefined): Notice {
  const notice = { level: 'warn', place, message } as const;
  return near === undefined ? notice : { ...notice, hint: `did you mean ${near}?` };
}

function shownSection(name: string): string {
  return `[${JSON.stringify(name.slice(0, 40)).slice(1, -1)}]`;
}
