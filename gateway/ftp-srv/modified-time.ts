/**
 * When a file was modified, as this server tells it: with `store_mtime` the time its client gave it, if
 * it gave one, else when COS stored it. Only a HEAD knows the former, so lists show the latter.
 */
import { formatMtime, mtimeName, storedMtime } from '#gateway/storage/mtime.ts';
import { attributesOf } from '#gateway/storage/object-attributes.ts';
import type { ObjectInfo } from '#gateway/storage/object-store.ts';
import { copyObject } from '#gateway/transfer/copy-object.ts';
import type { Session } from './session.ts';

/** @param info from a HEAD. */
export function modifiedTime(session: Session, info: ObjectInfo): Date {
  const stored = session.services.storeMtime ? storedMtime(info) : undefined;
  return stored ?? info.modifiedAt;
}

/**
 * By a copy of the object onto itself with other metadata: so COS has it, and the bytes stay there.
 * Asked for a time the file has already, it does nothing.
 * @param info from a HEAD just made. @throws StoreError, `changed` when the file was replaced meanwhile;
 * TransferError `corrupt`.
 */
export async function storeModifiedTime(
  session: Session,
  info: ObjectInfo,
  time: Date,
): Promise<void> {
  if (storedMtime(info)?.getTime() === time.getTime()) return;
  const { clock, transferObserver: observer } = session.services;
  await copyObject({
    store: session.account.store,
    clock,
    observer,
    log: session.log,
    source: info,
    targetKey: info.key,
    attributes: {
      ...attributesOf(info),
      metadata: { ...info.metadata, [mtimeName]: formatMtime(time) },
    },
    signal: session.closed,
  });
}
