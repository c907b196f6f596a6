/**
 * Deletes an object, and where no answer came, asks whether it is still there: a reply that was lost is no
 * failure. Never asks otherwise.
 */
import {
  type CallOptions,
  type ObjectStore,
  StoreError,
  type StoreErrorKind,
} from './object-store.ts';

/** After these the object may be gone. */
const unsettledKinds: readonly StoreErrorKind[] = ['network', 'timeout', 'unavailable'];

/** @throws StoreError: that of the deletion, when the object is there or cannot be asked for. */
export async function deleteSettled(
  store: Pick<ObjectStore, 'delete' | 'head'>,
  key: string,
  options: CallOptions = {},
): Promise<void> {
  try {
    await store.delete(key, options);
  } catch (error) {
    const isUnsettled = error instanceof StoreError && unsettledKinds.includes(error.kind);
    if (!isUnsettled || !(await isMissing(store, key, options))) throw error;
  }
}

async function isMissing(
  store: Pick<ObjectStore, 'head'>,
  key: string,
  options: CallOptions,
): Promise<boolean> {
  try {
    await store.head(key, options);
    return false;
  } catch (error) {
    return error instanceof StoreError && error.kind === 'missing';
  }
}
