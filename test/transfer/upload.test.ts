import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { MiB } from '#gateway/kit/bytes.ts';
import { crc64 } from '#gateway/kit/crc64.ts';
import { StoreError } from '#gateway/storage/object-store.ts';
import type { PartBuffer, PartPool } from '#gateway/transfer/budget.ts';
import { TransferError } from '#gateway/transfer/errors.ts';
import { starterBytes } from '#gateway/transfer/starters.ts';
import type { MemoryStoreOperation } from '#test/support/memory-store.ts';
import { seededRandom } from '#test/support/random.ts';
import { assertPoolsEmpty } from '#test/support/transfer-pool.ts';
import { drive, feed, uploadBench } from '#test/support/transfer-upload.ts';

afterEach(assertPoolsEmpty);

const random = seededRandom(41);
const yes = { mayCommit: () => true };
const no = { mayCommit: () => false };

function conversation(parts: number): readonly MemoryStoreOperation[] {
  return [
    'createMultipart',
    ...Array.from({ length: parts }, () => 'uploadPart' as const),
    'completeMultipart',
  ];
}

describe('an upload', () => {
  for (const [bytes, operations] of [
    [0, ['put']],
    [1, ['put']],
    [MiB - 1, ['put']],
    [MiB, ['put']],
    [MiB + 1, conversation(2)],
    [3 * MiB - 1, conversation(2)],
    [3 * MiB, conversation(2)],
    [3 * MiB + 1, conversation(3)],
    [15 * MiB, conversation(4)],
    [20 * MiB + 7, conversation(5)],
  ] as const) {
    test(`of ${bytes} bytes makes these calls and no other: ${operations.join(' ')}`, async () => {
      const { store, open, clock, observed } = uploadBench();
      const data = random.bytes(bytes);
      const upload = open();
      await drive(clock, feed(upload, data));
      const stored = await drive(clock, upload.finish(yes));
      assert.deepEqual(store.operations, operations);
      assert.deepEqual(
        Buffer.from(store.objects.get('inbox/file')?.bytes ?? []),
        Buffer.from(data),
      );
      assert.deepEqual(
        [stored.sizeBytes, stored.crc64, stored.checksum],
        [bytes, crc64(data), 'verified'],
      );
      assert.equal(upload.receivedBytes, bytes);
      assert.equal(upload.state, 'stored');
      assert(observed.checks.every(([, result]) => result === 'verified'));
      assert.equal(store.uploads.size, 0);
    });
  }

  test('is the same for any chunks, from single bytes to several parts', async () => {
    const data = random.bytes(2 * MiB + 321);
    for (const most of [9, 1_460, 65_536, 9 * MiB]) {
      const { store, open, clock } = uploadBench(8);
      const upload = open();
      const chunks = seededRandom(most);
      await drive(
        clock,
        feed(upload, data, () => chunks.between(1, most)),
      );
      const { crc64: sum } = await drive(clock, upload.finish(yes));
      assert.equal(sum, crc64(data), `chunks up to ${most}`);
      assert.equal(store.objects.get('inbox/file')?.info.crc64, sum);
    }
  });

  test('of an announced size up to 8 MiB is one PUT', async () => {
    const { store, open, clock } = uploadBench();
    const data = random.bytes(3 * MiB);
    const upload = open({ expectedBytes: data.length });
    await drive(clock, feed(upload, data));
    await drive(clock, upload.finish(yes));
    assert.deepEqual(store.operations, ['put']);
  });

  test('hands type and storage class to the store', async () => {
    for (const bytes of [10, MiB + 1]) {
      const { store, open, clock } = uploadBench();
      const given: unknown[] = [];
      const put = store.put.bind(store);
      store.put = (key, body, options) => {
        given.push(options);
        return put(key, body, options);
      };
      const create = store.createMultipart.bind(store);
      store.createMultipart = (key, options) => {
        given.push(options);
        return create(key, options);
      };
      const attributes = { contentType: 'text/plain', storageClass: 'STANDARD_IA' };
      const upload = open({ attributes });
      await drive(clock, feed(upload, random.bytes(bytes)));
      await drive(clock, upload.finish(yes));
      assert.deepEqual(given, [attributes]);
    }
  });

  test('keeps the parts in flight and their memory within bounds', async () => {
    for (const partsInFlight of [1, 2, 4]) {
      const { store, open, clock, pool, observed } = uploadBench(256);
      store.script = ({ operation }) =>
        operation === 'uploadPart'
          ? { before: () => new Promise((resolve) => clock.setTimer(50, resolve)) }
          : undefined;
      const upload = open({ partsInFlight });
      await drive(clock, feed(upload, random.bytes(33 * MiB)));
      await drive(clock, upload.finish(yes));
      assert.equal(store.partsInFlightPeak, partsInFlight);
      assert.equal(observed.inFlightPeak, partsInFlight);
      assert(pool.usedBytesPeak <= (partsInFlight + 1) * 8 * MiB);
      assert.equal(observed.inFlight, 0);
    }
  });

  test('finishes with memory for a single part, whatever its size', async () => {
    for (const bytes of [MiB - 1, MiB, MiB + 1, 5 * MiB]) {
      const { store, open, clock, pool } = uploadBench(1);
      const data = random.bytes(bytes);
      const upload = open();
      await drive(clock, feed(upload, data));
      await drive(clock, upload.finish(yes));
      assert.equal(store.objects.get('inbox/file')?.info.crc64, crc64(data));
      assert.equal(pool.usedBytesPeak, MiB);
    }
  });

  test('does not hold a full part back while others wait for memory', async () => {
    const { store, open, pool, clock } = uploadBench(2);
    const other = pool.tryAcquire({ bytes: MiB });
    const upload = open();
    await drive(clock, feed(upload, random.bytes(MiB)));
    await clock.advance(0);
    assert.deepEqual(store.operations, ['createMultipart', 'uploadPart']);
    assert.equal(pool.usedBytes, MiB, 'only the other one');
    other?.release();
    await drive(clock, upload.finish(yes));
    assert.equal(store.objects.get('inbox/file')?.info.sizeBytes, MiB);
  });
});

