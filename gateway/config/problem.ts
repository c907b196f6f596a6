/**
 * What is wrong with a configuration, and what is merely worth saying about it. All problems of all
 * sources are told at once. No text here may ever hold a password, a hash or a key: readers describe a
 * secret value, they never quote it.
 */

import { KindError } from '#gateway/kit/errors.ts';

export interface Problem {
  /** `file:line`, `file:line:column`, `COSFTP_WORD` or `--set word`. */
  readonly place: string;
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
}

export interface Notice extends Problem {
  /** `warn`: probably not what was meant. `info`: good to know. */
  readonly level: 'info' | 'warn';
}

/** `unreadable`: the file itself could not be had. `invalid`: what it says cannot be used. */
export type ConfigErrorKind = 'unreadable' | 'invalid';

/** Carries every problem found; its message is all of them, one per line. */
export class ConfigError extends KindError<ConfigErrorKind> {
  readonly problems: readonly Problem[];
  readonly notices: readonly Notice[];

  constructor(
    kind: ConfigErrorKind,
    problems: readonly Problem[],
    notices: readonly Notice[] = [],
  ) {
    super(kind, problems.map(formatProblem).join('\n'));
    this.problems = problems;
    this.notices = notices;
  }
}

/** `place: message (hint)`, the way compilers print, so that editors can jump to it. */
export function formatProblem(problem: Problem): string {
  const hint = problem.hint === undefined ? '' : ` (${problem.hint})`;
  return `${problem.place}: ${problem.message}${hint}`;
}

/**
 * A value for a message: quoted, cut when long. Not for secrets; lines run together can bring one into
 * any value, so it is also cut where one seems to begin and at a control character.
 */
export function quote(text: string): string {
  const secretAt = text.search(/pass|secret|token|\$scrypt|[\0-\x1f]/i);
  const shown = text.slice(0, secretAt < 0 ? 60 : Math.min(secretAt, 60));
  return JSON.stringify(shown === text ? text : `${shown}…`);
}

/**
 * A word the user wrote, for a message. Cut at the first character no word has, because
 * `secretkey:abc` without its space reads as one word and must not be shown whole.
 */
export function quoteWord(text: string): string {
  const shown = /^[\w.-]{0,40}/.exec(text)?.[0] ?? '';
  return shown === text ? `"${shown}"` : `"${shown}…"`;
}
