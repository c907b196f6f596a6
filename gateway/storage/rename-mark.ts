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

  /**
   * Marks the rename as begun. @returns false when the target is taken, and not because this rename was
   * begun within a day. @throws StoreError
   */
  async begin(target: 'free' | 'taken'): Promise<boolean> {
    if (target === 'taken' && !(await this.#counts())) return false;
    await this.#write();
    return true;
  }

  /** An old mark is removed. */
  async #counts(): Promise<boolean> {
    const mark = await this.#find();
    if (!mark) return false;
    const ageMs = (await this.#storeTime()) - mark.modifiedAt.getTime();
    if (ageMs < renameMarkMs) return true;
    await this.clear();
    return false;
  }

  /** Nothing is left to go on with. @throws StoreError */
  clear(): Promise<void> {
    return this.#store.delete(this.key);
  }

  async #write(): Promise<void> {
    await this.#store.put(this.key, this.#content, { contentType: 'application/json' });
  }

  /**
   * What the store's clock says, from an object written now. Not from the mark: an old one would be young
   * when what follows fails.
   */
  async #storeTime(): Promise<number> {
    const key = `${this.key}-now`;
    await this.#store.put(key, this.#content, { contentType: 'application/json' });
    const { modifiedAt } = await this.#store.head(key);
    await this.#store.delete(key);
    return modifiedAt.getTime();
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
