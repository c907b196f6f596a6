/**
 * Listing lines to blocks for the data connection. One write per line would cost more than the listing.
 *
 * It must never wait for more entries than it has to: a page's last lines leave with the page, so that a
 * client sees the beginning of a huge directory at once, and memory stays flat.
 */
import type { DirectoryEntry } from '#gateway/storage/listing.ts';
import type { TextCodec } from './filename-encoding.ts';
import type { LineFormat } from './listing-format.ts';
import type { OutgoingBlock } from './send.ts';

/** A block is sent once it holds this many characters. */
export const blockCharacters = 64 * 1024;

export interface ListingBlocksOptions {
  /** From `readDirectory`. */
  readonly pages: AsyncIterable<readonly DirectoryEntry[]>;
  readonly format: LineFormat;
  readonly codec: TextCodec;
}

/** An empty directory gives no block at all, not a blank line. @throws what `pages` throws. */
export async function* listingBlocks(
  options: ListingBlocksOptions,
): AsyncGenerator<OutgoingBlock, void, undefined> {
  const { pages, format, codec } = options;
  for await (const entries of pages) {
    let text = '';
    for (const entry of entries) {
      text += `${format(entry)}\r\n`;
      if (text.length < blockCharacters) continue;
      yield block(codec.encode(text));
      text = '';
    }
    if (text !== '') yield block(codec.encode(text));
  }
}

/** Its memory is the garbage collector's. */
function block(bytes: Uint8Array): OutgoingBlock {
  return { bytes, release: () => undefined };
}
