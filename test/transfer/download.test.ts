import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { MiB } from '#gateway/kit/bytes.ts';
import { StoreError } from '#gateway/storage/object-store.ts';
import { type Download, type DownloadOptions, openDownload } from '#gateway/transfer/download.ts';
import type { IntegrityResult } from '#gateway/transfer/observer.ts';
import { silentObserver } from '#gateway/transfer/observer.ts';
import { fakeClock } from '#test/support/fake-clock.ts';
import { MemoryStore, noCrc } from '#test/support/memory-store.ts';
import { seededRandom } from '#test/support/random.ts';
import { assertPoolsEmpty, testPool } from '#test/support/transfer-pool.ts';
import { drive } from '#test/support/transfer-upload.ts';

afterEach(assertPoolsEmpty);

const random = seededRandom(61);
/** After which a client that takes a chunk of 1 MiB is slow. */
const patienceMsOfOne = 1_000;

function downloadBench(data: Uint8Array, mebibytes = 64) {
  const clock = fakeClock();
  const store = new MemoryStore();
  const pool = testPool(clock, mebibytes);
  const checks: IntegrityResult[] = [];
  const observer = {
    ...silentObserver,
    integrityChecked: (_stage: string, result: IntegrityResult) => void checks.push(result),
  };
  store.store('file', data);
  const open = (options: Partial<DownloadOptions> = {}) =>
    openDownload({ store, key: 'file', pool, clock, observer, ...options });
  return { clock, store, pool, checks, open };
}

/** Reads it all as a fast client would. */
async function readAll(download: Download): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const chunk of download.chunks()) {
    pieces.push(Buffer.from(chunk.bytes));
    chunk.release();
  }
  return Buffer.concat(pieces);
}