describe('the limit of an upload', () => {
  for (const limitBytes of [0, 1, 1_000, MiB, 3 * MiB, 5 * MiB + 17]) {
    for (const over of [-1, 0, 1]) {
      const bytes = limitBytes + over;
      if (bytes < 0) continue;
      test(`of ${limitBytes} bytes ${over > 0 ? 'refuses' : 'accepts'} ${bytes}`, async () => {
        const { store, open, clock } = uploadBench();
        store.store('inbox/file', Buffer.from('old'));
        const upload = open({ limitBytes });
        const fed = drive(clock, feed(upload, random.bytes(bytes)));
        if (over <= 0) {
          await fed;
          assert.equal((await drive(clock, upload.finish(yes))).sizeBytes, bytes);
          return;
        }
        await assert.rejects(fed, (error) => {
          assert(error instanceof TransferError && error.kind === 'too-large');
          assert.equal(upload.failed.reason, error);
          assert.equal(error.hint, undefined);
          return true;
        });
        await drive(clock, upload.discard('too large'));
        await assert.rejects(upload.finish(yes), { kind: 'too-large' });
        assert.equal(store.text('inbox/file'), 'old');
        assert.equal(store.uploads.size, 0);
      });
    }
  }

  test('is what 10,000 parts reach when the memory allows no more', async () => {
    const { open, clock, pool } = uploadBench(1);
    const plan = {
      reachableBytes: 2 * MiB,
      partBytesMax: MiB,
      partBytes: () => MiB,
      request: () => ({ bytes: MiB, leastBytes: MiB }),
    };
    for (const [bytes, isAccepted] of [
      [2 * MiB, true],
      [2 * MiB + 1, false],
    ] as const) {
      const upload = open({ plan, limitBytes: 2 * MiB + 1 });
      const fed = drive(clock, feed(upload, random.bytes(bytes)));
      if (isAccepted) {
        await fed;
        await drive(clock, upload.finish(yes));
      } else {
        await assert.rejects(fed, /10000 parts reach with 1 MiB of upload memory/);
        await drive(clock, upload.discard('too large'));
      }
    }
    assert.equal(pool.usedBytes, 0);
  });
});

/** All of them, so that uploads have to begin with a part. */
function holdStarters(pool: PartPool): Disposable {
  const held: PartBuffer[] = [];
  for (let next = pool.starters.tryTake(); next; next = pool.starters.tryTake()) held.push(next);
  return { [Symbol.dispose]: () => held.forEach((starter) => starter.release()) };
}

