import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Jail } from '#gateway/storage/keys.ts';
import { type DirectoryEntry, directoryExists, readDirectory } from '#gateway/storage/listing.ts';
import {
  type ListOptions,
  type ListPage,
  type ObjectInfo,
  StoreError,
} from '#gateway/storage/object-store.ts';

const written = new Date('2026-01-02T03:04:05Z');

/** A list of keys that answers as COS does: UTF-8 order, prefixes and keys counted together. */
class KeyShelf {
  readonly calls: ListOptions[] = [];
  readonly #keys: string[];
  readonly #pageMax: number;

  constructor(keys: readonly string[], pageMax = 1000) {
    this.#keys = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    this.#pageMax = pageMax;
  }

  async list(options: ListOptions): Promise<ListPage> {
    this.calls.push(options);
    const { prefix, delimiter, marker = '' } = options;
    const max = Math.min(this.#pageMax, options.maxKeys ?? 1000);
    const objects: ObjectInfo[] = [];
    const prefixes: string[] = [];
    let last = '';
    for (const key of this.#keys) {
      if (!key.startsWith(prefix) || Buffer.compare(Buffer.from(key), Buffer.from(marker)) <= 0) {
        continue;
      }
      const end = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
      const group = end < 0 ? undefined : key.slice(0, end + 1);
      if (group !== undefined && (group === prefixes.at(-1) || group === marker)) continue;
      if (objects.length + prefixes.length === max) return { objects, prefixes, nextMarker: last };
      last = group ?? key;
      if (group !== undefined) prefixes.push(group);
      else objects.push({ key, sizeBytes: 3, etag: '"e"', modifiedAt: written });
    }
    return { objects, prefixes };
  }
}

async function entriesOf(shelf: KeyShelf, prefix: string): Promise<DirectoryEntry[]> {
  const entries: DirectoryEntry[] = [];
  for await (const page of readDirectory(shelf, prefix)) entries.push(...page);
  return entries;
}

const names = (entries: readonly DirectoryEntry[]) =>
  entries.map(({ name, type }) => (type === 'dir' ? `${name}/` : name)).sort();

describe('a directory listing', () => {
  it('shows files with size and time, and folders that only exist through their files', async () => {
    const shelf = new KeyShelf(['in/a.txt', 'in/sub/deep/b.txt', 'other/c.txt']);
    assert.deepEqual(await entriesOf(shelf, 'in/'), [
      { name: 'sub', type: 'dir', sizeBytes: 0, modifiedAt: undefined },
      { name: 'a.txt', type: 'file', sizeBytes: 3, modifiedAt: written },
    ]);
  });

  it('leaves out its own marker and shows a folder that is only a marker', async () => {
    const shelf = new KeyShelf(['in/', 'in/empty/', 'in/a']);
    assert.deepEqual(names(await entriesOf(shelf, 'in/')), ['a', 'empty/']);
  });

  it('shows a file and a folder of one name once each', async () => {
    const shelf = new KeyShelf(['in/foo', 'in/foo/', 'in/foo/x', 'in/foo-1']);
    assert.deepEqual(names(await entriesOf(shelf, 'in/')), ['foo', 'foo-1', 'foo/']);
  });

  it('hides the reserved folder', async () => {
    const shelf = new KeyShelf(['in/.cosftp/uploads/a/b', 'in/.cosftpx', 'in/a']);
    assert.deepEqual(names(await entriesOf(shelf, 'in/')), ['.cosftpx', 'a']);
  });

  it('leaves out names nobody could type, and goes on after them', async () => {
    const shelf = new KeyShelf([
      'in//x',
      'in/../x',
      'in/..',
      'in/./x',
      'in/a\nb',
      'in/a\r',
      'in/\x1b[2J/x',
      'in/z',
    ]);
    assert.deepEqual(names(await entriesOf(shelf, 'in/')), ['z']);
    assert.deepEqual(names(await entriesOf(new KeyShelf(['/x', '//y', 'z']), '')), ['z']);
  });

  for (const count of [0, 1, 2, 3, 4, 7]) {
    it(`of ${count} entries is whole with pages of three`, async () => {
      const keys = Array.from({ length: count }, (_, i) => `in/${i}${i % 2 ? '/x' : ''}`);
      const shelf = new KeyShelf(keys, 3);
      assert.equal((await entriesOf(shelf, 'in/')).length, count);
      assert.equal(shelf.calls.length, Math.max(1, Math.ceil(count / 3)));
    });
  }

  it('shows a folder once when a store repeats it on the next page', async () => {
    const pages: ListPage[] = [
      { objects: [], prefixes: ['a/'], nextMarker: 'a/x' },
      { objects: [], prefixes: ['a/', 'b/'] },
    ];
    const entries: DirectoryEntry[] = [];
    const store = { list: async () => pages.shift() ?? { objects: [], prefixes: [] } };
    for await (const page of readDirectory(store, '')) entries.push(...page);
    assert.deepEqual(names(entries), ['a/', 'b/']);
  });

  it('is read lazily: never more than one page ahead of the reader', async () => {
    const shelf = new KeyShelf(
      Array.from({ length: 30 }, (_, i) => `in/${i}`),
      3,
    );
    const pages = readDirectory(shelf, 'in/');
    assert.equal(shelf.calls.length, 0);
    await pages.next();
    assert.equal(shelf.calls.length, 2);
    await pages.return();
    assert.equal(shelf.calls.length, 2);
    assert.equal(shelf.calls[1]?.signal?.aborted, true, 'the page ahead is given up');
  });

  it('frees each page once the reader asks for the next, the last one too', async () => {
    const released: string[] = [];
    const page = (key: string, nextMarker?: string): ListPage => ({
      objects: [{ key, sizeBytes: 1, etag: '"e"', modifiedAt: new Date(0) }],
      prefixes: [],
      ...(nextMarker !== undefined && { nextMarker }),
      release: () => void released.push(key),
    });
    const listed = [page('a', 'a'), page('b')];
    const store = { list: async () => listed.shift() ?? assert.fail('no third page') };
    const pages = readDirectory(store, '');
    await pages.next();
    assert.deepEqual(released, []);
    await pages.next();
    assert.deepEqual(released, ['a']);
    await pages.next();
    assert.deepEqual(released, ['a', 'b']);
  });

  it('passes the abort on to the request under way', async () => {
    const gone = new AbortController();
    const store = {
      list: ({ signal }: ListOptions) =>
        new Promise<ListPage>((_, reject) => {
          signal?.addEventListener('abort', () => reject(new StoreError('aborted', 'aborted')));
        }),
    };
    const page = readDirectory(store, '', { signal: gone.signal }).next();
    gone.abort();
    await assert.rejects(page, (error) => error instanceof StoreError && error.kind === 'aborted');
  });

  it('fails instead of reading for ever when the store does not advance', async () => {
    const store = { list: async () => ({ objects: [], prefixes: ['a/'], nextMarker: 'a/' }) };
    const read = async () => {
      for await (const page of readDirectory(store, '')) assert.ok([...page].length <= 1);
    };
    await assert.rejects(read, (error) => error instanceof StoreError && !error.retryable);
  });

  it('can tell a missing directory from an empty one', async () => {
    const read = async (prefix: string) => {
      const entries: DirectoryEntry[] = [];
      const pages = readDirectory(new KeyShelf(['in/']), prefix, { whenMissing: 'throw' });
      for await (const page of pages) entries.push(...page);
      return entries.length;
    };
    await assert.rejects(
      read('gone/'),
      (error) => error instanceof StoreError && error.kind === 'missing',
    );
    assert.equal(await read('in/'), 0, 'only its marker: empty');
    assert.equal(await read(''), 1);
    assert.deepEqual(await entriesOf(new KeyShelf([]), 'gone/'), []);
  });
});

describe('whether a directory exists', () => {
  it('is asked for its own prefix, so that siblings cannot hide it', async () => {
    const siblings = Array.from({ length: 1001 }, (_, i) => `foo-${i}`);
    const shelf = new KeyShelf([...siblings, 'foo/x']);
    assert.equal(await directoryExists(shelf, 'foo/'), true);
    assert.equal(await directoryExists(new KeyShelf(siblings), 'foo/'), false);
    assert.deepEqual(
      shelf.calls.map(({ prefix, maxKeys, delimiter }) => [prefix, maxKeys, delimiter]),
      [['foo/', 1, undefined]],
    );
  });

  it('needs no request for a root', async () => {
    const shelf = new KeyShelf([]);
    assert.equal(await directoryExists(shelf, ''), true);
    assert.equal(await directoryExists(shelf, 'in/', { jail: new Jail('in') }), true);
    assert.equal(shelf.calls.length, 0);
    assert.equal(await directoryExists(shelf, 'in/'), false);
  });
});
