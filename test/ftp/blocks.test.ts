import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockCharacters, listingBlocks } from '#gateway/ftp/blocks.ts';
import { findCodec, utf8 } from '#gateway/ftp/filename-encoding.ts';
import type { DirectoryEntry } from '#gateway/storage/listing.ts';

const entry = (name: string): DirectoryEntry => ({
  name,
  type: 'file',
  sizeBytes: 0,
  modifiedAt: undefined,
});

async function* pagesOf(...pages: readonly (readonly string[])[]) {
  for (const names of pages) yield names.map(entry);
}

async function blocksOf(...pages: readonly (readonly string[])[]): Promise<string[]> {
  const blocks: string[] = [];
  const format = ({ name }: DirectoryEntry) => name;
  for await (const block of listingBlocks({ pages: pagesOf(...pages), format, codec: utf8 })) {
    blocks.push(Buffer.from(block.bytes).toString());
    block.release();
  }
  return blocks;
}

test('each page leaves as soon as it is read', async () => {
  assert.deepEqual(await blocksOf(['a', 'b'], ['c']), ['a\r\nb\r\n', 'c\r\n']);
});

test('an empty directory sends nothing', async () => {
  assert.deepEqual(await blocksOf(), []);
  assert.deepEqual(await blocksOf([], []), []);
});

test('a long page leaves in blocks, whole lines each', async () => {
  const name = 'x'.repeat(1022);
  const full = blockCharacters / 1024;
  for (const [count, blocks] of [
    [full - 1, 1],
    [full, 1],
    [full + 1, 2],
    [2 * full + 1, 3],
  ] as const) {
    const made = await blocksOf(Array.from({ length: count }, () => name));
    assert.equal(made.length, blocks, `${count} lines`);
    assert.equal(made.join(''), `${name}\r\n`.repeat(count));
    for (const block of made) assert.ok(block.endsWith('\r\n'));
  }
});

test('names leave in the encoding of the session', async () => {
  const codec = findCodec('gb18030');
  assert.ok(codec);
  const format = ({ name }: DirectoryEntry) => name;
  for await (const { bytes } of listingBlocks({ pages: pagesOf(['文']), format, codec })) {
    assert.equal(codec.decode(bytes), '文\r\n');
  }
});

test('what the pages throw is thrown', async () => {
  const broken = async function* (): AsyncGenerator<DirectoryEntry[]> {
    yield [entry('a')];
    throw new Error('broken');
  };
  const blocks = listingBlocks({ pages: broken(), format: ({ name }) => name, codec: utf8 });
  await blocks.next();
  await assert.rejects(blocks.next(), /broken/);
});