describe('memory for an upload', () => {
  test('begins with 16 KiB at once, though all parts are taken; a part comes with the byte beyond', async () => {
    const { open, pool, clock, store } = uploadBench(1);
    const other = pool.tryAcquire({ bytes: MiB });
    const data = random.bytes(starterBytes + 1);
    const upload = open();
    await upload.ready();
    assert.equal(upload.space().length, starterBytes);
    const fed = feed(upload, data);
    await clock.advance(3_599_999);
    assert.deepEqual([upload.receivedBytes, upload.space().length], [starterBytes, 0]);
    other?.release();
    await drive(clock, fed);
    assert.deepEqual([pool.starters.inUse, pool.usedBytes], [0, MiB]);
    await drive(clock, upload.finish(yes));
    assert.equal(store.objects.get('inbox/file')?.info.crc64, crc64(data));
  });

  for (const bytes of [0, 1, starterBytes - 1, starterBytes]) {
    test(`of ${bytes} bytes takes no part at all`, async () => {
      const { open, pool, clock, store } = uploadBench(1);
      const other = pool.tryAcquire({ bytes: MiB });
      const data = random.bytes(bytes);
      const upload = open();
      await drive(clock, feed(upload, data));
      await drive(clock, upload.finish(yes));
      assert.equal(store.objects.get('inbox/file')?.info.crc64, crc64(data));
      assert.equal(pool.starters.inUse, 0);
      other?.release();
    });
  }

  test('is asked for before any byte, and its absence told after 30 s', async () => {
    const { open, pool, clock, store } = uploadBench(1);
    using _starters = holdStarters(pool);
    const other = pool.tryAcquire({ bytes: MiB });
    const upload = open();
    assert.equal(upload.space().length, 0);
    const refused = assert.rejects(upload.ready(), { kind: 'no-memory', retryable: true });
    await clock.advance(29_999);
    assert.equal(upload.failed.aborted, false);
    await clock.advance(1);
    await refused;
    assert(upload.failed.aborted);
    await upload.discard('no memory');
    assert.deepEqual(store.operations, []);
    other?.release();
  });

  test('comes as soon as somebody gives some back', async () => {
    const { open, pool, clock } = uploadBench(1);
    using _starters = holdStarters(pool);
    const other = pool.tryAcquire({ bytes: MiB });
    const upload = open();
    const [first, again] = [upload.ready(), upload.ready()];
    assert.equal(first, again, 'one wait for everybody who asks');
    other?.release();
    await drive(clock, first);
    assert.equal(upload.space().length, MiB);
    await upload.ready();
    await upload.discard('enough');
  });

  test('granted in the moment the upload is given up goes back', async () => {
    const { open, pool } = uploadBench(1);
    using _starters = holdStarters(pool);
    const other = pool.tryAcquire({ bytes: MiB });
    const upload = open();
    const wait = upload.ready();
    other?.release();
    const discarded = upload.discard('client left');
    await assert.rejects(wait, { kind: 'aborted' });
    await discarded;
    assert.equal(pool.usedBytes, 0);
  });

  test('awaited when the data ends is not waited for any more', async () => {
    const { open, pool, clock, store } = uploadBench(1);
    const upload = open();
    await drive(clock, feed(upload, random.bytes(MiB)));
    await clock.advance(0);
    const other = pool.tryAcquire({ bytes: MiB });
    const wait = upload.ready();
    const finished = upload.finish(yes);
    await assert.rejects(wait, { kind: 'aborted' });
    await drive(clock, finished);
    assert.equal(store.objects.get('inbox/file')?.info.sizeBytes, MiB);
    other?.release();
  });

  test('that the caller may still write to is kept until it says that it does not', async () => {
    const { open, pool, clock, store } = uploadBench();
    store.script = ({ operation }) =>
      operation === 'createMultipart' ? { fail: refusal('denied') } : undefined;
    const upload = open();
    await drive(clock, feed(upload, random.bytes(MiB + 1)));
    await clock.advance(0);
    assert(upload.failed.aborted);
    assert.equal(upload.space().length, 0);
    assert.equal(pool.usedBytes, 2 * MiB, 'the part that was being filled');
    await upload.discard('failed');
    assert.equal(pool.usedBytes, 0);
  });
});

