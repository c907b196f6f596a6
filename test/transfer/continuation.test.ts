import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { GiB, MiB } from '#gateway/kit/bytes.ts';
import { crc64 } from '#gateway/kit/crc64.ts';
import type { ObjectInfo } from '#gateway/storage/object-store.ts';
import { Continuation } from '#gateway/transfer/continuation.ts';
import { TransferError } from '#gateway/transfer/errors.ts';
import { noCrc } from '#test/support/memory-store.ts';
import { seededRandom } from '#test/support/random.ts';
import { assertPoolsEmpty } from '#test/support/transfer-pool.ts';
import { drive, feed, uploadBench } from '#test/support/transfer-upload.ts';

afterEach(assertPoolsEmpty);

const yes = { mayCommit: () => true };
const random = seededRandom(9);

function sourceOf(sizeBytes: number): ObjectInfo {
  return { key: 'file', sizeBytes, etag: '"e"', modifiedAt: new Date(0) };
}

describe('what is kept of a file is copied', () => {
  for (const [keptBytes, lengths] of [
    [0, []],
    [MiB - 1, []],
    [MiB, [MiB]],
    [512 * MiB - 1, [512 * MiB - 1]],
    [512 * MiB, [256 * MiB, 256 * MiB]],
    [768 * MiB - 1, [256 * MiB, 512 * MiB - 1]],
    [768 * MiB, [256 * MiB, 256 * MiB, 256 * MiB]],
  ] as const) {
    test(`of ${keptBytes} bytes in ranges of ${lengths.join(', ') || 'none'}`, () => {
      const { copies } = new Continuation({ source: sourceOf(GiB), keptBytes });
      assert.deepEqual(
        copies.map(({ lengthBytes }) => lengthBytes),
        lengths,
      );
    });
  }

  test('in at most 5,000 ranges, each inside what COS takes for a part, without gap or overlap', () => {
    for (const keptBytes of [300 * GiB + 1, 5_000 * GiB, 10_000 * GiB]) {
      const { copies } = new Continuation({ source: sourceOf(keptBytes), keptBytes });
      assert.ok(copies.length <= 5_000);
      let endBytes = 0;
      for (const { offsetBytes, lengthBytes } of copies) {
        assert.equal(offsetBytes, endBytes);
        assert.ok(lengthBytes >= MiB && lengthBytes <= 5 * GiB);
        endBytes += lengthBytes;
      }
      assert.equal(endBytes, keptBytes);
    }
    assert.throws(
      () => new Continuation({ source: sourceOf(20_000 * GiB), keptBytes: 20_000 * GiB }),
      (error) => error instanceof TransferError && error.kind === 'too-large',
    );
  });
});

describe('an upload that continues', () => {
  const head = random.bytes(2 * MiB + 3);
  const tail = random.bytes(20 * MiB + 1);

  test('copies beside the parts of its data, in the right order', async () => {
    const { store, open, clock } = uploadBench();
    const source = store.store('inbox/file', head);
    const upload = open({ base: { source, keptBytes: head.length } });
    await drive(clock, feed(upload, tail));
    const stored = await drive(clock, upload.finish(yes));
    const whole = Buffer.concat([head, tail]);
    assert.ok(whole.equals(store.objects.get('inbox/file')?.bytes ?? Buffer.alloc(0)));
    assert.deepEqual(
      [stored.sizeBytes, stored.crc64, stored.checksum, upload.receivedBytes],
      [whole.length, crc64(whole), 'verified', tail.length],
    );
  });

  for (const over of [0, 1]) {
    test(`a file ${over} bytes over the limit ${over > 0 ? 'fails' : 'ends'}, with nothing added`, async () => {
      const { store, open, clock } = uploadBench();
      const source = store.store('inbox/file', head);
      const keptBytes = head.length - 1;
      const upload = open({ base: { source, keptBytes }, limitBytes: keptBytes - over });
      const finished = drive(clock, upload.finish(yes));
      if (over > 0) await assert.rejects(finished, { kind: 'too-large' });
      else assert.equal((await finished).sizeBytes, keptBytes);
      assert.equal(store.objects.get('inbox/file')?.info.sizeBytes, head.length - 1 + over);
    });
  }

  test('does not commit what the store copied wrongly', async () => {
    const { store, open, clock } = uploadBench();
    const source = store.store('inbox/file', head);
    store.script = ({ operation }) =>
      operation === 'copyPart' ? { bytes: (bytes) => bytes.fill(0) } : undefined;
    const upload = open({ base: { source, keptBytes: head.length } });
    await drive(clock, feed(upload, tail));
    await assert.rejects(
      drive(clock, upload.finish(yes)),
      (error) => error instanceof TransferError && error.kind === 'corrupt',
    );
    assert.ok(!store.operations.includes('completeMultipart'));
    assert.equal(store.uploads.size, 0);
  });

  test('reads a short head again from nobody: damaged on its way it is refused before data', async () => {
    const { store, open, clock } = uploadBench();
    const source = store.store('inbox/file', head.subarray(0, 1000));
    store.script = ({ operation }) =>
      operation === 'read' ? { bytes: (bytes) => bytes.fill(0) } : undefined;
    const upload = open({ base: { source, keptBytes: 1000 } });
    await assert.rejects(
      drive(clock, upload.ready()),
      (error) => error instanceof TransferError && error.kind === 'corrupt',
    );
    await drive(clock, upload.discard('refused'));
  });

  test('an object without checksum is verified by what the store says of its copies', async () => {
    const { store, open, clock } = uploadBench();
    const source = store.store('inbox/file', head, noCrc);
    const upload = open({ base: { source, keptBytes: head.length } });
    await drive(clock, feed(upload, tail));
    const stored = await drive(clock, upload.finish(yes));
    assert.equal(stored.checksum, 'verified');
    assert.equal(stored.crc64, crc64(Buffer.concat([head, tail])));
  });

  test('where the store says no checksum of a copy either, the size has to do, and that is said', async () => {
    const { store, open, clock } = uploadBench();
    const source = store.store('inbox/file', head, noCrc);
    store.script = ({ operation }) =>
      operation === 'copyPart' ? { answer: ({ etag }) => ({ etag }) } : undefined;
    const upload = open({ base: { source, keptBytes: head.length } });
    await drive(clock, feed(upload, tail));
    const stored = await drive(clock, upload.finish(yes));
    assert.deepEqual([stored.checksum, stored.crc64], ['absent', undefined]);
  });

  test('given up while its head is read, it lets go of all memory', async () => {
    const { store, open, clock, pool } = uploadBench();
    const source = store.store('inbox/file', head.subarray(0, 1000));
    store.script = ({ operation }) =>
      operation === 'read' ? { before: () => new Promise(() => undefined) } : undefined;
    const upload = open({ base: { source, keptBytes: 1000 } });
    const ready = upload.ready();
    ready.catch(() => undefined); // looked at below
    await drive(clock, upload.discard('given up'));
    await assert.rejects(ready);
    assert.equal(pool.usedBytes, 0);
  });
});
