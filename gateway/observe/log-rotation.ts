/**
 * When the log file is rotated and what the old ones are called: the words of the config, and the names
 * Python's TimedRotatingFileHandler gave them in the original tool, so that clean-up jobs still match.
 */

/** `log.rotate`; the original's `log_rotate_when` S, M, H, D, or `never` when rotation is off. */
export type LogRotation = 'never' | 'every_second' | 'every_minute' | 'hourly' | 'daily';

/** In the spelling of rotating-file-stream; boundaries are those of the local clock. */
export const rotationIntervals = {
  never: undefined,
  every_second: '1s',
  every_minute: '1m',
  hourly: '1h',
  daily: '1d',
} as const satisfies Record<LogRotation, string | undefined>;

/** Date parts in a rotated file's name: enough to tell two intervals apart. */
const nameParts = {
  never: 0,
  daily: 3,
  hourly: 4,
  every_minute: 5,
  every_second: 6,
} as const satisfies Record<LogRotation, number>;

/**
 * `cos_v5.log.2026-03-01`, `cos_v5.log.2026-03-01_13-05` …
 * @param intervalStart the beginning of the interval the file covers.
 * @param index from 1; a second file of the same interval (after a restart) gets `.2`.
 */
export function rotatedFileName(
  activeName: string,
  rotate: LogRotation,
  intervalStart: Date,
  index: number,
): string {
  const parts = [
    String(intervalStart.getFullYear()),
    twoDigits(intervalStart.getMonth() + 1),
    twoDigits(intervalStart.getDate()),
    twoDigits(intervalStart.getHours()),
    twoDigits(intervalStart.getMinutes()),
    twoDigits(intervalStart.getSeconds()),
  ];
  const date = parts.slice(0, 3).join('-');
  const time = parts.slice(3, nameParts[rotate]).join('-');
  const suffix = index > 1 ? `.${index}` : '';
  return `${activeName}.${date}${time === '' ? '' : `_${time}`}${suffix}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