describe('a download', () => {
  for (const bytes of [1, 1_000, MiB - 1, MiB]) {
    test(`of ${bytes} bytes is one GET`, async () => {
      const data = random.bytes(bytes);
      const { open, store, checks } = downloadBench(data);
      const download = await open();
      assert.equal(download.info.sizeBytes, bytes);
      assert.deepEqual(await readAll(download), Buffer.from(data));
      assert.deepEqual(store.operations, ['read']);
      assert.deepEqual(checks, ['verified']);
    });
  }

  test('of an empty object is settled by a HEAD', async () => {
    const { open, store } = downloadBench(new Uint8Array(0));
    const download = await open();
    assert.equal(download.info.sizeBytes, 0);
    assert.equal((await readAll(download)).length, 0);
    assert.deepEqual(store.operations, ['read', 'head']);
  });

  for (const bytes of [MiB + 1, 2 * MiB, 9 * MiB + 5, 40 * MiB]) {
    test(`of ${bytes} bytes comes in order and is compared`, async () => {
      const data = random.bytes(bytes);
      const { open, clock, checks } = downloadBench(data);
      const download = await open();
      assert((await drive(clock, readAll(download))).equals(data));
      assert.deepEqual(checks, ['verified']);
    });
  }

  test('from an offset begins there, and cannot be compared', async () => {
    const data = random.bytes(3 * MiB);
    for (const offsetBytes of [1, MiB - 1, MiB, MiB + 1, 3 * MiB - 1]) {
      const { open, clock, checks } = downloadBench(data);
      const download = await open({ offsetBytes });
      assert((await drive(clock, readAll(download))).equals(data.subarray(offsetBytes)));
      assert.deepEqual(checks, []);
    }
  });

  test('from the end is empty, from beyond is an error', async () => {
    const data = random.bytes(1_000);
    const { open } = downloadBench(data);
    assert.equal((await readAll(await open({ offsetBytes: 999 }))).length, 1);
    assert.equal((await readAll(await open({ offsetBytes: 1_000 }))).length, 0);
    await assert.rejects(open({ offsetBytes: 1_001 }), { kind: 'invalid-range' });
  });

  test('of a missing object fails before anything is promised', async () => {
    const { open } = downloadBench(random.bytes(1));
    await assert.rejects(open({ key: 'nothing' }), { kind: 'missing' });
  });

  test('without memory fails before anything is promised', async () => {
    const { open, pool, clock, store } = downloadBench(random.bytes(1), 1);
    const other = pool.tryAcquire({ bytes: MiB });
    await assert.rejects(drive(clock, open()), { kind: 'no-memory' });
    assert.deepEqual(store.operations, []);
    other?.release();
  });

  test('reads ahead and with longer ranges only while its client waits for the store', async () => {
    const { open, clock, store, pool } = downloadBench(random.bytes(60 * MiB), 256);
    store.script = () => ({ before: () => new Promise((resolve) => clock.setTimer(50, resolve)) });
    const fast = await drive(clock, open());
    await drive(clock, readAll(fast));
    const fastReads = store.operations.length;
    assert(fastReads <= 12, `${fastReads} reads`);
    assert(pool.usedBytesPeak <= 4 * 8 * MiB);

    store.calls.length = 0;
    const slow = await drive(clock, open());
    const iterator = slow.chunks()[Symbol.asyncIterator]();
    for (let taken = 0; taken < 10; taken++) {
      const { value } = await drive(clock, iterator.next());
      await clock.advance(5_000);
      assert(pool.usedBytes <= 2 * MiB, `${pool.usedBytes} held for a slow client`);
      value.release();
    }
    await iterator.return?.();
  });

  test('drops what it read ahead for a client that stopped, and goes on where that one is', async () => {
    const data = random.bytes(40 * MiB);
    const { open, clock, store, pool, checks } = downloadBench(data, 256);
    store.script = () => ({ before: () => new Promise((resolve) => clock.setTimer(200, resolve)) });
    const iterator = (await drive(clock, open())).chunks()[Symbol.asyncIterator]();
    const pieces: Buffer[] = [];
    const take = async () => {
      const { value, done } = await drive(clock, iterator.next());
      if (!done) pieces.push(Buffer.from(value.bytes));
      return value;
    };
    for (let taken = 0; taken < 5; taken++) (await take()).release();
    const held = await take();
    const patienceMs = (1_000 * held.bytes.length) / MiB;
    assert(held.bytes.length > MiB, 'it looked fast');
    await clock.advance(patienceMs - 1);
    const heldBytes = pool.usedBytes;
    assert(heldBytes > held.bytes.length, `${heldBytes}`);
    await clock.advance(1);
    assert.equal(pool.usedBytes, held.bytes.length);
    held.release();
    for (let slow = 0; slow < 3; slow++) {
      const chunk = await take();
      await clock.advance(patienceMsOfOne + 1_000);
      assert.equal(pool.usedBytes, MiB, 'a slow client holds what it is at');
      chunk.release();
    }
    const readsBefore = store.operations.length;
    await clock.advance(60_000);
    assert.equal(store.operations.length, readsBefore, 'nothing is read for nobody');
    for (let value = await take(); value; value = await take()) value.release();
    assert(Buffer.concat(pieces).equals(data));
    assert.deepEqual(checks, ['verified']);
  });

  test('goes on with the least memory', async () => {
    const data = random.bytes(5 * MiB + 3);
    const { open, clock, pool } = downloadBench(data, 1);
    assert((await drive(clock, readAll(await open()))).equals(data));
    assert.equal(pool.usedBytesPeak, MiB);
  });

  test('by 64 clients at once gets through 8 MiB', async () => {
    const data = random.bytes(4 * MiB + 1);
    const { open, clock, store } = downloadBench(data, 8);
    store.script = () => ({ before: () => new Promise((resolve) => clock.setTimer(7, resolve)) });
    const all = Array.from({ length: 64 }, async () => (await readAll(await open())).equals(data));
    const equal = await drive(clock, Promise.all(all), { stepMs: 10 });
    assert(equal.every(Boolean));
  });
});

