import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { MiB } from '#gateway/kit/bytes.ts';
import { Crc64, crc64 } from '#gateway/kit/crc64.ts';
import { type GrantRequest, type PartBuffer, PartPool } from '#gateway/transfer/budget.ts';
import { TransferError } from '#gateway/transfer/errors.ts';
import { type FakeClock, fakeClock } from '#test/support/fake-clock.ts';
import { seededRandom } from '#test/support/random.ts';
import { assertPoolsEmpty, testPool } from '#test/support/transfer-pool.ts';

afterEach(assertPoolsEmpty);

/** Asks without waiting: `granted` is undefined while the request is in the queue. */
function ask(pool: PartPool, mebibytes: number, leastMebibytes = mebibytes) {
  const request: GrantRequest = { bytes: mebibytes * MiB, leastBytes: leastMebibytes * MiB };
  const stop = new AbortController();
  const wish: { granted?: PartBuffer; error?: unknown; stop: AbortController } = { stop };
  pool.acquire(request, { signal: stop.signal }).then(
    (buffer) => {
      wish.granted = buffer;
    },
    (error: unknown) => {
      wish.error = error;
    },
  );
  return wish;
}

function sizeOf(wish: { granted?: PartBuffer }): number | undefined {
  return wish.granted && wish.granted.bytes.length / MiB;
}

async function settle(clock: FakeClock): Promise<void> {
  await clock.advance(0);
}

