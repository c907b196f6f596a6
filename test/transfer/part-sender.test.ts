import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MiB } from '#gateway/kit/bytes.ts';
import { silentObserver } from '#gateway/transfer/observer.ts';
import { PartSender } from '#gateway/transfer/part-sender.ts';
import { MemoryStore } from '#test/support/memory-store.ts';
import { recordingLog } from '#test/support/recording-log.ts';

/** A sender to a store that never answers, four parts at once. */
function stuckSender(): PartSender {
  const store = new MemoryStore();
  return new PartSender({
    store,
    open: () => new Promise(() => undefined),
    partsInFlight: 4,
    log: recordingLog(),
    observer: silentObserver,
    onFailure: () => undefined,
  });
}

/** Whether there is room for one more, after each of the parts. */
function roomAfter(sizes: readonly number[]): boolean[] {
  const sender = stuckSender();
  return sizes.map((size, index) => {
    sender.send({
      number: index + 1,
      bytes: new Uint8Array(size),
      crc64: 0n,
      release: () => undefined,
    });
    return sender.hasRoom;
  });
}

describe('parts on their way', () => {
  test('are as many as may fly and one that waits', () => {
    const sizes = [1, 2, 4, 8, 8].map((units) => units * MiB);
    assert.deepEqual(roomAfter(sizes), [true, true, true, true, false]);
  });

  test('are fewer when they have grown, for the same memory', () => {
    assert.deepEqual(roomAfter([MiB, 13 * MiB, 13 * MiB, 13 * MiB]), [true, true, true, false]);
    for (const [more, hasRoom] of [
      [-1, true],
      [0, true],
      [1, false],
    ] as const) {
      const sizes = [MiB, 16 * MiB, 15 * MiB + more];
      assert.deepEqual(roomAfter(sizes), [true, true, hasRoom], `${more} of 32 MiB`);
    }
  });

  test('are two at least, however large', () => {
    assert.deepEqual(roomAfter([MiB, 200 * MiB]), [true, false]);
  });

  test('are as many as configured when all are large', () => {
    const sizes = Array.from({ length: 5 }, () => 64 * MiB);
    assert.deepEqual(roomAfter(sizes), [true, true, true, true, false]);
  });
});