describe('a download of what is not right', () => {
  for (const bytes of [1_000, 3 * MiB]) {
    test(`never hands over the end of ${bytes} damaged bytes`, async () => {
      const data = random.bytes(bytes);
      const { open, clock, store, checks } = downloadBench(data);
      store.script = () => ({
        bytes: (piece) => {
          piece[7] = (piece[7] ?? 0) ^ 64;
          return piece;
        },
      });
      const download = await open();
      let received = 0;
      await assert.rejects(
        drive(
          clock,
          (async () => {
            for await (const chunk of download.chunks()) {
              received += chunk.bytes.length;
              chunk.release();
            }
          })(),
        ),
        { kind: 'corrupt' },
      );
      assert(received < bytes);
      assert.deepEqual(checks, ['mismatch']);
    });
  }

  test('accepts an object of which no CRC is known, and counts it', async () => {
    const data = random.bytes(2 * MiB);
    const { open, clock, store, checks } = downloadBench(data);
    const read = store.read.bind(store);
    store.read = async (...call) => {
      const { info, bytesRead } = await read(...call);
      return { info: { ...info, ...noCrc }, bytesRead };
    };
    assert((await drive(clock, readAll(await open()))).equals(data));
    assert.deepEqual(checks, ['absent']);
  });

  test('fails when the object is replaced meanwhile', async () => {
    const { open, clock, store } = downloadBench(random.bytes(5 * MiB));
    store.script = (_call, nth) =>
      nth === 3 ? { before: () => void store.store('file', random.bytes(5 * MiB)) } : undefined;
    await assert.rejects(drive(clock, readAll(await open())), { kind: 'changed' });
  });

  test('fails when fewer bytes come than the object has', async () => {
    const { open, clock, store } = downloadBench(random.bytes(5 * MiB));
    store.script = (_call, nth) =>
      nth === 4 ? { bytes: (piece) => piece.subarray(1) } : undefined;
    await assert.rejects(drive(clock, readAll(await open())), { kind: 'corrupt' });
  });

  test('fails with what the store says of any range', async () => {
    for (const failing of [2, 3, 5]) {
      const { open, clock, store } = downloadBench(random.bytes(9 * MiB));
      store.script = (_call, nth) =>
        nth === failing ? { fail: new StoreError('unavailable', 'scripted') } : undefined;
      await assert.rejects(drive(clock, readAll(await open())), { kind: 'unavailable' });
    }
  });
});

describe('a download that is left', () => {
  test('before its first chunk gives everything back', async () => {
    const { open, pool } = downloadBench(random.bytes(5 * MiB));
    const download = await open();
    assert.equal(pool.usedBytes, MiB);
    await download.close();
    await download.close();
    assert.equal(pool.usedBytes, 0);
    const unread = (await open()).chunks()[Symbol.asyncIterator]();
    await unread.return?.();
    assert.equal(pool.usedBytes, 0);
  });

  test('in the middle ends the reads that run', async () => {
    const { open, clock, store, pool } = downloadBench(random.bytes(20 * MiB));
    const download = await open();
    for await (const chunk of download.chunks()) {
      store.script = () => ({ before: () => new Promise(() => undefined) });
      chunk.release();
      break;
    }
    await clock.advance(0);
    assert.equal(pool.usedBytes, 0);
  });

  test('while a chunk is awaited does not lose its memory', async () => {
    const { open, clock, pool } = downloadBench(random.bytes(20 * MiB));
    const download = await open();
    const iterator = download.chunks()[Symbol.asyncIterator]();
    const first = await iterator.next();
    first.value.release();
    const pending = iterator.next(); // its consumer stops waiting just before it has something
    await clock.advance(0);
    await iterator.return?.();
    assert.equal(pool.usedBytes, 0);
    assert.equal((await pending).done, false);
    await assert.rejects(iterator.next(), { kind: 'aborted' });
  });

  test('by its signal stops at once, also while it waits for memory', async () => {
    const { open, clock, pool } = downloadBench(random.bytes(20 * MiB), 1);
    const stop = new AbortController();
    const download = await open({ signal: stop.signal });
    const iterator = download.chunks()[Symbol.asyncIterator]();
    const first = await iterator.next();
    const pending = iterator.next();
    await clock.advance(0);
    assert.equal(pool.waiting, 1);
    stop.abort(new Error('abor'));
    await assert.rejects(pending, { kind: 'aborted' });
    first.value.release();
    await assert.rejects(open({ signal: stop.signal }), { kind: 'aborted' });
  });

  test('takes back what was handed over and not released', async () => {
    const { open, pool } = downloadBench(random.bytes(3 * MiB));
    const download = await open();
    const iterator = download.chunks()[Symbol.asyncIterator]();
    const { value } = await iterator.next();
    assert.equal(value.bytes.length, MiB);
    await iterator.return?.();
    assert.equal(pool.usedBytes, 0);
    value.release();
  });
});
