/**
 * Listing lines to blocks for the data connection. One write per line would cost more than the listing.
 *
 * It must never wait for more entries than it has to: a page's last lines leave with the page, so that a
 * client sees the beginning of a huge directory at once, and memory stays flat.
 */
import { freeBytes } from '#gateway/kit/free-bytes.ts';
import type { DirectoryEntry } from '#gateway/storage/listing.ts';
import type { TextCodec } from './filename-encoding.ts';
import type { LineFormat } from './listing-format.ts';
import type { OutgoingBlock } from './send.ts';

/** A block is sent once it holds this many characters. */
export const blockCharacters = 64 * 1024;

export interface ListingBlocksOptions {
  /** From `readDirectory`. */
  readonly pages: AsyncIterable<Iterable<DirectoryEntry>>;
  readonly format: LineFormat;
  readonly codec: TextCodec;
}

/** @throws what `pages` throws. */
export async function* listingBlocks(
  options: ListingBlocksOptions,
): AsyncGenerator<OutgoingBlock, void, undefined> {
  const { pages, format, codec } = options;
  for await (const text of listingTexts(pages, format)) yield block(codec.encode(text));
}

/**
 * Whole lines with their ends. An empty directory gives nothing at all, not a blank line.
 * @throws what `pages` throws.
 */
export async function* listingTexts(
  pages: AsyncIterable<Iterable<DirectoryEntry>>,
  format: LineFormat,
): AsyncGenerator<string, void, undefined> {
  for await (const entries of pages) {
    let text = '';
    for (const entry of entries) {
      text += `${format(entry)}\r\n`;
      if (text.length < blockCharacters) continue;
      yield text;
      text = '';
    }
    if (text !== '') yield text;
  }
}

function block(bytes: Uint8Array): OutgoingBlock {
  return { bytes, release: () => freeBytes(bytes) };
}
