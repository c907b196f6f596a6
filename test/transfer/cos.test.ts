/**
 * Uploads, downloads and renames through the real driver and HTTP against the embedded COS: what the
 * scripted store of the other tests cannot show.
 */
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import type { FaultAct, FaultScript } from '#gateway/cosd/fault-script.ts';
import type { Operation } from '#gateway/cosd/operation.ts';
import { MiB } from '#gateway/kit/bytes.ts';
import { systemClock } from '#gateway/kit/clock.ts';
import { crc64 } from '#gateway/kit/crc64.ts';
import { openDownload } from '#gateway/transfer/download.ts';
import { renameFile } from '#gateway/transfer/rename.ts';
import { Upload } from '#gateway/transfer/upload.ts';
import { uploadTiming } from '#gateway/transfer/upload-options.ts';
import { seededRandom } from '#test/support/random.ts';
import { openTestStore, quickRetries } from '#test/support/storage-store.ts';
import { assertPoolsEmpty, testPool } from '#test/support/transfer-pool.ts';
import { feed, planFor } from '#test/support/transfer-upload.ts';

afterEach(assertPoolsEmpty);

const random = seededRandom(91);
const small = random.bytes(40_000);
const large = random.bytes(9 * MiB + 77);

async function openBench(faults: FaultScript = [], mebibytes = 64) {
  const testStore = await openTestStore(faults);
  const { store, cosd } = testStore;
  const pool = testPool(systemClock, mebibytes);
  const upload = async (key: string, data: Uint8Array) => {
    const plan = planFor(pool);
    const timing = { completeRetry: { ...uploadTiming.completeRetry, ...quickRetries } };
    const clock = systemClock;
    const work = new Upload({
      store,
      key,
      pool,
      plan,
      limitBytes: 1024 * MiB,
      attributes: {},
      clock,
      timing,
    });
    try {
      await work.ready();
      await feed(work, data);
      return await work.finish({ mayCommit: () => true });
    } catch (error) {
      await work.discard('failed');
      throw error;
    }
  };
  const download = async (key: string, offsetBytes = 0) => {
    const opened = await openDownload({ store, key, offsetBytes, pool, clock: systemClock });
    const pieces: Buffer[] = [];
    for await (const chunk of opened.chunks()) {
      pieces.push(Buffer.from(chunk.bytes));
      chunk.release();
    }
    return Buffer.concat(pieces);
  };
  return {
    store,
    cosd,
    pool,
    upload,
    download,
    stored: (key: string) => cosd.inspect.bytes(cosd.bucket, key),
    uploads: () => cosd.inspect.openUploads(cosd.bucket),
    [Symbol.asyncDispose]: () => testStore[Symbol.asyncDispose](),
  };
}

describe('through HTTP to the embedded COS', () => {
  test('files of any size come back equal, with the fewest requests', async () => {
    await using bench = await openBench();
    const one = ['PutObject', 'GetObject'];
    const parts = ['InitiateMultipartUpload', 'UploadPart', 'CompleteMultipartUpload', 'GetObject'];
    for (const [bytes, names] of [
      [0, ['PutObject', 'GetObject', 'HeadObject']],
      [1, one],
      [MiB, one],
      [MiB + 1, parts],
      [20 * MiB + 3, parts],
    ] as const) {
      const data = random.bytes(bytes);
      bench.cosd.forgetRequests();
      const { checksum, crc64: sum } = await bench.upload('a b/ä', data);
      assert.deepEqual([checksum, sum], ['verified', crc64(data)]);
      assert((await bench.download('a b/ä')).equals(data), `${bytes} bytes`);
      const asked = bench.cosd.requests();
      const used = Object.entries(asked).filter(([, count]) => count > 0);
      assert.deepEqual(used.map(([name]) => name).sort(), [...names].sort(), `${bytes} bytes`);
      if (names === one) assert(used.every(([, count]) => count === 1));
    }
  });

  test('a download may begin anywhere', async () => {
    await using bench = await openBench([], 16);
    await bench.upload('file', large);
    for (const offset of [0, 1, MiB, large.length - 1, large.length]) {
      assert((await bench.download('file', offset)).equals(large.subarray(offset)), `${offset}`);
    }
    await assert.rejects(bench.download('file', large.length + 1), { kind: 'invalid-range' });
  });

  test('64 uploads at once finish on 8 MiB', async () => {
    await using bench = await openBench([], 8);
    const sizes = Array.from({ length: 64 }, () => random.between(0, 3 * MiB));
    await Promise.all(
      sizes.map((bytes, index) => bench.upload(`file ${index}`, seededRandom(index).bytes(bytes))),
    );
    for (const [index, bytes] of sizes.entries()) {
      const found = bench.cosd.inspect.find(bench.cosd.bucket, `file ${index}`);
      assert.equal(found?.crc64, crc64(seededRandom(index).bytes(bytes)), `file ${index}`);
    }
    assert.equal(bench.uploads().length, 0);
    assert(bench.pool.usedBytesPeak <= 8 * MiB);
  });

  test('a file is renamed in one piece and in parts', async () => {
    await using bench = await openBench();
    const { store, cosd } = bench;
    await bench.upload('one', large);
    await renameFile({ store, sourceKey: 'one', targetKey: 'two' });
    const parts = { copyBytesMax: MiB, copyPartBytes: 2 * MiB };
    await renameFile({ store, sourceKey: 'two', targetKey: 'three', ...parts });
    assert.deepEqual(cosd.inspect.keys(cosd.bucket), ['three']);
    assert((await bench.download('three')).equals(large));
    assert.equal(bench.uploads().length, 0);
  });
});

