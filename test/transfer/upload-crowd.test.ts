/**
 * Many uploads at once on little memory, with clients that are slow, cut off or refused and a store that
 * delays, fails, lies and loses replies, on virtual time. A seed replays a run:
 *
 *     UPLOAD_SEED=17 node --test test/transfer/upload-crowd.test.ts
 */
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { MiB } from '#gateway/kit/bytes.ts';
import { type Clock, sleep } from '#gateway/kit/clock.ts';
import { crc64 } from '#gateway/kit/crc64.ts';
import { StoreError, type StoreErrorKind } from '#gateway/storage/object-store.ts';
import type { StoredObject, Upload } from '#gateway/transfer/upload.ts';
import type { MemoryCall, Script } from '#test/support/memory-store.ts';
import { type SeededRandom, seededRandom } from '#test/support/random.ts';
import { assertPoolsEmpty } from '#test/support/transfer-pool.ts';
import { drive, feed, type UploadBench, uploadBench } from '#test/support/transfer-upload.ts';

afterEach(assertPoolsEmpty);

const yes = { mayCommit: () => true };

describe('64 uploads at once', () => {
  for (const [mebibytes, most] of [
    [8, 3 * MiB],
    [64, 4 * MiB],
  ] as const) {
    test(`all finish on ${mebibytes} MiB, each with its own bytes`, async () => {
      const bench = uploadBench(mebibytes);
      const { store, clock, pool } = bench;
      const random = seededRandom(81 + mebibytes);
      store.script = () => ({ before: () => sleep(clock, random.between(5, 40)) });
      const uploads = Array.from({ length: 64 }, async (_, index) => {
        const data = seededRandom(index).bytes(random.between(0, most));
        const upload = bench.open({ key: `file ${index}`, timing: { firstGrantMs: 600_000 } });
        await feed(upload, data, 256 * 1024);
        await upload.finish(yes);
        assert.equal(store.objects.get(`file ${index}`)?.info.crc64, crc64(data), `file ${index}`);
      });
      await drive(clock, Promise.all(uploads), { stepMs: 20 });
      assert.equal(store.objects.size, 64);
      assert(pool.usedBytesPeak <= mebibytes * MiB);
    });
  }

  for (const [mebibytes, fastEndMaxMs] of [
    [64, 5_000],
    // On 8 MiB the slow ones hold every part in the end; whoever waits then comes after them.
    [8, 400_000],
  ] as const) {
    test(`all finish on ${mebibytes} MiB though 40 of them send 1 KiB a second`, async () => {
      const bench = uploadBench(mebibytes);
      const { store, clock } = bench;
      store.script = () => ({ before: () => sleep(clock, 20) });
      let fastEndMs = 0;
      const uploads = Array.from({ length: 64 }, async (_, index) => {
        const isSlow = index < 40;
        const data = seededRandom(index).bytes(isSlow ? 300 * 1024 : 5 * MiB);
        const upload = bench.open({ key: `file ${index}` });
        await upload.ready();
        if (isSlow) await trickle(upload, data, clock);
        else await feed(upload, data);
        await upload.finish(yes);
        if (!isSlow) fastEndMs = Math.max(fastEndMs, clock.monotonicMs());
        assert.equal(store.objects.get(`file ${index}`)?.info.crc64, crc64(data), `file ${index}`);
      });
      await drive(clock, Promise.all(uploads), { stepMs: 200 });
      assert(fastEndMs < fastEndMaxMs, `the fast ones took ${fastEndMs} ms`);
      assert.equal(store.objects.size, 64);
    });
  }
});

/** 1 KiB a second, and what the client sent while nobody read is there at once. */
async function trickle(upload: Upload, data: Uint8Array, clock: Clock): Promise<void> {
  const beganMs = clock.monotonicMs();
  for (let at = 0; at < data.length; ) {
    const sent = Math.ceil((clock.monotonicMs() - beganMs) / 1000) * 1024;
    const length = Math.min(sent, data.length) - at;
    if (length > 0) await feed(upload, data.subarray(at, at + length));
    at += Math.max(0, length);
    await sleep(clock, 1_000);
  }
}

describe('uploads in random trouble', () => {
  const given = Number(process.env['UPLOAD_SEED']);
  const seeds = given ? [given] : Array.from({ length: 40 }, (_, index) => index + 1);
  for (const seed of seeds) test(`keep every promise with seed ${seed}`, () => simulate(seed));
});

const old = Buffer.from('the old object');