describe('PartPool', () => {
  test('makes whole MiB of the configured memory, from one to what WebAssembly addresses', () => {
    for (const [memory, limit] of [
      [0, 1],
      [1, 1],
      [1.9, 1],
      [2, 2],
      [8, 8],
      [64 * 1024, 4079],
    ] as const) {
      const pool = new PartPool({ memoryBytes: memory * MiB, clock: fakeClock() });
      assert.equal(pool.limitBytes, limit * MiB, `${memory} MiB`);
    }
  });

  test('rounds a request up to whole MiB and down to the whole pool', () => {
    const pool = testPool(fakeClock(), 4);
    for (const [bytes, granted] of [
      [1, 1],
      [MiB, 1],
      [MiB + 1, 2],
      [4 * MiB, 4],
      [100 * MiB, 4],
    ] as const) {
      const buffer = pool.tryAcquire({ bytes });
      assert.equal(buffer?.bytes.length, granted * MiB);
      assert.equal(pool.usedBytes, granted * MiB);
      buffer?.release();
    }
    assert.equal(pool.usedBytesPeak, 4 * MiB);
  });

  test('takes checksums of its memory in place', () => {
    const pool = testPool(fakeClock(), 2);
    const buffer = pool.tryAcquire({ bytes: 2 * MiB });
    assert(buffer);
    const bytes = seededRandom(31).bytes(2 * MiB);
    buffer.bytes.set(bytes);
    const crc = new Crc64(pool.crc);
    crc.update(buffer.bytes);
    assert.equal(crc.digest(), crc64(bytes));
    buffer.release();
  });

  test('grants in the order of asking, also past a small request that would fit', async () => {
    const clock = fakeClock();
    const pool = testPool(clock, 4);
    const holder = pool.tryAcquire({ bytes: 3 * MiB });
    const large = ask(pool, 2);
    const small = ask(pool, 1);
    await settle(clock);
    assert.deepEqual([sizeOf(large), sizeOf(small), pool.waiting], [undefined, undefined, 2]);
    assert.equal(pool.tryAcquire({ bytes: MiB }), undefined, 'nobody overtakes');
    holder?.release();
    await settle(clock);
    assert.deepEqual([sizeOf(large), sizeOf(small), pool.waiting], [2, 1, 0]);
    large.granted?.release();
    small.granted?.release();
  });

  test('gives the head of the queue less after a moment, when less is of use', async () => {
    const clock = fakeClock();
    const pool = testPool(clock, 4);
    const slow = pool.tryAcquire({ bytes: 3 * MiB });
    const wish = ask(pool, 4, 1);
    await clock.advance(249);
    assert.equal(sizeOf(wish), undefined);
    await clock.advance(1);
    assert.equal(sizeOf(wish), 1);
    slow?.release();
    wish.granted?.release();
  });

  test('gives the next head its own moment', async () => {
    const clock = fakeClock();
    const pool = testPool(clock, 4);
    const slow = pool.tryAcquire({ bytes: 2 * MiB });
    const [first, second] = [ask(pool, 4, 2), ask(pool, 2, 1)];
    await clock.advance(250);
    assert.deepEqual([sizeOf(first), sizeOf(second)], [2, undefined]);
    first.granted?.release();
    await settle(clock);
    assert.equal(sizeOf(second), 2, 'its full size is free, so it need not wait');
    const third = ask(pool, 2, 1);
    await clock.advance(10_000);
    assert.equal(sizeOf(third), undefined, 'less than the least is of no use');
    slow?.release();
    await settle(clock);
    assert.equal(sizeOf(third), 2);
    second.granted?.release();
    third.granted?.release();
  });

  test('does not wait when enough is free but scattered', async () => {
    const clock = fakeClock();
    const pool = testPool(clock, 6);
    const held = Array.from({ length: 6 }, () => pool.tryAcquire({ bytes: MiB }));
    for (const index of [0, 2, 3, 5]) held[index]?.release();
    assert.equal(pool.tryAcquire({ bytes: 3 * MiB }), undefined, 'three in a row are not free');
    const wish = ask(pool, 4, 1);
    await settle(clock);
    assert.equal(sizeOf(wish), 2);
    wish.granted?.release();
    for (const buffer of held) buffer?.release();
  });

  test('forgets a waiter that gave up, and serves who stood behind it', async () => {
    const clock = fakeClock();
    const pool = testPool(clock, 4);
    const holder = pool.tryAcquire({ bytes: 2 * MiB });
    const [first, second] = [ask(pool, 4), ask(pool, 2)];
    await settle(clock);
    first.stop.abort(new Error('client left'));
    await settle(clock);
    assert(first.error instanceof TransferError && first.error.kind === 'aborted');
    assert.equal(sizeOf(second), 2);
    first.stop.abort();
    second.stop.abort();
    await settle(clock);
    assert.equal(sizeOf(second), 2, 'a grant is not taken back');
    second.granted?.release();
    holder?.release();
  });

  test('refuses a request whose signal has aborted, without touching memory', async () => {
    const pool = testPool(fakeClock(), 1);
    await assert.rejects(pool.acquire({ bytes: MiB }, { signal: AbortSignal.abort() }), {
      kind: 'aborted',
    });
  });

  test('says no-memory when the time for a grant is over', async () => {
    const clock = fakeClock();
    const pool = testPool(clock, 1);
    const holder = pool.tryAcquire({ bytes: MiB });
    const errors: unknown[] = [];
    pool.acquire({ bytes: MiB }, { timeoutMs: 30_000 }).catch((error: unknown) => {
      errors.push(error);
    });
    await clock.advance(29_999);
    assert.equal(errors.length, 0);
    await clock.advance(1);
    const [error] = errors;
    assert(error instanceof TransferError);
    assert.deepEqual([error.kind, error.retryable, pool.waiting], ['no-memory', true, 0]);
    holder?.release();
    assert.equal(clock.pendingTimers, 0);
  });

  test('takes back a buffer once, and notices its use afterwards', () => {
    const pool = testPool(fakeClock(), 2);
    const first = pool.tryAcquire({ bytes: MiB });
    first?.release();
    const second = pool.tryAcquire({ bytes: MiB });
    first?.release();
    assert.equal(pool.usedBytes, MiB, 'the second release of the first is nothing to the second');
    assert.throws(() => first?.bytes, /after its release/);
    second?.release();
  });

  test('serves 64 waiters on 8 MiB in order, and never more than fits', async () => {
    const clock = fakeClock();
    const pool = testPool(clock, 8);
    const served: number[] = [];
    const waiters = Array.from({ length: 64 }, async (_, index) => {
      const buffer = await pool.acquire({ bytes: (1 + (index % 2)) * MiB });
      served.push(index);
      assert(pool.usedBytes <= pool.limitBytes);
      await new Promise<void>((resolve) => clock.setTimer(10 + (index % 7), resolve));
      buffer.release();
    });
    assert(pool.waiting > 50);
    await settle(clock);
    await clock.advance(2_000);
    await Promise.all(waiters);
    assert.deepEqual(served, [...served.keys()]);
    assert.equal(clock.pendingTimers, 0);
  });

  test('lets nobody starve behind slow holders of scattered memory', async () => {
    const clock = fakeClock();
    const pool = testPool(clock, 16);
    const slow = Array.from({ length: 16 }, () => pool.tryAcquire({ bytes: MiB }));
    for (const index of [1, 4, 9]) slow[index]?.release();
    let grants = 0;
    const eager = Array.from({ length: 10 }, async () => {
      const buffer = await pool.acquire({ bytes: 4 * MiB, leastBytes: MiB });
      grants++;
      await new Promise<void>((resolve) => clock.setTimer(50, resolve));
      buffer.release();
    });
    await settle(clock);
    await clock.advance(10 * 300);
    await Promise.all(eager);
    assert.equal(grants, 10);
    for (const buffer of slow) buffer?.release();
  });
});
