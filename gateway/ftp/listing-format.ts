/**
 * The lines of LIST and NLST. Pure. Times are UTC, because nothing in the format could say otherwise.
 */
import type { DirectoryEntry } from '#gateway/storage/listing.ts';
import { type FactRights, modeBits } from './facts.ts';
import { visibleName } from './visible-name.ts';

/** One line without its end. */
export type LineFormat = (entry: DirectoryEntry) => string;

/** What stands behind the names of directories: `slash` as with `ls -F`. */
export type NameMark = 'none' | 'slash';

export interface ListFormatOptions {
  /** Wall clock, milliseconds since the epoch: decides between time and year. */
  readonly nowMs: number;
  readonly rights: FactRights;
  readonly mark: NameMark;
}

const marks = {
  none: { file: '', dir: '' },
  slash: { file: '', dir: '/' },
} as const satisfies Record<NameMark, Record<DirectoryEntry['type'], string>>;

/** What `ls -l` prints: the one format every client of forty years parses. */
export function listFormat({ nowMs, rights, mark }: ListFormatOptions): LineFormat {
  const begin = {
    file: `${symbolicMode('file', rights)} 1 ftp ftp `,
    dir: `${symbolicMode('dir', rights)} 1 ftp ftp `,
  };
  const end = marks[mark];
  const formatTime = listTime(nowMs);
  return ({ name, type, sizeBytes, modifiedAt }) =>
    `${begin[type]}${String(sizeBytes).padStart(12)} ${formatTime(modifiedAt)} ${visibleName(name)}${end[type]}`;
}

/**
 * Names alone. Clients use each line as the argument of their next command, so names that were asked for
 * with a directory carry it.
 * @param directory as the client typed it, with its slash; empty for the working directory.
 */
export function nameFormat(directory: string, mark: NameMark): LineFormat {
  const end = marks[mark];
  return ({ name, type }) => visibleName(directory + name) + end[type];
}

const dayMs = 86_400_000;
/** Half a mean Gregorian year, as `ls` has it. */
export const recentMs = 15_778_476_000;
/** A store's clock may be a little ahead of ours. */
export const clockSkewMs = 3_600_000;

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * `Nov 22 16:09`, or `Nov 22  2025` for what is older than half a year or in the future. A directory of
 * the store has no time of its own and shows the epoch: a time that changes would make mirrors copy.
 */
function listTime(nowMs: number): (time: Date | undefined) => string {
  // Neighbours in a listing mostly share their day.
  let day = Number.NaN;
  let monthAndDay = '';
  let year = '';
  return (time) => {
    const timeMs = time?.getTime() ?? 0;
    const timeDay = Math.floor(timeMs / dayMs);
    if (timeDay !== day) {
      const date = new Date(timeMs);
      day = timeDay;
      monthAndDay = `${months[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)}`;
      year = `${monthAndDay}  ${date.getUTCFullYear()}`;
    }
    const ageMs = nowMs - timeMs;
    if (ageMs >= recentMs || ageMs < -clockSkewMs) return year;
    const minute = Math.floor((timeMs - day * dayMs) / 60_000);
    return `${monthAndDay} ${twoDigits(Math.floor(minute / 60))}:${twoDigits(minute % 60)}`;
  };
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

function symbolicMode(type: DirectoryEntry['type'], rights: FactRights): string {
  const bits = modeBits(type, rights);
  const flags = Array.from('rwxrwxrwx', (flag, index) => (bits & (0o400 >>> index) ? flag : '-'));
  return (type === 'dir' ? 'd' : '-') + flags.join('');
}