async function simulate(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const bench = uploadBench(random.between(1, 12));
  const trouble = random.next() * 0.25;
  bench.store.script = (call) => troubleFor(call, bench, random, trouble);
  const sessions = Array.from({ length: random.between(2, 8) }, (_, index) =>
    session(bench, random, `file ${index}`),
  );
  await drive(bench.clock, Promise.all(sessions), { stepMs: 200, limitMs: 40_000_000 });
  bench.store.script = () => undefined;
  await bench.clock.advance(700_000);
  const leftOpen = bench.observed.multiparts.filter((end) => end === 'left-open').length;
  assert.equal(bench.store.uploads.size, leftOpen, 'open multipart uploads');
  assert.equal(bench.pool.usedBytes, 0);
  assert.equal(bench.observed.inFlight, 0);
  assert.equal(bench.clock.pendingTimers, 0);
}

/** Not scripted: a lost reply to createMultipart, whose upload nobody can know. */
function troubleFor(
  { operation }: MemoryCall,
  { clock }: UploadBench,
  random: SeededRandom,
  trouble: number,
): Script {
  const before = () => sleep(clock, random.between(1, 300));
  if (random.next() >= trouble) return { before };
  const kinds: readonly StoreErrorKind[] = ['network', 'timeout', 'unavailable', 'denied'];
  const kind = kinds[random.between(0, kinds.length - 1)] ?? 'network';
  const error = new StoreError(kind, 'scripted', { retryable: kind !== 'denied' });
  const isPart = operation === 'uploadPart';
  const choices: readonly Script[] = [
    { before: () => sleep(clock, random.between(1_000, 60_000)) },
    { before, fail: error },
    operation === 'createMultipart' ? { before } : { before, failAfter: error },
    { before, answer: ({ etag }) => ({ etag, crc64: 5n }) },
    { before, answer: ({ etag }) => ({ etag }) },
    isPart ? { before, bytes: (bytes) => bytes.fill(9, 0, 1) } : { before },
  ];
  return choices[random.between(0, choices.length - 1)] ?? {};
}

async function session(bench: UploadBench, random: SeededRandom, key: string): Promise<void> {
  const { clock, store } = bench;
  store.store(key, old);
  const data = random.bytes(random.between(0, random.next() < 0.4 ? 4_000 : 4 * MiB));
  const cutAt = random.next() < 0.3 ? random.between(0, data.length) : undefined;
  const policy = random.next() < 0.5 ? 'complete' : 'discard';
  const mayCommit = random.next() < 0.9;
  const givesUpAfterMs = random.next() < 0.15 ? random.between(1, 2_000) : undefined;
  const upload = bench.open({ key, timing: { firstGrantMs: random.between(100, 60_000) } });
  await sleep(clock, random.between(0, 500));
  let expected: Uint8Array = data;
  let stored: StoredObject | undefined;
  try {
    await feedSlowly(upload, data.subarray(0, cutAt), clock, random);
    if (cutAt !== undefined) {
      expected = data.subarray(0, cutAt);
      if (policy === 'complete') stored = await upload.commitPartial();
      else await upload.discard('cut');
    } else {
      const finished = upload.finish({ mayCommit: () => mayCommit });
      if (givesUpAfterMs !== undefined) {
        finished.catch(() => undefined); // told below
        await sleep(clock, givesUpAfterMs);
        await upload.discard('abor');
      }
      stored = await finished;
    }
  } catch {
    await upload.discard('failed'); // which failure it was does not matter to the promises
  }
  check(bench, key, expected, stored, mayCommit || cutAt !== undefined);
}

function check(
  { store }: UploadBench,
  key: string,
  expected: Uint8Array,
  stored: StoredObject | undefined,
  mayCommit: boolean,
): void {
  const found = store.objects.get(key)?.info.crc64;
  if (stored) {
    assert(mayCommit, `${key}: stored against the evidence`);
    assert.equal(found, crc64(expected), `${key}: said stored`);
    assert.deepEqual([stored.crc64, stored.sizeBytes], [crc64(expected), expected.length], key);
  } else {
    const allowed = mayCommit ? [crc64(old), crc64(expected)] : [crc64(old)];
    assert(found !== undefined && allowed.includes(found), `${key}: neither old nor whole`);
  }
}

async function feedSlowly(
  upload: Upload,
  data: Uint8Array,
  clock: UploadBench['clock'],
  random: SeededRandom,
): Promise<void> {
  await upload.ready();
  const pieceBytes = random.between(1_000, 1_500_000);
  for (let at = 0; at < data.length; at += pieceBytes) {
    if (random.next() < 0.3) await sleep(clock, random.between(1, 400));
    await feed(upload, data.subarray(at, at + pieceBytes));
  }
}
