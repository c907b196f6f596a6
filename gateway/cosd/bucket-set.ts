/** Which buckets this COS has, and in which regions. */
import { isBucketName } from './address.ts';
import { Bucket } from './bucket.ts';
import { CosError } from './errors.ts';
import type { ObjectShelf } from './shelf.ts';

export interface BucketSetOptions {
  readonly store: ObjectShelf;
  readonly buckets?: 'any' | readonly string[];
  readonly regions?: readonly string[];
}

/** Under `any` each appears when it is first named. */
export class BucketSet {
  readonly #options: BucketSetOptions;
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: BucketSetOptions) {
    this.#options = options;
  }

  /** @throws CosError InvalidBucketName, NoSuchBucket. */
  named(name: string, region?: string): Bucket {
    const { buckets = 'any', regions } = this.#options;
    if (!isBucketName(name)) throw new CosError('InvalidBucketName');
    const isHere = region === undefined || regions === undefined || regions.includes(region);
    const exists = buckets === 'any' || buckets.includes(name);
    if (!isHere || !exists) throw new CosError('NoSuchBucket');
    return this.restored(name);
  }

  /** What a store kept, also of a bucket that is not served now. */
  restored(name: string): Bucket {
    const found = this.#buckets.get(name) ?? new Bucket(name, this.#options.store);
    this.#buckets.set(name, found);
    return found;
  }
}
