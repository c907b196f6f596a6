/**
 * Ends the multipart uploads that a dead process left open: those that have a marker and nobody who will
 * end them. Its own instance's markers of earlier runs at once, other instances' after 24 h without a
 * sign of life, by the store's clock and never by ours.
 *
 * It must never abort an upload that has no marker: other programs use the bucket, too.
 */
import { type Clock, sleep } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import { begunWithinMs } from '#gateway/storage/marked-store.ts';
import {
  type MultipartUpload,
  type ObjectInfo,
  type ObjectStore,
  StoreError,
} from '#gateway/storage/object-store.ts';
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

export interface JanitorOptions {
  readonly owner: MarkerOwner;
  readonly clock: Clock;
  readonly log: Log;
  /** Keys of markers whose upload this process still has to end. */
  readonly live: ReadonlySet<string>;
  /** Asked for every round, because accounts come and go. */
  readonly targets: () => readonly JanitorTarget[];
  readonly onAborted?: (count: number) => void;
  /** Ends it; what is under way is stopped. */
  readonly signal: AbortSignal;
}

/** Another instance's marker that nobody touched for this long belongs to nobody. */
export const abandonedAfterMs: number = 24 * 3_600_000;
/** Between two rounds. */
export const roundMs: number = 6 * 3_600_000;
/** After a round in which some store could not be asked. */
export const retryMs = 60_000;
/** Clocks inside a store differ a little. */
const skewMs = 2_000;

/** Rounds until the signal aborts. Never rejects. */
export async function runJanitor(options: JanitorOptions): Promise<void> {
  const { clock, log, signal } = options;
  while (!signal.aborted) {
    let pauseMs = roundMs;
    for (const target of options.targets()) {
      if (signal.aborted) return;
      try {
        const aborted = await cleanJail(target, options);
        options.onAborted?.(aborted);
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ prefix: target.prefix, err: error }, 'unfinished uploads not looked for');
        pauseMs = retryMs;
      }
    }
    await sleep(clock, pauseMs, signal).catch(() => undefined); // the loop looks at the signal
  }
}

interface FoundMarker {
  readonly info: ObjectInfo;
  readonly isOwn: boolean;
}

/** @returns how many uploads were aborted. @throws StoreError when the store cannot be asked. */
export async function cleanJail(
  target: JanitorTarget,
  options: Pick<JanitorOptions, 'owner' | 'log' | 'live' | 'signal'>,
): Promise<number> {
  const found = await findMarkers(target, options);
  const isOfOthers = found.some(({ isOwn }) => !isOwn);
  const nowMs = isOfOthers ? await storeTime(target, options) : Number.NaN;
  let aborted = 0;
  for (const { info, isOwn } of found) {
    const isAbandoned = isOwn || nowMs - info.modifiedAt.getTime() >= abandonedAfterMs;
    if (isAbandoned) aborted += await clearMarker(target, info, options);
  }
  return aborted;
}

/** All that are not live here. */
async function findMarkers(
  { store, prefix }: JanitorTarget,
  { owner, live, signal }: Pick<JanitorOptions, 'owner' | 'live' | 'signal'>,
): Promise<readonly FoundMarker[]> {
  const found: FoundMarker[] = [];
  let marker: string | undefined;
  do {
    const after = marker === undefined ? {} : { marker };
    const page = await store.list({ prefix: markersPrefix(prefix), ...after, signal });
    for (const info of page.objects) {
      const parsed = parseMarkerKey(prefix, info.key);
      if (!parsed || live.has(info.key)) continue;
      found.push({ info, isOwn: parsed.instance === owner.instance });
    }
    marker = page.nextMarker;
  } while (marker !== undefined);
  return found;
}

/** What the store's clock says, from an object written now. */
async function storeTime(
  { store, prefix }: JanitorTarget,
  { owner, signal }: Pick<JanitorOptions, 'owner' | 'signal'>,
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
  { log, signal }: Pick<JanitorOptions, 'log' | 'signal'>,
): Promise<number> {
  const { store, prefix } = target;
  const content = await readMarker(target, info, signal);
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

/** Undefined when it is gone or none of ours. */
async function readMarker(
  { store, prefix }: JanitorTarget,
  { key, sizeBytes }: ObjectInfo,
  signal: AbortSignal,
): Promise<MarkerContent | undefined> {
  if (sizeBytes === 0 || sizeBytes > markerBytesMax) return undefined;
  const target = Buffer.alloc(sizeBytes);
  const { bytesRead } = await store.read(key, 0, target, { signal });
  return parseMarkerContent(prefix, target.toString('utf8', 0, bytesRead));
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
      const content = await readMarkerIfThere(target, info, signal);
      if (content?.key === key && content.uploadId !== undefined) ids.add(content.uploadId);
    }
    marker = page.nextMarker;
  } while (marker !== undefined);
  return ids;
}

async function readMarkerIfThere(
  target: JanitorTarget,
  info: ObjectInfo,
  signal: AbortSignal,
): Promise<MarkerContent | undefined> {
  try {
    return await readMarker(target, info, signal);
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'missing') return undefined; // ended meanwhile
    throw error;
  }
}
