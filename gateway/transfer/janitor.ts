/**
 * Ends the multipart uploads that a dead process left open: those that have a marker and nobody who will
 * end them. Its own instance's markers of earlier runs at once in the first round after a start, all others
 * after 24 h without a sign of life, by the store's clock and never by ours; marks of directory renames
 * that nobody went on with, too. When: janitor-rounds.ts.
 *
 * It must never abort an upload that has no marker: other programs use the bucket, too.
 */
import type { Log } from '#gateway/kit/log.ts';
import { reservedName } from '#gateway/storage/keys.ts';
import { begunWithinMs } from '#gateway/storage/marked-store.ts';
import {
  type MultipartUpload,
  type ObjectInfo,
  type ObjectStore,
  StoreError,
} from '#gateway/storage/object-store.ts';
import { renameMarkMs, renameMarksPrefix } from '#gateway/storage/rename-mark.ts';
import {
  formatMarkerContent,
  type MarkerContent,
  type MarkerOwner,
  markerBytesMax,
  markerKey,
  markersPrefix,
  parseMarkerContent,
  parseMarkerKey,
} from '#gateway/storage/upload-marker.ts';

/** One jail to be kept clean. */
export interface JanitorTarget {
  readonly store: ObjectStore;
  /** Empty or ending in `/`. */
  readonly prefix: string;
}

export interface CleaningOptions {
  readonly owner: MarkerOwner;
  readonly log: Log;
  /** Keys of markers whose upload this process still has to end. */
  readonly live: ReadonlySet<string>;
  /**
   * `first`: what earlier runs of this instance left has no owner, whatever its age. `later`: it may be
   * of a twin, a gateway that has our instance name by mistake, and is treated like other instances'.
   */
  readonly round: 'first' | 'later';
  readonly signal: AbortSignal;
}

/** A marker of another instance, or a mark, that nobody touched for this long belongs to nobody. */
export const abandonedAfterMs = {
  upload: 24 * 3_600_000,
  rename: renameMarkMs,
} as const satisfies Record<FoundMarker['of'], number>;
/** Clocks inside a store differ a little. */
const skewMs = 2_000;

interface FoundMarker {
  readonly of: 'upload' | 'rename';
  readonly info: ObjectInfo;
  /** Whatever its age. */
  readonly isDead: boolean;
}

/**
 * Goes on when one upload cannot be ended, and says so in the end.
 * @returns how many uploads were aborted. @throws StoreError when the store cannot be asked, and the first
 * failure of one marker after all others had their turn; both after `onAborted` was told.
 */
export async function cleanJail(
  target: JanitorTarget,
  options: CleaningOptions,
  onAborted: (count: number) => void = () => undefined,
): Promise<number> {
  const found = await findMarkers(target, options);
  const mustAge = found.some(({ isDead }) => !isDead);
  const nowMs = mustAge ? await storeTime(target, options) : Number.NaN;
  const failures: unknown[] = [];
  let aborted = 0;
  for (const { of, info, isDead } of found) {
    if (!isDead && !(nowMs - info.modifiedAt.getTime() >= abandonedAfterMs[of])) continue;
    try {
      if (of === 'rename') await target.store.delete(info.key, { signal: options.signal });
      else aborted += await clearMarker(target, info, options);
    } catch (error) {
      if (options.signal.aborted) throw error;
      failures.push(error);
    }
  }
  onAborted(aborted);
  if (failures.length > 0) throw failures[0];
  return aborted;
}

/** All that are not live here. */
async function findMarkers(
  { store, prefix }: JanitorTarget,
  { owner, live, round, signal }: CleaningOptions,
): Promise<readonly FoundMarker[]> {
  const found: FoundMarker[] = [];
  let marker: string | undefined;
  do {
    const after = marker === undefined ? {} : { marker };
    const page = await store.list({ prefix: `${prefix}${reservedName}/`, ...after, signal });
    for (const info of page.objects) {
      if (info.key.startsWith(renameMarksPrefix(prefix))) {
        found.push({ of: 'rename', info, isDead: false });
        continue;
      }
      const parsed = parseMarkerKey(prefix, info.key);
      if (!parsed || live.has(info.key)) continue;
      const isOfThisRun = parsed.run === owner.run; // not live: its end failed, and is ours to try
      const isDead = parsed.instance === owner.instance && (isOfThisRun || round === 'first');
      found.push({ of: 'upload', info, isDead });
    }
    marker = page.nextMarker;
  } while (marker !== undefined);
  return found;
}

