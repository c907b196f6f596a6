/**
 * The time a file was modified before it was uploaded, kept as the metadata `x-cos-meta-mtime`: seconds
 * since the epoch, with a fraction if there is one. The name and the form are those of rclone (its S3
 * backend) and cosfs, so the three tell the same time. Pure.
 *
 * COS itself knows only when an object was stored, and its lists carry no metadata.
 */
import type { ObjectInfo } from './object-store.ts';

/** Without `x-cos-meta-`. */
export const mtimeName = 'mtime';

/** 9999-12-31T23:59:59Z: the last second FTP's fourteen digits can say. */
const secondsMax = 253_402_300_799;

/** Undefined when the object has none, or one nobody can read. */
export function storedMtime({ metadata }: Pick<ObjectInfo, 'metadata'>): Date | undefined {
  const text = metadata?.[mtimeName];
  if (text === undefined || !/^\d{1,12}(\.\d{1,9})?$/.test(text)) return undefined;
  const seconds = Number(text);
  return seconds <= secondsMax ? new Date(Math.round(seconds * 1000)) : undefined;
}

/** @param time from the epoch on. */
export function formatMtime(time: Date): string {
  const seconds = Math.floor(time.getTime() / 1000);
  const ms = time.getTime() % 1000;
  return ms === 0 ? String(seconds) : `${seconds}.${String(ms).padStart(3, '0')}`;
}