const internalError: FaultAct = { do: 'error', status: 500, code: 'InternalError' };
const always = 'always';

/** What happens, to which operation, how often, and whether the upload is to succeed. */
const faults: readonly (readonly [
  string,
  Operation,
  FaultAct,
  number | 'always',
  'stored' | 'failed',
])[] = [
  ['PUT fails once', 'PutObject', internalError, 1, 'stored'],
  ['PUT always fails', 'PutObject', internalError, always, 'failed'],
  ['PUT is damaged on its way in', 'PutObject', { do: 'flip-in' }, 1, 'stored'],
  ['every PUT is damaged', 'PutObject', { do: 'flip-in' }, always, 'failed'],
  ['the reply to PUT is lost', 'PutObject', { do: 'reset', at: 'reply' }, 1, 'stored'],
  ['all replies to PUT are lost', 'PutObject', { do: 'reset', at: 'reply' }, always, 'stored'],
  ['PUT answers a wrong CRC', 'PutObject', { do: 'wrong-crc' }, always, 'stored'],
  ['PUT answers no CRC', 'PutObject', { do: 'omit-crc' }, always, 'stored'],
  ['no upload can be begun', 'InitiateMultipartUpload', internalError, always, 'failed'],
  ['a part is reset', 'UploadPart', { do: 'reset', at: 'upload', afterBytes: 9 }, 1, 'stored'],
  [
    'parts are refused',
    'UploadPart',
    { do: 'error', status: 403, code: 'AccessDenied' },
    always,
    'failed',
  ],
  ['a part is damaged', 'UploadPart', { do: 'flip-in' }, 1, 'stored'],
  ['every part is damaged', 'UploadPart', { do: 'flip-in' }, always, 'failed'],
  ['parts answer wrong CRCs', 'UploadPart', { do: 'wrong-crc' }, always, 'failed'],
  ['parts answer wrong ETags', 'UploadPart', { do: 'wrong-etag' }, always, 'failed'],
  ['parts answer no CRC', 'UploadPart', { do: 'omit-crc' }, always, 'stored'],
  ['Complete fails once', 'CompleteMultipartUpload', internalError, 1, 'stored'],
  ['Complete always fails', 'CompleteMultipartUpload', internalError, always, 'failed'],
  [
    'Complete says 200 and an Error',
    'CompleteMultipartUpload',
    { do: 'error-in-200', code: 'InternalError' },
    always,
    'failed',
  ],
  [
    'Complete is done but says an Error',
    'CompleteMultipartUpload',
    { do: 'error-in-200', code: 'InternalError', work: 'done' },
    1,
    'stored',
  ],
  [
    'the reply to Complete is lost',
    'CompleteMultipartUpload',
    { do: 'reset', at: 'reply' },
    1,
    'stored',
  ],
  ['Complete answers no CRC', 'CompleteMultipartUpload', { do: 'omit-crc' }, always, 'stored'],
  [
    'Complete answers a wrong CRC',
    'CompleteMultipartUpload',
    { do: 'wrong-crc' },
    always,
    'stored',
  ],
  [
    'Complete drips before it answers',
    'CompleteMultipartUpload',
    { do: 'drip', dripMs: 50 },
    1,
    'stored',
  ],
];

describe('when COS misbehaves an upload', () => {
  for (const [name, operation, act, times, outcome] of faults) {
    test(`is ${outcome} although ${name}`, async () => {
      await using bench = await openBench([{ operation, act, times, key: 'file' }]);
      const data = operation === 'PutObject' ? small : large;
      await bench.cosd.inspect.put(bench.cosd.bucket, 'file', 'old');
      const work = bench.upload('file', data);
      if (outcome === 'stored') assert.equal((await work).crc64, crc64(data));
      else await assert.rejects(work);
      const expected = outcome === 'stored' ? data : Buffer.from('old');
      assert.deepEqual(Buffer.from(await bench.stored('file')), Buffer.from(expected));
      assert.equal(bench.uploads().length, 0, 'no multipart upload stays open');
    });
  }
});

describe('when COS misbehaves a download', () => {
  const get = 'GetObject';
  for (const [name, act, times, isWhole] of [
    ['is whole although a reply is cut', { do: 'cut', afterBytes: 100_000 }, 1, true],
    ['is whole although COS fails once', internalError, 1, true],
    ['fails when COS always does', internalError, always, false],
    ['fails when a bit flips on its way', { do: 'flip-out', atByte: 700_000 }, 1, false],
  ] as const) {
    test(name, async () => {
      await using bench = await openBench([{ operation: get, act, times }]);
      await bench.cosd.inspect.put(bench.cosd.bucket, 'file', large);
      const work = bench.download('file');
      if (isWhole) assert((await work).equals(large));
      else await assert.rejects(work);
    });
  }
});
