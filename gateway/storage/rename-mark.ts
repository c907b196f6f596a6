/**
 * The mark of a directory rename that was begun, so that the same rename can be sent again after an
 * interruption although its target exists by then.
 *
 *     <prefix>.cosftp/renames/<hash of both paths>     {"source":"…","target":"…"}
 *
 * It must never let two directories be mixed because of a rename that nobody remembers: it counts for a
 * day, by the store's clock.
 */
import { createHash } from 'node:crypto';
import { reservedName } from './keys.ts';
import { type ObjectInfo, type ObjectStore, StoreError } from './object-store.ts';

/** How long an interrupted rename can be gone on with. */
export const renameMarkMs: number = 24 * 3_600_000;

/** What all marks of a jail begin with. @param prefix of the jail: empty or ending in `/`. */
export function renameMarksPrefix(prefix: string): string {
  return `${prefix}${reservedName}/renames/`;
}

/** `refused`: the target exists, and not because this rename was begun within a day. */
export type RenameBeginning = 'new' | 'continued' | 'refused';

export class RenameMark {
  readonly key: string;
  readonly #store: ObjectStore;
  readonly #content: Buffer;

  /** @param prefix of the jail. @param source, target Virtual paths. */
  constructor(store: ObjectStore, prefix: string, source: string, target: string) {
    const name = createHash('sha256').update(`${source}\0${target}`).digest('hex');
    this.key = `${renameMarksPrefix(prefix)}${name}`;
    this.#store = store;
    this.#content = Buffer.from(JSON.stringify({ source, target }));
  }

  /** Marks the rename, unless it is refused. @throws StoreError */
  async begin(target: 'free' | 'taken'): Promise<RenameBeginning> {
    if (target === 'free') {
      await this.#write();
      return 'new';
    }
    const before = await this.#find();
    if (!before) return 'refused';
    await this.#write();
    const now = await this.#store.head(this.key); // what the store's clock says
    if (now.modifiedAt.getTime() - before.modifiedAt.getTime() < renameMarkMs) return 'continued';
    await this.clear();
    return 'refused';
  }

  /** Nothing is left to go on with. @throws StoreError */
  clear(): Promise<void> {
    return this.#store.delete(this.key);
  }

  async #write(): Promise<void> {
    await this.#store.put(this.key, this.#content, { contentType: 'application/json' });
  }

  async #find(): Promise<ObjectInfo | undefined> {
    try {
      return await this.#store.head(this.key);
    } catch (error) {
      if (error instanceof StoreError && error.kind === 'missing') return undefined;
      throw error;
    }
  }
}
