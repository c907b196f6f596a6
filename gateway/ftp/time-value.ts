/** Times as clients write them into commands: always UTC. Pure. */

const pattern = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d+))?$/;

/**
 * `YYYYMMDDHHMMSS[.sss]` (RFC 3659 section 2.3); second 60 is the next minute's first. Undefined for
 * anything else, for days that are not in the calendar, and before 1970.
 */
export function parseTimeValue(text: string): Date | undefined {
  const [, ...digits] = pattern.exec(text) ?? [];
  const [year, month, day, hour, minute, second] = digits.slice(0, 6).map(Number);
  if (second === undefined || minute === undefined || hour === undefined) return undefined;
  if (year === undefined || month === undefined || day === undefined) return undefined;
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  const ms = Math.floor(Number(`0.${digits[6] ?? '0'}`) * 1000);
  const midnight = new Date(Date.UTC(year, month - 1, day));
  const isInCalendar = midnight.getUTCMonth() === month - 1 && midnight.getUTCDate() === day;
  if (!isInCalendar || year < 1970) return undefined;
  return new Date(midnight.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + ms);
}

export interface TimedPath {
  readonly time: Date;
  readonly path: string;
}

/** `YYYYMMDDHHMMSS path`, as MFMT has it (draft-somers-ftp-mfxx-04 section 3.1). */
export function parseTimedPath(argument: string): TimedPath | undefined {
  const [, digits = '', path = ''] = /^(\S+) +(.+)$/s.exec(argument) ?? [];
  const time = parseTimeValue(digits);
  return time && { time, path };
}

/**
 * What SITE UTIME is given: `path atime mtime ctime UTC` by most clients, `YYYYMMDDHHMM[SS] path` by
 * others. No document defines it.
 */
export function parseUtimeArgument(argument: string): TimedPath | undefined {
  const [, named = '', digits = ''] =
    /^(.+?) +\d{14} +(\d{14}) +\d{14} +UTC$/is.exec(argument) ?? [];
  const time = parseTimeValue(digits);
  if (time) return { time, path: named };
  return parseTimedPath(argument.replace(/^(\d{12})(?= )/, '$100'));
}
