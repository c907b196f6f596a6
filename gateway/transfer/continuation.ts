/**
 * What a resumed or appended upload builds on: the first bytes of an object that is there already.
 *
 * COS cannot write into an object (its append works only on objects made for it, page 436/7741), so a new
 * object is put together: bytes that COS has are copied inside COS as parts, and never travel through us.
 * Only a head shorter than the smallest part (1 MiB, page 436/7750) has to be read, into part 1. The old
 * object is not touched before the commit.
 */
import { GiB, MiB } from '#gateway/kit/bytes.ts';
import { crc64 } from '#gateway/kit/crc64.ts';
import { combineCrc64 } from '#gateway/kit/crc64-combine.ts';
import type { ObjectInfo, ObjectStore, PartCopyRange } from '#gateway/storage/object-store.ts';
import { unitBytes } from './budget.ts';
import type { VerifiedObject } from './commit.ts';
import { TransferError } from './errors.ts';
import type { FillingPart } from './part.ts';

export interface UploadBase {
  /** As HEAD told it; replaced meanwhile, the upload fails with `changed`. */
  readonly source: ObjectInfo;
  /** How many of its first bytes are kept: 1 to its size. */
  readonly keptBytes: number;
}

export class Continuation {
  /** 0 without a base. */
  readonly keptBytes: number;
  /** Parts that the store copies before ours; empty without a base, and when its head is read. */
  readonly copies: readonly PartCopyRange[];
  readonly #base: UploadBase | undefined;
  #unreadBytes: number;

  /** @throws TransferError `too-large` when the base has too many parts. */
  constructor(base: UploadBase | undefined) {
    this.#base = base;
    this.keptBytes = base?.keptBytes ?? 0;
    this.copies = base && base.keptBytes >= unitBytes ? copiedRanges(base) : [];
    this.#unreadBytes = this.copies.length === 0 ? this.keptBytes : 0;
  }

  /** Of the head, until it was read. */
  get unreadBytes(): number {
    return this.#unreadBytes;
  }

  /**
   * Reads the head into part 1, which has room for it; does nothing when there is none to read. Lets go
   * of the part when it fails.
   * @throws StoreError, `changed` when the object was replaced; TransferError `corrupt`.
   */
  async readHead(store: ObjectStore, part: FillingPart, signal: AbortSignal): Promise<void> {
    const base = this.#base;
    if (!base || this.#unreadBytes === 0) return;
    try {
      await readChecked(store, base, part.space(), signal);
    } catch (error) {
      part.release();
      throw error;
    }
    part.advance(this.keptBytes);
    this.#unreadBytes = 0;
  }

  /**
   * To be asked before the commit, when everything is copied.
   * @param copied CRC-64 of the copies by the store's word. @throws TransferError `corrupt` when the
   * source, as far as it is known, had another one.
   */
  checkCopies(copied: bigint | undefined): void {
    const source = this.#base && keepsAll(this.#base) ? this.#base.source.crc64 : undefined;
    if (copied === undefined || source === undefined || this.copies.length === 0) return;
    if (copied !== source) {
      throw new TransferError('corrupt', 'the store copied the beginning of the file wrongly');
    }
  }

  /** The object as it is, when nothing was added to the whole of it: that is a success, too. */
  unchanged(): VerifiedObject | undefined {
    if (!this.#base || !keepsAll(this.#base)) return undefined;
    const { sizeBytes, etag, crc64: sum } = this.#base.source;
    return { sizeBytes, etag, checksum: sum === undefined ? 'absent' : 'verified' };
  }

  /**
   * What the object's checksum must be. Of the copied bytes we never saw, the source's own counts before
   * what the store said of the copies.
   * @param data what was filled by us, the head included. @param copied by the store's word.
   */
  wholeCrc64(
    data: { readonly crc64: bigint; readonly bytes: number },
    copied: bigint | undefined,
  ): bigint | undefined {
    const base = this.#base;
    if (base && keepsAll(base) && data.bytes === 0) return base.source.crc64;
    if (!base || this.copies.length === 0) return data.crc64;
    const first = (keepsAll(base) ? base.source.crc64 : undefined) ?? copied;
    return first === undefined ? undefined : combineCrc64(first, data.crc64, data.bytes);
  }
}

function keepsAll({ source, keptBytes }: UploadBase): boolean {
  return keptBytes === source.sizeBytes;
}

/** A short object is read whole, so that its CRC-64 can be compared. */
async function readChecked(
  store: ObjectStore,
  { source, keptBytes }: UploadBase,
  space: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const isWhole = source.sizeBytes <= unitBytes;
  const target = space.subarray(0, isWhole ? source.sizeBytes : keptBytes);
  await store.read(source.key, 0, target, { ifMatch: source.etag, signal });
  if (isWhole && source.crc64 !== undefined && crc64(target) !== source.crc64) {
    throw new TransferError('corrupt', 'the beginning of the file was damaged on its way');
  }
}

/** Small enough for a copy to be done soon, large enough to leave the part numbers to the data. */
const copyPartBytes = 256 * MiB;
/** Half of what COS takes for a part: the last one gets the remainder as well. */
const copyPartBytesMax = 2 * GiB;
/** Of 10,000; the others are for the data. */
const copiesMax = 5_000;

/** In order, none below 1 MiB and none above 4 GiB. */
function copiedRanges({ source, keptBytes }: UploadBase): readonly PartCopyRange[] {
  const wishBytes = Math.max(copyPartBytes, Math.ceil(keptBytes / 1000));
  const partBytes = Math.min(copyPartBytesMax, wishBytes);
  const count = Math.max(1, Math.floor(keptBytes / partBytes));
  if (count > copiesMax) {
    throw new TransferError('too-large', 'the file is too large to be continued');
  }
  return Array.from({ length: count }, (_, index) => {
    const offsetBytes = index * partBytes;
    const isLast = index === count - 1;
    return {
      sourceKey: source.key,
      sourceIfMatch: source.etag,
      offsetBytes,
      lengthBytes: isLast ? keptBytes - offsetBytes : partBytes,
    };
  });
}
