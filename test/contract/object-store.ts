/**
 * What every ObjectStore must do, whatever is behind it: run against the embedded COS, and against a
 * real bucket when one is given. Reads as the port's documentation.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { crc64 } from '#gateway/kit/crc64.ts';
import {
  attributesOf,
  type ObjectAttributes,
  placementOf,
} from '#gateway/storage/object-attributes.ts';
import {
  type MultipartUpload,
  type ObjectStore,
  StoreError,
  type StoreErrorKind,
} from '#gateway/storage/object-store.ts';

/** Everything an object can carry, in text that headers and signatures have to take care of. */
const attributes: ObjectAttributes = {
  contentType: 'text/plain; charset=utf-8',
  cacheControl: 'no-cache, max-age=0',
  contentDisposition: 'attachment; filename="a b (1).txt"',
  contentEncoding: 'gzip',
  expires: 'Wed, 01 Jan 2031 00:00:00 GMT',
  storageClass: 'STANDARD_IA',
  serverSideEncryption: { algorithm: 'AES256' },
  metadata: { origin: "ftp; it's 100% & more", 'batch-1': '7', 'in-chinese': '腾讯云' },
};
const { storageClass, serverSideEncryption: _encryption, ...inherited } = attributes;

export interface OpenStore extends AsyncDisposable {
  readonly store: ObjectStore;
  /** Nobody else writes below it; empty or ending in `/`. */
  readonly prefix: string;
}

const KiB = 1024;
const MiB = 1024 * KiB;

export async function rejectsWith(kind: StoreErrorKind, work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof StoreError, `a StoreError, not ${String(error)}`);
    assert.equal(error.kind, kind, error.message);
    return true;
  });
}

