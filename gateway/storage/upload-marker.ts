/**
 * Markers of uploads in progress: small objects beside the files, because a list of open multipart
 * uploads does not say whose they are. Pure: names and contents.
 *
 *     <prefix>.cosftp/uploads/<instance>/<run>-<number>     {"key":"…","upload_id":"…"}
 *
 * A marker is there before its upload is begun and gone after its end, so an upload without one is not
 * ours, and nothing here may ever be a reason to abort it.
 */
import { keyBytesMax, reservedName } from './keys.ts';

/** Who makes markers. */
export interface MarkerOwner {
  /** Name of the gateway that stays the same over a restart, as `markerName` makes it. */
  readonly instance: string;
  /** Differs between two processes of one instance. */
  readonly run: string;
}

export interface UploadMarker {
  /** The marker's own key. */
  readonly markerKey: string;
  readonly instance: string;
  readonly run: string;
}

/** What a marker says. `uploadId` is missing until the store has named the upload. */
export interface MarkerContent {
  readonly key: string;
  readonly uploadId?: string;
}

/** More than any content: a key has at most 850 bytes and JSON makes at most 6 of one. */
export const markerBytesMax = 8192;

/** What all markers of a jail begin with. @param prefix of the jail: empty or ending in `/`. */
export function markersPrefix(prefix: string): string {
  return `${prefix}${reservedName}/uploads/`;
}

/** A name as it may stand in a key: letters, digits, `.` and `-`, at most 100 of them. */
export function markerName(text: string): string {
  return text.replace(/[^A-Za-z0-9.-]+/g, '-').slice(0, 100) || 'gateway';
}

/** Undefined when the prefix leaves no room for it: 850 bytes are the longest key. */
export function markerKey(prefix: string, owner: MarkerOwner, number: number): string | undefined {
  const key = `${markersPrefix(prefix)}${owner.instance}/${owner.run}-${number}`;
  return Buffer.byteLength(key) <= keyBytesMax ? key : undefined;
}

/** Undefined for a key that is no marker's. */
export function parseMarkerKey(prefix: string, key: string): UploadMarker | undefined {
  const start = markersPrefix(prefix);
  const match = /^([A-Za-z0-9.-]+)\/([A-Za-z0-9]+)-\d+$/.exec(key.slice(start.length));
  const [, instance, run] = match ?? [];
  if (!key.startsWith(start) || instance === undefined || run === undefined) return undefined;
  return { markerKey: key, instance, run };
}

export function formatMarkerContent({ key, uploadId }: MarkerContent): string {
  return JSON.stringify({ key, ...(uploadId !== undefined && { upload_id: uploadId }) });
}

/** Undefined for anything that is no marker of an object below `prefix`. */
export function parseMarkerContent(prefix: string, text: string): MarkerContent | undefined {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null) return undefined;
  const { key, upload_id: uploadId } = value as Record<string, unknown>;
  if (typeof key !== 'string' || !key.startsWith(prefix)) return undefined;
  if (uploadId === undefined) return { key };
  return typeof uploadId === 'string' ? { key, uploadId } : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // whatever it is, it is no marker
  }
}