describe('the evidence before a commit', () => {
  for (const bytes of [0, 100, MiB + 1]) {
    test(`that fails discards ${bytes} bytes and leaves the old object alone`, async () => {
      const { open, store, clock } = uploadBench();
      store.store('inbox/file', Buffer.from('old'));
      const upload = open();
      await drive(clock, feed(upload, random.bytes(bytes)));
      await assert.rejects(drive(clock, upload.finish(no)), { kind: 'refused' });
      assert.equal(store.text('inbox/file'), 'old');
      assert.equal(store.uploads.size, 0);
      assert(!store.operations.some((name) => name === 'put' || name === 'completeMultipart'));
      assert.equal(upload.state, 'discarded');
    });
  }

  test('is asked once, when nothing but the commit is outstanding', async () => {
    for (const bytes of [10, 5 * MiB]) {
      const { open, store, clock } = uploadBench();
      const upload = open();
      let asked = 0;
      const mayCommit = async () => {
        asked++;
        assert.equal(store.partsInFlight, 0);
        assert(!store.operations.some((name) => name === 'put' || name === 'completeMultipart'));
        const parts = store.operations.filter((name) => name === 'uploadPart').length;
        assert.equal(parts, bytes > MiB ? 3 : 0);
        return true;
      };
      await drive(clock, feed(upload, random.bytes(bytes)));
      const finished = upload.finish({ mayCommit });
      assert.equal(upload.finish({ mayCommit }), finished, 'finishing is done once');
      await drive(clock, finished);
      assert.equal(asked, 1);
    }
  });

  test('counts as refused when it cannot be asked', async () => {
    const { open, store } = uploadBench();
    const upload = open();
    const broken = new Error('the session is gone');
    const mayCommit = () => Promise.reject(broken);
    await assert.rejects(upload.finish({ mayCommit }), broken);
    assert.deepEqual(store.operations, []);
  });

  test('is not asked of an upload that failed', async () => {
    const { open, store, clock } = uploadBench();
    store.script = ({ operation }) =>
      operation === 'uploadPart' ? { fail: refusal('unavailable') } : undefined;
    const upload = open();
    await drive(clock, feed(upload, random.bytes(MiB + 1)));
    let asked = 0;
    const finished = upload.finish({ mayCommit: () => ++asked > 0 });
    await assert.rejects(drive(clock, finished), { kind: 'unavailable' });
    assert.equal(asked, 0);
  });
});

describe('a cut upload', () => {
  test('with the policy complete becomes what was received', async () => {
    for (const bytes of [1, MiB, MiB + 1, 6 * MiB + 5]) {
      const { open, store, clock } = uploadBench();
      store.store('inbox/file', Buffer.from('old'));
      const data = random.bytes(bytes);
      const upload = open();
      await drive(clock, feed(upload, data));
      const stored = await drive(clock, upload.commitPartial());
      assert.equal(stored?.sizeBytes, bytes);
      assert.equal(store.objects.get('inbox/file')?.info.crc64, crc64(data));
    }
  });

  test('without a byte writes nothing', async () => {
    const { open, store } = uploadBench();
    store.store('inbox/file', Buffer.from('old'));
    const upload = open();
    await upload.ready();
    assert.equal(await upload.commitPartial(), undefined);
    assert.deepEqual(store.operations, []);
    assert.equal(store.text('inbox/file'), 'old');
  });

  test('is never completed after the store failed', async () => {
    const { open, store, clock } = uploadBench();
    store.store('inbox/file', Buffer.from('old'));
    store.script = ({ operation }) =>
      operation === 'uploadPart' ? { fail: refusal('unavailable') } : undefined;
    const upload = open();
    await drive(clock, feed(upload, random.bytes(MiB + 1)));
    await clock.advance(0);
    await assert.rejects(drive(clock, upload.commitPartial()), { kind: 'unavailable' });
    assert.equal(store.text('inbox/file'), 'old');
    assert.equal(store.uploads.size, 0);
  });
});

function refusal(kind: ConstructorParameters<typeof StoreError>[0]): StoreError {
  return new StoreError(kind, `scripted ${kind}`, { retryable: false });
}