export function describeObjectStore(name: string, open: () => Promise<OpenStore>): void {
  describe(`${name} as an object store`, () => {
    let opened: OpenStore;
    let store: ObjectStore;
    let keys = 0;
    const freshKey = (hint = 'object') => `${opened.prefix}${hint}-${keys++}`;

    before(async () => {
      opened = await open();
      store = opened.store;
    });
    after(async () => {
      await deleteAll(store, opened.prefix);
      await opened[Symbol.asyncDispose]();
    });

    async function readWhole(key: string, bytesMax = 4 * MiB): Promise<Buffer> {
      const target = Buffer.alloc(bytesMax);
      const { bytesRead } = await store.read(key, 0, target);
      return target.subarray(0, bytesRead);
    }

    describe('an object', () => {
      for (const sizeBytes of [1, 64 * KiB - 1, 64 * KiB, 64 * KiB + 1, 2 * MiB]) {
        it(`of ${sizeBytes} bytes comes back as it was put`, async () => {
          const key = freshKey();
          const bytes = randomBytes(sizeBytes);
          const receipt = await store.put(key, bytes);
          assert.deepEqual(await readWhole(key), bytes);
          const info = await store.head(key);
          assert.equal(info.sizeBytes, sizeBytes);
          assert.equal(info.etag, receipt.etag);
          assert.equal(receipt.crc64, crc64(bytes));
          assert.equal(info.crc64, crc64(bytes));
          assert.ok(Math.abs(info.modifiedAt.getTime() - Date.now()) < 120_000);
        });
      }

      it('may be empty, and has then no byte to read', async () => {
        const key = freshKey();
        await store.put(key, new Uint8Array(0));
        assert.equal((await store.head(key)).sizeBytes, 0);
        await rejectsWith('invalid-range', store.read(key, 0, Buffer.alloc(1)));
      });

      it('keeps its type, and has a neutral one when none was given', async () => {
        const [typed, untyped] = [freshKey('a.txt'), freshKey('b.txt')];
        await store.put(typed, Buffer.from('x'), { contentType: 'text/plain; charset=utf-8' });
        await store.put(untyped, Buffer.from('x'));
        assert.equal((await store.head(typed)).contentType, 'text/plain; charset=utf-8');
        assert.equal((await store.head(untyped)).contentType, 'application/octet-stream');
      });

      it('keeps all its attributes', async () => {
        const key = freshKey('attributes');
        await store.put(key, Buffer.from('x'), attributes);
        assert.deepEqual(attributesOf(await store.head(key)), attributes);
        const target = Buffer.alloc(1);
        const { info } = await store.read(key, 0, target);
        assert.deepEqual(attributesOf(info), attributes);
        assert.equal(target.toString(), 'x', 'nothing is unpacked');
        const { objects } = await store.list({ prefix: key });
        assert.deepEqual(
          Array.from(objects, (object) => attributesOf(object)),
          [{ storageClass }],
        );
      });

      it('has only the attributes of its last put', async () => {
        const key = freshKey();
        await store.put(key, Buffer.from('x'), attributes);
        await store.put(key, Buffer.from('x'), { contentType: 'image/png' });
        assert.deepEqual(attributesOf(await store.head(key)), { contentType: 'image/png' });
      });

      it('is replaced by the next put', async () => {
        const key = freshKey();
        const first = await store.put(key, Buffer.from('first'));
        const second = await store.put(key, Buffer.from('second'));
        assert.notEqual(first.etag, second.etag);
        assert.equal((await readWhole(key)).toString(), 'second');
      });

      it('is gone after delete, and deleting it again is no error', async () => {
        const key = freshKey();
        await store.put(key, Buffer.from('x'));
        await store.delete(key);
        await rejectsWith('missing', store.head(key));
        await rejectsWith('missing', store.read(key, 0, Buffer.alloc(1)));
        await store.delete(key);
      });
    });

    describe('a key', () => {
      const names = [
        'with space',
        'plus+plus',
        'percent%20',
        'äöü 腾讯云 \u{1F600}',
        "!*'()~;:@&=$,[]",
        'question?mark#hash',
        '<xml>&"\'',
        'back\\slash',
        'tab\tand\x01control',
        'trailing/',
        'a//b',
        'dot./.hidden',
        'x'.repeat(500),
      ];
      for (const name of names) {
        it(`may be ${JSON.stringify(name.slice(0, 40))}`, async () => {
          const folder = `${freshKey('names')}/`;
          const key = folder + name;
          await store.put(key, Buffer.from(name));
          assert.equal((await readWhole(key)).toString(), name);
          const listed = await store.list({ prefix: folder });
          assert.deepEqual(
            [...listed.objects].map((object) => object.key),
            [key],
          );
          const copied = `${folder}copy`;
          await store.copy(key, copied);
          assert.equal((await readWhole(copied)).toString(), name);
          await store.delete(key);
          await rejectsWith('missing', store.head(key));
        });
      }
    });

    describe('a read', () => {
      const bytes = randomBytes(100_000);
      let key: string;
      let etag: string;
      before(async () => {
        key = freshKey('read');
        etag = (await store.put(key, bytes)).etag;
      });

      for (const [offset, room] of [
        [0, 1],
        [0, 100_000],
        [0, 100_001],
        [1, 99_999],
        [50_000, 10],
        [99_999, 1],
        [99_999, 10],
      ] as const) {
        it(`of ${room} bytes at ${offset} fills what there is`, async () => {
          const target = Buffer.alloc(room, 0xee);
          const { info, bytesRead } = await store.read(key, offset, target);
          assert.equal(bytesRead, Math.min(room, bytes.length - offset));
          assert.deepEqual(
            target.subarray(0, bytesRead),
            bytes.subarray(offset, offset + bytesRead),
          );
          assert.ok(
            target.subarray(bytesRead).every((byte) => byte === 0xee),
            'nothing is written behind them',
          );
          assert.equal(info.sizeBytes, bytes.length);
          assert.equal(info.etag, etag);
          assert.equal(info.crc64, crc64(bytes));
        });
      }

      it('at or past the end is an invalid range', async () => {
        await rejectsWith('invalid-range', store.read(key, bytes.length, Buffer.alloc(1)));
        await rejectsWith('invalid-range', store.read(key, bytes.length + 1, Buffer.alloc(1)));
      });

      it('of one version fails once it was replaced', async () => {
        const replaced = freshKey();
        const first = await store.put(replaced, Buffer.from('first'));
        const target = Buffer.alloc(5);
        await store.read(replaced, 0, target, { ifMatch: first.etag });
        await store.put(replaced, Buffer.from('other'));
        await rejectsWith('changed', store.read(replaced, 0, target, { ifMatch: first.etag }));
        assert.equal(target.toString(), 'first', 'the error reply did not reach the target');
      });
    });

    describe('a copy', () => {
      it('has the bytes, type and checksum of its source', async () => {
        const [source, target] = [freshKey(), freshKey()];
        const bytes = randomBytes(1000);
        await store.put(source, bytes, { contentType: 'image/png' });
        const receipt = await store.copy(source, target);
        const info = await store.head(target);
        assert.deepEqual(await readWhole(target), bytes);
        assert.equal(info.etag, receipt.etag);
        assert.equal(info.crc64, crc64(bytes));
        assert.equal(info.contentType, 'image/png');
      });

      it('may get another type', async () => {
        const [source, target] = [freshKey(), freshKey()];
        await store.put(source, Buffer.from('x'), { contentType: 'image/png' });
        await store.copy(source, target, { contentType: 'text/plain' });
        assert.equal((await store.head(target)).contentType, 'text/plain');
      });

      it('takes over everything but class and encryption, which have to be said again', async () => {
        const [source, plain, same] = [freshKey(), freshKey(), freshKey()];
        await store.put(source, Buffer.from('x'), attributes);
        await store.copy(source, plain);
        assert.deepEqual(attributesOf(await store.head(plain)), inherited);
        await store.copy(source, same, placementOf(attributes));
        assert.deepEqual(attributesOf(await store.head(same)), attributes);
      });

      it('has nothing of its source when it is given anything of its own', async () => {
        const [source, target] = [freshKey(), freshKey()];
        await store.put(source, Buffer.from('x'), attributes);
        await store.copy(source, target, { metadata: { new: 'yes' } });
        const contentType = 'application/octet-stream';
        const expected = { contentType, metadata: { new: 'yes' } };
        assert.deepEqual(attributesOf(await store.head(target)), expected);
      });

      it('onto itself changes the attributes and not the bytes', async () => {
        const key = freshKey();
        const bytes = randomBytes(1000);
        const { etag } = await store.put(key, bytes, attributes);
        const changed = { ...attributes, metadata: { mtime: '1700000000' } };
        await store.copy(key, key, { ...changed, sourceIfMatch: etag });
        const info = await store.head(key);
        assert.deepEqual(attributesOf(info), changed);
        assert.equal(info.crc64, crc64(bytes));
        assert.deepEqual(await readWhole(key), bytes);
      });

      it('is made only of the version that was meant', async () => {
        const [source, target] = [freshKey(), freshKey()];
        const first = await store.put(source, Buffer.from('first'));
        await store.put(source, Buffer.from('second'));
        const meant = { sourceIfMatch: first.etag };
        await rejectsWith('changed', store.copy(source, target, meant));
        await rejectsWith('missing', store.head(target));
      });

      it('needs a source', async () => {
        await rejectsWith('missing', store.copy(freshKey('none'), freshKey()));
      });
    });

    describe('a list', () => {
      let folder: string;
      before(async () => {
        folder = `${freshKey('list')}/`;
        const names = ['a', 'b/1', 'b/2', 'b-', 'c', 'd/', 'é', '\u{1F600}', '\uffee'];
        for (const name of names) await store.put(folder + name, Buffer.from(name));
      });

      const relative = (keysOrPrefixes: readonly string[]) =>
        keysOrPrefixes.map((key) => key.slice(folder.length));

      it('is in UTF-8 order, flat without a delimiter', async () => {
        const { objects, prefixes, nextMarker } = await store.list({ prefix: folder });
        assert.deepEqual(relative(Array.from(objects, (object) => object.key)), [
          'a',
          'b-',
          'b/1',
          'b/2',
          'c',
          'd/',
          'é',
          '\uffee',
          '\u{1F600}',
        ]);
        assert.deepEqual(prefixes, []);
        assert.equal(nextMarker, undefined);
      });

      it('groups at the delimiter', async () => {
        const { objects, prefixes } = await store.list({ prefix: folder, delimiter: '/' });
        const found = relative(Array.from(objects, (object) => object.key));
        assert.deepEqual(found, ['a', 'b-', 'c', 'é', '\uffee', '\u{1F600}']);
        assert.deepEqual(relative(prefixes), ['b/', 'd/']);
      });

      it('tells size, version and time of each object', async () => {
        const { objects } = await store.list({ prefix: `${folder}b/`, maxKeys: 1 });
        const info = await store.head(`${folder}b/1`);
        const [first] = objects;
        assert.equal(first?.sizeBytes, 3);
        assert.equal(first?.etag, info.etag);
        const listedSeconds = Math.floor((first?.modifiedAt.getTime() ?? 0) / 1000);
        assert.ok(Math.abs(listedSeconds - info.modifiedAt.getTime() / 1000) <= 1);
      });

      for (const maxKeys of [1, 2, 5, 8, 9]) {
        for (const delimiter of [undefined, '/']) {
          const how = delimiter ? 'grouped' : 'flat';
          it(`${how} by pages of ${maxKeys} is the same as at once`, async () => {
            const grouping = delimiter === undefined ? {} : { delimiter };
            const whole = await store.list({ prefix: folder, ...grouping });
            const found: string[] = [];
            let marker: string | undefined;
            do {
              const page = await store.list({
                prefix: folder,
                ...grouping,
                maxKeys,
                ...(marker !== undefined && { marker }),
              });
              const names = [...Array.from(page.objects, (object) => object.key), ...page.prefixes];
              assert.ok(names.length <= maxKeys);
              found.push(...names);
              marker = page.nextMarker;
            } while (marker !== undefined);
            const expected = [
              ...Array.from(whole.objects, (object) => object.key),
              ...whole.prefixes,
            ];
            assert.deepEqual(found.toSorted(), expected.toSorted());
          });
        }
      }

      it('of a prefix without keys is empty', async () => {
        const { objects, prefixes, nextMarker } = await store.list({ prefix: `${folder}none` });
        assert.deepEqual([[...objects], prefixes, nextMarker], [[], [], undefined]);
      });
    });

    describe('a multipart upload', () => {
      const parts = [randomBytes(MiB), randomBytes(MiB + 1), randomBytes(10)];
      const whole = Buffer.concat(parts);

      async function uploadParts(upload: MultipartUpload) {
        return Promise.all(
          parts.map(async (part, index) => {
            const receipt = await store.uploadPart(upload, index + 1, part);
            assert.equal(receipt.crc64, crc64(part));
            return { number: index + 1, etag: receipt.etag };
          }),
        );
      }

      it('becomes one object, of parts of different sizes', async () => {
        const key = freshKey();
        const upload = await store.createMultipart(key, attributes);
        const uploaded = await uploadParts(upload);
        await rejectsWith('missing', store.head(key));
        const receipt = await store.completeMultipart(upload, uploaded);
        const info = await store.head(key);
        assert.deepEqual(await readWhole(key), whole);
        assert.equal(info.etag, receipt.etag);
        assert.equal(info.crc64, crc64(whole));
        assert.deepEqual(attributesOf(info), attributes);
      });

      it('may replace a part by sending its number again', async () => {
        const key = freshKey();
        const upload = await store.createMultipart(key);
        await store.uploadPart(upload, 1, Buffer.from('wrong'));
        const { etag } = await store.uploadPart(upload, 1, Buffer.from('right'));
        await store.completeMultipart(upload, [{ number: 1, etag }]);
        assert.equal((await readWhole(key)).toString(), 'right');
      });

      it('is completed once; later its id is unknown', async () => {
        const upload = await store.createMultipart(freshKey());
        const { etag } = await store.uploadPart(upload, 1, Buffer.from('x'));
        await store.completeMultipart(upload, [{ number: 1, etag }]);
        const again = store.completeMultipart(upload, [{ number: 1, etag }]);
        await rejectsWith('upload-missing', again);
      });

      it('leaves the old object untouched when it is aborted, and aborts twice', async () => {
        const key = freshKey();
        await store.put(key, Buffer.from('old'));
        const upload = await store.createMultipart(key);
        await store.uploadPart(upload, 1, Buffer.from('new'));
        await store.abortMultipart(upload);
        await store.abortMultipart(upload);
        await rejectsWith('upload-missing', store.uploadPart(upload, 2, Buffer.from('new')));
        assert.equal((await readWhole(key)).toString(), 'old');
      });

      it('is refused with a part that was never sent', async () => {
        const upload = await store.createMultipart(freshKey());
        const wrong = store.completeMultipart(upload, [{ number: 1, etag: '"none"' }]);
        await rejectsWith('rejected', wrong);
        await store.abortMultipart(upload);
      });

      it('may take a part from an object', async () => {
        const [source, key] = [freshKey(), freshKey()];
        const old = randomBytes(MiB + 100);
        const { etag } = await store.put(source, old);
        const upload = await store.createMultipart(key);
        const first = await store.copyPart(upload, 1, {
          sourceKey: source,
          offsetBytes: 50,
          lengthBytes: MiB,
          sourceIfMatch: etag,
        });
        const stale = { sourceKey: source, offsetBytes: 0, lengthBytes: MiB, sourceIfMatch: '"x"' };
        await rejectsWith('changed', store.copyPart(upload, 2, stale));
        const second = await store.uploadPart(upload, 2, Buffer.from('tail'));
        await store.completeMultipart(upload, [
          { number: 1, etag: first.etag },
          { number: 2, etag: second.etag },
        ]);
        const expected = Buffer.concat([old.subarray(50, 50 + MiB), Buffer.from('tail')]);
        assert.deepEqual(await readWhole(key), expected);
      });

      it('is listed while it is open', async () => {
        const folder = `${freshKey('up loads+é')}/`;
        const opened = [
          await store.createMultipart(`${folder}a`),
          await store.createMultipart(`${folder}a`),
          await store.createMultipart(`${folder}b`),
        ];
        await store.createMultipart(freshKey('elsewhere'));
        const listed: MultipartUpload[] = [];
        for await (const upload of store.listMultipartUploads(folder)) listed.push(upload);
        const ids = (uploads: readonly MultipartUpload[]) =>
          uploads.map(({ key, uploadId }) => `${key} ${uploadId}`).toSorted();
        assert.deepEqual(ids(listed), ids(opened));
        assert.ok(listed.every((upload) => upload.initiatedAt));
      });
    });

    describe('a caller', () => {
      it('that gave up already gets no request made', async () => {
        const signal = AbortSignal.abort();
        const key = freshKey();
        await rejectsWith('aborted', store.put(key, Buffer.from('x'), { signal }));
        await rejectsWith('aborted', store.head(key, { signal }));
        await rejectsWith('aborted', store.list({ prefix: key, signal }));
        await rejectsWith('missing', store.head(key));
      });

      it('can ask whether the bucket is there', async () => {
        await store.probe();
      });
    });
  });
}

async function deleteAll(store: ObjectStore, prefix: string): Promise<void> {
  for await (const upload of store.listMultipartUploads(prefix)) await store.abortMultipart(upload);
  for (let marker: string | undefined, more = true; more; more = marker !== undefined) {
    const page = await store.list({ prefix, ...(marker !== undefined && { marker }) });
    for (const { key } of page.objects) await store.delete(key);
    marker = page.nextMarker;
  }
}
