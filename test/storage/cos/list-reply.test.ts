import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readListPage, readUploadPage } from '#gateway/storage/cos/list-reply.ts';
import { type ListPage, StoreError } from '#gateway/storage/object-store.ts';

const reply = (body: string) => ({
  status: 200,
  headers: {},
  bytes: Buffer.from(body),
});

const contents = (key: string) =>
  `<Contents><Key>${key}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>` +
  '<ETag>&quot;e&quot;</ETag><Size>12</Size><Owner><ID>1</ID></Owner>' +
  '<StorageClass>STANDARD</StorageClass></Contents>';

function page(inside: string) {
  const document = `<?xml version="1.0"?>\n<ListBucketResult>${inside}</ListBucketResult>`;
  return read(readListPage(reply(document)));
}

function read(listed: ListPage) {
  return { ...listed, objects: [...listed.objects] };
}

function isUnavailable(error: unknown): boolean {
  return error instanceof StoreError && error.kind === 'unavailable';
}

describe('a page of keys', () => {
  it('holds what COS says of each object', () => {
    const { objects, prefixes, nextMarker } = page(contents('a.txt'));
    assert.deepEqual(
      { objects, prefixes, nextMarker },
      {
        objects: [
          {
            key: 'a.txt',
            sizeBytes: 12,
            etag: '"e"',
            modifiedAt: new Date('2026-01-02T03:04:05Z'),
            storageClass: 'STANDARD',
          },
        ],
        prefixes: [],
        nextMarker: undefined,
      },
    );
  });

  it('is decoded when it says that it is encoded, and `+` means itself', () => {
    const encoded = page(
      '<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>' +
        `<NextMarker>d%2F%0A</NextMarker>${contents('a+b%20c%2Fä%E4%BA%91%0D')}` +
        '<CommonPrefixes><Prefix>d%2F</Prefix></CommonPrefixes>',
    );
    assert.equal(encoded.objects[0]?.key, 'a+b c/ä云\r');
    assert.deepEqual(encoded.prefixes, ['d/']);
    assert.equal(encoded.nextMarker, 'd/\n');
    assert.equal(page(contents('a%20&amp;b')).objects[0]?.key, 'a%20&b');
  });

  it('keeps a key that is no valid encoding as it was sent', () => {
    const encoded = page(`<EncodingType>url</EncodingType>${contents('%C4%E3%')}`);
    assert.equal(encoded.objects[0]?.key, '%C4%E3%');
  });

  it('goes on after its last name when the store forgets the marker', () => {
    const truncated = '<IsTruncated>true</IsTruncated>';
    const prefix = '<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>';
    assert.equal(page(`${truncated}${contents('a')}${prefix}`).nextMarker, 'b/');
    assert.equal(page(`${truncated}${contents('c')}${prefix}`).nextMarker, 'c');
    assert.equal(page(`${truncated}${contents('c')}`).nextMarker, 'c');
    assert.throws(() => page(truncated), isUnavailable);
    assert.equal(
      page('<IsTruncated>false</IsTruncated><NextMarker>x</NextMarker>').nextMarker,
      undefined,
    );
  });

  describe('in COS’s own form is read as in any other', () => {
    const elements = (key: string, modified: string) => [
      `<Key>${key}</Key>`,
      `<LastModified>${modified}</LastModified>`,
      '<ETag>"e"</ETag>',
      '<Size>12</Size>',
      '<Owner><ID>1</ID><DisplayName>1</DisplayName></Owner>',
      '<StorageClass>STANDARD_IA</StorageClass>',
    ];
    const write = (fields: string[], space = '') =>
      `<Contents>${space}${fields.join(space)}${space}</Contents>`;
    for (const [key, modified] of [
      ['a&amp;b', '2026-01-02T03:04:05.678Z'],
      ['x', '1999-12-31T23:59:59.999Z'],
      ['x', '2024-02-29T00:00:00.000Z'],
      ['x', '2026-13-45T00:00:00.000Z'],
      ['x', '2026-01-02T03:04:05Z'],
      ['x', 'yesterday'],
    ] as const) {
      it(`${key} of ${modified}`, () => {
        const fields = elements(key, modified);
        const found = page(write(fields) + write(fields, '\n\t') + write(fields.toReversed()));
        const [compact, spaced, reversed] = found.objects;
        assert.deepEqual(compact, reversed);
        assert.deepEqual(spaced, reversed);
        assert.equal(found.objects.length, 3);
      });
    }
  });

  it('that breaks off is no shorter list', () => {
    const cut = `<ListBucketResult>${contents('a')}<Contents><Key>b`;
    assert.throws(() => readListPage(reply(cut)), isUnavailable);
    assert.throws(() => readListPage(reply(`<ListBucketResult>${contents('a')}`)), isUnavailable);
    assert.equal(
      read(readListPage(reply('<ListBucketResult></ListBucketResult>\n'))).objects.length,
      0,
    );
  });

  it('is refused when it is something else', () => {
    for (const body of ['', 'OK', '<html></html>', '<ListBucketResult', '<Other/>']) {
      assert.throws(() => readListPage(reply(body)), isUnavailable, body);
    }
    assert.throws(() => page('<Contents><Key>a</Key></Contents>'), isUnavailable);
    assert.throws(() => page('<Contents><Key>a</Key><Size>x</Size></Contents>'), isUnavailable);
    assert.throws(
      () => readListPage(reply('<Error><Code>SlowDown</Code></Error>')),
      (error) => error instanceof StoreError && error.kind === 'throttled',
    );
  });

  it('of any length is read entry by entry, again and again until it is released', () => {
    const keys = Array.from({ length: 300 }, (_, index) => `ä-${index}-${'x'.repeat(index)}`);
    const long = 'y'.repeat(40_000);
    const all = [...keys, long, ...keys];
    const listed = readListPage(
      reply(`<ListBucketResult>${all.map(contents).join('\n ')}</ListBucketResult>`),
    );
    for (let time = 0; time < 2; time++) {
      assert.deepEqual(
        Array.from(listed.objects, ({ key }) => key),
        all,
      );
    }
    listed.release?.();
    listed.release?.();
    assert.deepEqual([...listed.objects], []);
  });

  it('keeps folders that a store puts between its files', () => {
    const folder = '<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>';
    const listed = page(`${contents('a')}${folder}${contents('c')}`);
    assert.deepEqual(
      listed.objects.map(({ key }) => key),
      ['a', 'c'],
    );
    assert.deepEqual(listed.prefixes, ['b/']);
  });

  it('of 1000 keys is read in a moment', () => {
    const keys = Array.from({ length: 1000 }, (_, i) => contents(`incoming%2Ffile-${i}.txt`)).join(
      '',
    );
    const body = `<EncodingType>url</EncodingType>${keys}`;
    page(body);
    const before = process.cpuUsage();
    for (let i = 0; i < 20; i++) assert.equal(page(body).objects.length, 1000);
    const { user } = process.cpuUsage(before);
    assert.ok(user / 20 < 20_000, `${user / 20} us of CPU a page, a full parser needs more`);
  });
});

describe('a page of uploads', () => {
  const uploads = (inside: string) =>
    readUploadPage(reply(`<ListMultipartUploadsResult>${inside}</ListMultipartUploadsResult>`));
  const upload =
    '<Upload><Key>a%20b</Key><UploadId>id1</UploadId>' +
    '<Initiated>2026-01-02T03:04:05.000Z</Initiated></Upload>';

  it('holds key, id and time, and both markers for the next', () => {
    const read = uploads(
      `<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>${upload}` +
        '<NextKeyMarker>a%20b</NextKeyMarker><NextUploadIdMarker>id1</NextUploadIdMarker>',
    );
    assert.deepEqual(read, {
      uploads: [{ key: 'a b', uploadId: 'id1', initiatedAt: new Date('2026-01-02T03:04:05Z') }],
      next: { keyMarker: 'a b', uploadIdMarker: 'id1' },
    });
  });

  it('has no next when it is the last', () => {
    assert.deepEqual(uploads(''), { uploads: [] });
    assert.throws(() => uploads('<Upload><Key>a</Key></Upload>'), isUnavailable);
  });
});
