/** What every shelf must do alike, and what each does of its own. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { createDirectoryShelf } from '#gateway/cosd/directory-shelf.ts';
import { createDiscardShelf } from '#gateway/cosd/discard-shelf.ts';
import { createMemoryShelf } from '#gateway/cosd/memory-shelf.ts';
import type { ObjectShelf } from '#gateway/cosd/shelf.ts';
import { crc64 } from '#gateway/kit/crc64.ts';
import {
  fieldOf,
  startTestCosd,
  type TestReply,
  testBucket,
  testHost,
} from '#test/support/cosd.ts';
import { seededRandom } from '#test/support/random.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';

const MiB = 1024 * 1024;

async function onEachShelf(check: (shelf: ObjectShelf) => Promise<void>): Promise<void> {
  await using directory = await temporaryDirectory();
  const shelves = [
    createMemoryShelf(),
    createDirectoryShelf({ directory: `${directory.path}/process` }),
    createDirectoryShelf({ directory: `${directory.path}/power`, durability: 'power' }),
  ];
  for (const shelf of shelves) await check(shelf);
}

test('bodies of many sizes come back whole and in ranges, also after a copy and from parts', async () => {
  await onEachShelf(async (shelf) => {
    await using cosd = await startTestCosd({ shelf });
    const random = seededRandom(5);
    for (const size of [0, 1, 65_535, 65_536, 524_288, 524_289, 3 * MiB + 17]) {
      const body = Buffer.from(random.bytes(size));
      await cosd.fetch({ method: 'PUT', key: 'k', body });
      assert.ok((await cosd.fetch({ method: 'GET', key: 'k' })).body.equals(body));
      await cosd.fetch({
        method: 'PUT',
        key: 'copy',
        headers: { 'x-cos-copy-source': `${testHost}/k` },
      });
      assert.ok(body.equals(await cosd.inspect.bytes(testBucket, 'copy')));
      for (let round = 0; size > 0 && round < 5; round++) {
        const first = random.between(0, size - 1);
        const last = random.between(first, size - 1);
        const headers = { range: `bytes=${first}-${last}` };
        const reply = await cosd.fetch({ method: 'GET', key: 'copy', headers });
        assert.ok(reply.body.equals(body.subarray(first, last + 1)), `${size}: ${headers.range}`);
      }
    }
  });
});

test('a hundred writers, readers and deleters at once never see half an object', async () => {
  await onEachShelf(async (shelf) => {
    await using cosd = await startTestCosd({ shelf });
    const random = seededRandom(11);
    const replies = Array.from({ length: 100 }, (): Promise<TestReply> => {
      const key = `k${random.between(0, 3)}`;
      const body = Buffer.alloc(random.between(1, 200_000), random.between(0, 255));
      const method = ['PUT', 'GET', 'DELETE'][random.between(0, 2)] ?? 'PUT';
      return cosd.fetch(method === 'PUT' ? { method, key, body } : { method, key });
    });
    for (const reply of await Promise.all(replies)) {
      assert.ok([200, 204, 404].includes(reply.status), reply.text);
      const sum = reply.headers['x-cos-hash-crc64ecma'];
      if (reply.status === 200 && reply.body.length > 0) {
        assert.equal(crc64(reply.body).toString(), sum);
      }
    }
  });
});

test('memory: full one byte beyond its bound, and room again after a delete', async () => {
  const limitBytes = 100_000;
  for (const [size, status] of [
    [99_999, 200],
    [100_000, 200],
    [100_001, 500],
  ] as const) {
    await using cosd = await startTestCosd({ shelf: createMemoryShelf({ limitBytes }) });
    const reply = await cosd.fetch({ method: 'PUT', key: 'k', body: Buffer.alloc(size) });
    assert.equal(reply.status, status);
    if (status === 200) continue;
    assert.deepEqual(
      [fieldOf(reply, 'Code'), fieldOf(reply, 'Message')],
      ['InternalError', 'The embedded COS is out of space.'],
    );
    // What was refused, replaced, deleted or aborted takes no room.
    for (const body of [Buffer.alloc(60_000), Buffer.alloc(40_000)]) {
      assert.equal((await cosd.fetch({ method: 'PUT', key: 'k', body })).status, 200);
    }
    await cosd.fetch({ method: 'DELETE', key: 'k' });
    const begun = await cosd.fetch({ method: 'POST', key: 'k', query: { uploads: '' } });
    const uploadId = fieldOf(begun, 'UploadId') ?? '';
    for (let round = 0; round < 3; round++) {
      const query = { uploadId, partNumber: '1' };
      const part = await cosd.fetch({ method: 'PUT', key: 'k', query, body: Buffer.alloc(50_000) });
      assert.equal(part.status, 200);
    }
    await cosd.fetch({ method: 'DELETE', key: 'k', query: { uploadId } });
    const again = await cosd.fetch({ method: 'PUT', key: 'k', body: Buffer.alloc(limitBytes) });
    assert.equal(again.status, 200);
  }
});

test('discard: sizes, checksums and lists are true, the bytes are zeros', async () => {
  await using cosd = await startTestCosd({ shelf: createDiscardShelf() });
  const put = await cosd.fetch({ method: 'PUT', key: 'k', body: 'hello' });
  assert.equal(put.headers['x-cos-hash-crc64ecma'], crc64(Buffer.from('hello')).toString());
  const got = await cosd.fetch({ method: 'GET', key: 'k' });
  assert.ok(got.body.equals(Buffer.alloc(5)));
  assert.ok((await cosd.fetch({ method: 'GET' })).text.includes('<Size>5</Size>'));
});

test('checksum levels: less work, ETags that still differ, and no CRC-64 where none was taken', async () => {
  await using cheap = await startTestCosd({ checksums: 'crc64' });
  await using none = await startTestCosd({ checksums: 'none' });
  const put = (cosd: typeof cheap, body: string) => cosd.fetch({ method: 'PUT', key: body, body });
  const sum = crc64(Buffer.from('a'));
  const reply = await put(cheap, 'a');
  assert.equal(reply.headers['etag'], `"${sum.toString(16).padStart(32, '0')}"`);
  assert.equal(reply.headers['x-cos-hash-crc64ecma'], sum.toString());
  const [one, two] = [await put(none, 'a'), await put(none, 'a')];
  assert.equal(one.headers['x-cos-hash-crc64ecma'], undefined);
  assert.notEqual(one.headers['etag'], two.headers['etag']);
});