/** What the store's clock says, from an object written now. */
async function storeTime(
  { store, prefix }: JanitorTarget,
  { owner, signal }: CleaningOptions,
): Promise<number> {
  const key = markerKey(prefix, owner, 0);
  if (key === undefined) return Number.NaN;
  await store.put(key, Buffer.from(formatMarkerContent({ key })), { signal });
  const { modifiedAt } = await store.head(key, { signal });
  await store.delete(key, { signal });
  return modifiedAt.getTime();
}

async function clearMarker(
  target: JanitorTarget,
  info: ObjectInfo,
  { log, signal }: CleaningOptions,
): Promise<number> {
  const { store, prefix } = target;
  const content = await readMarker(target, info, signal);
  if (content === 'gone') return 0; // ended meanwhile
  if (!content) {
    log.warn({ marker: info.key }, 'upload marker not understood, left alone');
    return 0;
  }
  const uploads = await uploadsOf(target, info, content, signal);
  for (const upload of uploads) {
    await store.abortMultipart(upload, { signal });
    log.warn({ key: upload.key, uploadId: upload.uploadId, prefix }, 'unfinished upload aborted');
  }
  await store.delete(info.key, { signal });
  return uploads.length;
}

/** Undefined when it is none of ours. */
async function readMarker(
  { store, prefix }: JanitorTarget,
  { key, sizeBytes }: ObjectInfo,
  signal: AbortSignal,
): Promise<MarkerContent | 'gone' | undefined> {
  if (sizeBytes === 0 || sizeBytes > markerBytesMax) return undefined;
  const target = Buffer.alloc(sizeBytes);
  try {
    const { bytesRead } = await store.read(key, 0, target, { signal });
    return parseMarkerContent(prefix, target.toString('utf8', 0, bytesRead));
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'missing') return 'gone';
    throw error;
  }
}

/**
 * The upload a marker names, if it is still open. A marker without an id: uploads of that very key that
 * were begun right after it and that no other marker names.
 */
async function uploadsOf(
  target: JanitorTarget,
  info: ObjectInfo,
  { key, uploadId }: MarkerContent,
  signal: AbortSignal,
): Promise<readonly MultipartUpload[]> {
  const open: MultipartUpload[] = [];
  for await (const upload of target.store.listMultipartUploads(key, { signal })) {
    if (upload.key === key) open.push(upload);
  }
  if (uploadId !== undefined) return open.filter((upload) => upload.uploadId === uploadId);
  const markedMs = info.modifiedAt.getTime();
  const candidates = open.filter(({ initiatedAt }) => {
    const afterMs = (initiatedAt?.getTime() ?? Number.NaN) - markedMs;
    return afterMs >= -skewMs && afterMs <= begunWithinMs;
  });
  if (candidates.length === 0) return candidates;
  const named = await namedUploads(target, key, signal);
  return candidates.filter((upload) => !named.has(upload.uploadId));
}

/** Ids of uploads of `key` that some marker names, whosever it is. */
async function namedUploads(
  target: JanitorTarget,
  key: string,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const { store, prefix } = target;
  const ids = new Set<string>();
  let marker: string | undefined;
  do {
    const after = marker === undefined ? {} : { marker };
    const page = await store.list({ prefix: markersPrefix(prefix), ...after, signal });
    for (const info of page.objects) {
      const content = await readMarker(target, info, signal);
      if (content === 'gone') continue;
      if (content?.key === key && content.uploadId !== undefined) ids.add(content.uploadId);
    }
    marker = page.nextMarker;
  } while (marker !== undefined);
  return ids;
}
