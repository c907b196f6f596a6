/**
 * Renames a directory: object by object, because to COS it is nothing but a common beginning of keys.
 * Each object is copied, compared and only then deleted (rename.ts); the list is read again until nothing
 * is left, for files may arrive meanwhile. Interrupted anywhere, every file is readable under its old or
 * its new name, and the same rename can be sent again.
 *
 * It must never delete an object that it did not see at its new place.
 */
import { reservedName } from '#gateway/storage/keys.ts';
import {
  type CallOptions,
  type ObjectInfo,
  type ObjectStore,
  StoreError,
} from '#gateway/storage/object-store.ts';
import { TransferError } from './errors.ts';
import { type RenameOptions, renameFile } from './rename.ts';

export interface RenameDirectoryOptions
  extends Omit<RenameOptions, 'sourceKey' | 'targetKey' | 'source'> {
  /** Both end in `/`; neither begins with the other. */
  readonly sourcePrefix: string;
  readonly targetPrefix: string;
  /** Called with every target before anything is copied to it; what it throws ends the rename. */
  readonly checkTarget: (key: string) => void;
  /**
   * Targets that exist and are not equal to their source. `refused` costs a HEAD for each object. Default
   * `replaced`.
   */
  readonly takenTargets?: 'replaced' | 'refused';
  /** Told after each object. */
  readonly onMoved?: (source: ObjectInfo) => void;
}

/** Objects moved at the same time; each takes four requests and no memory. */
const movesInFlight = 16;
/** Times the list is read from its beginning; more means that files arrive as fast as they go. */
const roundsMax = 10;

/**
 * @throws what `renameFile` throws for the first object that could not be moved, what `checkTarget`
 * throws, TransferError `target-taken`, or `unsettled` when files keep arriving. What was moved stays moved.
 */
export async function renameDirectory(options: RenameDirectoryOptions): Promise<void> {
  for (let round = 1; round <= roundsMax; round++) {
    if ((await moveAll(options)) === 0) return;
  }
  throw new TransferError('unsettled', 'files keep arriving in the directory', { retryable: true });
}

/** One reading of the list. @returns how many objects were there. */
async function moveAll(options: RenameDirectoryOptions): Promise<number> {
  const { store, sourcePrefix, signal } = options;
  let found = 0;
  let marker: string | undefined;
  do {
    signal?.throwIfAborted();
    const page = await store.list({
      prefix: sourcePrefix,
      ...(marker !== undefined && { marker }),
      ...(signal && { signal }),
    });
    found += await movePage(options, [...page.objects].filter(isOfUsers));
    marker = page.nextMarker;
  } while (marker !== undefined);
  return found;
}

/** Markers of uploads below an account inside this directory are the gateway's and stay where they are. */
function isOfUsers({ key }: ObjectInfo): boolean {
  return !key.split('/').includes(reservedName);
}

async function movePage(
  options: RenameDirectoryOptions,
  objects: readonly ObjectInfo[],
): Promise<number> {
  const { sourcePrefix, targetPrefix, checkTarget, signal } = options;
  const targetOf = ({ key }: ObjectInfo) => targetPrefix + key.slice(sourcePrefix.length);
  for (const object of objects) checkTarget(targetOf(object));
  const stop = new AbortController();
  const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  let next = 0;
  let moved = 0;
  const worker = async () => {
    for (let object = objects[next++]; object; object = objects[next++]) {
      either.throwIfAborted();
      const isMoved = await moveOne({ ...options, signal: either }, object, targetOf(object));
      if (isMoved) moved++;
    }
  };
  const workers = Array.from({ length: movesInFlight }, () =>
    worker().catch((error: unknown) => {
      stop.abort(error);
      throw error;
    }),
  );
  await Promise.allSettled(workers);
  either.throwIfAborted(); // with the first worker's error
  return moved;
}

/** False when the object is gone: lists may show for a while what is not there (COS page 436/7734). */
async function moveOne(
  options: RenameDirectoryOptions,
  object: ObjectInfo,
  targetKey: string,
): Promise<boolean> {
  try {
    const source = await freeSource(options, object.key, targetKey);
    await renameFile({ ...options, ...source, sourceKey: object.key, targetKey });
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'missing') return false;
    throw error;
  }
  options.onMoved?.(object);
  return true;
}

/**
 * What is at the source, looked at only where targets must not be replaced.
 * @throws TransferError `target-taken`
 */
async function freeSource(
  { store, targetPrefix, takenTargets, signal }: RenameDirectoryOptions,
  sourceKey: string,
  targetKey: string,
): Promise<{ source?: ObjectInfo }> {
  if (takenTargets !== 'refused') return {};
  const call = signal ? { signal } : {};
  const source = await store.head(sourceKey, call);
  const target = await findObject(store, targetKey, call);
  if (target && !isEqual(source, target)) {
    const path = targetKey.slice(targetPrefix.length);
    const text = `${path} is there already with other content, move it away first`;
    throw new TransferError('target-taken', text);
  }
  return { source };
}

async function findObject(
  store: ObjectStore,
  key: string,
  options: CallOptions,
): Promise<ObjectInfo | undefined> {
  try {
    return await store.head(key, options);
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'missing') return undefined;
    throw error;
  }
}

function isEqual(one: ObjectInfo, other: ObjectInfo): boolean {
  return one.sizeBytes === other.sizeBytes && one.crc64 !== undefined && one.crc64 === other.crc64;
}
