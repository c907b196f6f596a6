/**
 * What becomes of an upload when the store fails, lies, hangs or loses a reply: the exact object and
 * success, or the old object and a failure; no open multipart upload and no memory left either way.
 */
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { MiB } from '#gateway/kit/bytes.ts';
import { crc64 } from '#gateway/kit/crc64.ts';
import { StoreError, type StoreErrorKind } from '#gateway/storage/object-store.ts';
import type { MemoryStoreOperation, Script } from '#test/support/memory-store.ts';
import { seededRandom } from '#test/support/random.ts';
import { assertPoolsEmpty } from '#test/support/transfer-pool.ts';
import { drive, feed, type UploadBench, uploadBench } from '#test/support/transfer-upload.ts';

afterEach(assertPoolsEmpty);

const random = seededRandom(51);
const yes = { mayCommit: () => true };
const small = random.bytes(1_000);
const large = random.bytes(6 * MiB + 11);

function failure(kind: StoreErrorKind): StoreError {
  const retryable = ['network', 'timeout', 'unavailable', 'throttled'].includes(kind);
  return new StoreError(kind, `scripted ${kind}`, { retryable });
}

const fail = (kind: StoreErrorKind): Script => ({ fail: failure(kind) });
const lose = (kind: StoreErrorKind): Script => ({ failAfter: failure(kind) });
const wrongCrc: Script = { answer: (receipt) => ({ ...receipt, crc64: 1n }) };
const noCrc: Script = { answer: ({ etag }) => ({ etag }) };
const flip: Script = {
  bytes: (bytes) => {
    bytes[500] = (bytes[500] ?? 0) ^ 1;
    return bytes;
  },
};

interface Case {
  readonly name: string;
  readonly data: Uint8Array;
  readonly on: MemoryStoreOperation;
  readonly script: Script;
  /** Which calls of that operation. Default all. */
  readonly when?: (nth: number) => boolean;
  /** Success, or the kind of the failure. */
  readonly outcome: 'verified' | 'absent' | StoreErrorKind | 'corrupt';
  /** Default: as an upload must leave it. `ours`: failed, though the store has our bytes; unavoidable. */
  readonly leaves?: 'ours' | 'damaged';
}

const once = (nth: number) => nth === 1;
const twice = (nth: number) => nth <= 2;

const cases: readonly Case[] = [
  { name: 'PUT is refused', data: small, on: 'put', script: fail('denied'), outcome: 'denied' },
  {
    name: 'PUT fails',
    data: small,
    on: 'put',
    script: fail('unavailable'),
    outcome: 'unavailable',
  },
  {
    name: 'PUT gets no answer',
    data: small,
    on: 'put',
    script: fail('timeout'),
    outcome: 'timeout',
  },
  {
    name: 'PUT arrives damaged',
    data: small,
    on: 'put',
    script: fail('corrupt'),
    outcome: 'corrupt',
  },
  {
    name: 'the reply to a PUT that was done is lost',
    data: small,
    on: 'put',
    script: lose('network'),
    outcome: 'verified',
  },
  {
    name: 'the reply to a PUT of no bytes is lost',
    data: new Uint8Array(0),
    on: 'put',
    script: lose('timeout'),
    outcome: 'verified',
  },
  {
    name: 'PUT answers a wrong CRC for the right object',
    data: small,
    on: 'put',
    script: wrongCrc,
    outcome: 'verified',
  },
  {
    name: 'PUT answers the CRC of what it damaged',
    data: small,
    on: 'put',
    script: { ...flip, ...wrongCrc },
    outcome: 'corrupt',
    leaves: 'damaged',
  },
  { name: 'PUT answers no CRC', data: small, on: 'put', script: noCrc, outcome: 'absent' },
  {
    name: 'no multipart upload can be begun',
    data: large,
    on: 'createMultipart',
    script: fail('unavailable'),
    outcome: 'unavailable',
  },
  {
    name: 'multipart uploads are not permitted',
    data: large,
    on: 'createMultipart',
    script: fail('denied'),
    outcome: 'denied',
  },
  {
    name: 'a part fails for good',
    data: large,
    on: 'uploadPart',
    script: fail('unavailable'),
    when: (nth) => nth === 2,
    outcome: 'unavailable',
  },
  {
    name: 'parts are refused',
    data: large,
    on: 'uploadPart',
    script: fail('denied'),
    outcome: 'denied',
  },
  {
    name: 'the last part is lost',
    data: large,
    on: 'uploadPart',
    script: fail('network'),
    when: (nth) => nth === 3,
    outcome: 'network',
  },
  {
    name: 'a part is damaged once',
    data: large,
    on: 'uploadPart',
    script: flip,
    when: once,
    outcome: 'verified',
  },
  {
    name: 'a part is damaged twice',
    data: random.bytes(MiB + 1),
    on: 'uploadPart',
    script: wrongCrc,
    when: twice,
    outcome: 'verified',
  },
  {
    name: 'every part is damaged',
    data: large,
    on: 'uploadPart',
    script: flip,
    outcome: 'corrupt',
  },
  {
    name: 'parts get no CRC but the whole does',
    data: large,
    on: 'uploadPart',
    script: noCrc,
    outcome: 'verified',
  },
  {
    name: 'Complete fails once',
    data: large,
    on: 'completeMultipart',
    script: fail('unavailable'),
    when: once,
    outcome: 'verified',
  },
  {
    name: 'Complete is throttled for a while',
    data: large,
    on: 'completeMultipart',
    script: fail('throttled'),
    when: (nth) => nth < 8,
    outcome: 'verified',
  },
  {
    name: 'Complete always fails',
    data: large,
    on: 'completeMultipart',
    script: fail('unavailable'),
    outcome: 'unavailable',
  },
  {
    name: 'Complete is refused',
    data: large,
    on: 'completeMultipart',
    script: fail('rejected'),
    outcome: 'rejected',
  },
  {
    name: 'Complete never gets an answer',
    data: large,
    on: 'completeMultipart',
    script: fail('timeout'),
    outcome: 'timeout',
  },
  {
    name: 'the reply to Complete is lost',
    data: large,
    on: 'completeMultipart',
    script: lose('network'),
    when: once,
    outcome: 'verified',
  },
  {
    name: 'Complete says 200 with an Error after it did the work',
    data: large,
    on: 'completeMultipart',
    script: lose('unavailable'),
    when: once,
    outcome: 'verified',
  },
  {
    name: 'every reply to Complete is lost',
    data: large,
    on: 'completeMultipart',
    script: lose('timeout'),
    outcome: 'verified',
  },
  {
    name: 'Complete answers a wrong CRC for the right object',
    data: large,
    on: 'completeMultipart',
    script: wrongCrc,
    outcome: 'verified',
  },
  {
    name: 'Complete answers no CRC',
    data: large,
    on: 'completeMultipart',
    script: noCrc,
    outcome: 'verified',
  },
  {
    name: 'Complete puts the parts together wrongly',
    data: large,
    on: 'completeMultipart',
    script: { ...flip, ...noCrc },
    outcome: 'corrupt',
    leaves: 'damaged',
  },
];

describe('an upload to a store that fails', () => {
  for (const { name, data, on, script, when, outcome, leaves } of cases) {
    const isSuccess = outcome === 'verified' || outcome === 'absent';
    test(`${isSuccess ? 'succeeds' : `fails as ${outcome}`} when ${name}`, async () => {
      const bench = uploadBench();
      const { store, clock } = bench;
      store.store('inbox/file', Buffer.from('old'));
      store.script = ({ operation }, nth) =>
        operation === on && (when?.(nth) ?? true) ? script : undefined;
      const work = uploadWhole(bench, data);
      if (isSuccess) {
        const stored = await drive(clock, work);
        assert.equal(stored.checksum, outcome);
        assert.equal(stored.crc64, crc64(data));
        assert.deepEqual(store.objects.get('inbox/file')?.bytes, data);
      } else {
        await assert.rejects(drive(clock, work), { kind: outcome });
        if (leaves !== 'damaged') assert.equal(store.text('inbox/file'), 'old');
      }
      await clock.advance(600_000); // an abort may wait for a Complete without an answer
      assert.equal(store.uploads.size, 0, 'no multipart upload stays open');
      assert.equal(clock.pendingTimers, 0);
    });
  }

  test('warns once when parts come without a CRC, and counts each', async () => {
    const bench = uploadBench();
    bench.store.script = ({ operation }) => (operation === 'uploadPart' ? noCrc : undefined);
    await drive(bench.clock, uploadWhole(bench, large));
    assert.deepEqual(bench.log.messages('warn'), ['the store sends no crc-64 for parts']);
    const parts = bench.observed.checks.filter(([stage]) => stage === 'part');
    assert.deepEqual(parts, Array(3).fill(['part', 'absent']));
    assert.deepEqual(bench.observed.checks.at(-1), ['complete', 'verified']);
  });

  test('accepts on size when nothing has a CRC, with a warning', async () => {
    const bench = uploadBench();
    const { store } = bench;
    store.script = ({ operation }) =>
      operation === 'uploadPart' || operation === 'completeMultipart' ? noCrc : undefined;
    const head = store.head.bind(store);
    store.head = async (key, options) => {
      const { crc64: _, ...info } = await head(key, options);
      return info;
    };
    const stored = await drive(bench.clock, uploadWhole(bench, large));
    assert.equal(stored.checksum, 'absent');
    assert.equal(bench.log.messages('warn').at(-1), 'the store keeps no crc-64; accepted on size');
    store.script = ({ operation }) =>
      operation === 'completeMultipart' ? { ...noCrc, bytes: (b) => b.subarray(1) } : undefined;
    await assert.rejects(drive(bench.clock, uploadWhole(bench, large)), { kind: 'corrupt' });
  });

  test('says nothing of success when the object cannot be looked at', async () => {
    const bench = uploadBench();
    bench.store.script = ({ operation }) => {
      if (operation === 'completeMultipart') return lose('timeout');
      return operation === 'head' ? fail('network') : undefined;
    };
    await assert.rejects(drive(bench.clock, uploadWhole(bench, large)), { kind: 'upload-missing' });
  });

  test('says that the object was replaced, not that it differs, when others were faster', async () => {
    const bench = uploadBench();
    const { store, observed } = bench;
    const replace = () => void store.store('inbox/file', Buffer.from('of others'));
    store.script = ({ operation }) => (operation === 'put' ? wrongCrc : { before: replace });
    await assert.rejects(drive(bench.clock, uploadWhole(bench, small)), { kind: 'changed' });
    assert.deepEqual(observed.checks, []);
    assert.equal(store.text('inbox/file'), 'of others');
  });

  test('never aborts while a Complete without an answer may be at work', async () => {
    const bench = uploadBench();
    const { store, clock } = bench;
    store.script = ({ operation }) =>
      operation === 'completeMultipart' ? fail('timeout') : undefined;
    await assert.rejects(drive(clock, uploadWhole(bench, large)), { kind: 'timeout' });
    assert.equal(store.uploads.size, 1);
    assert(!store.operations.includes('abortMultipart'));
    await clock.advance(599_000);
    assert(!store.operations.includes('abortMultipart'));
    await clock.advance(2_000);
    assert.equal(store.uploads.size, 0);
    assert.deepEqual(bench.observed.multiparts, ['opened', 'aborted']);
  });

  test('leaves no upload open when the object had the same content before', async () => {
    for (const kind of ['unavailable', 'timeout'] as const) {
      const bench = uploadBench();
      const { store, clock } = bench;
      store.store('inbox/file', large);
      store.script = ({ operation }) =>
        operation === 'completeMultipart' ? fail(kind) : undefined;
      const stored = await drive(clock, uploadWhole(bench, large));
      assert.equal(stored.checksum, 'verified');
      await clock.advance(600_000);
      assert.equal(store.uploads.size, 0, kind);
      assert.deepEqual(bench.observed.multiparts, ['opened', 'aborted']);
    }
  });

  test('repeats the same Complete for at most 45 s, and asks the object once', async () => {
    const bench = uploadBench();
    const { store, clock } = bench;
    store.script = ({ operation }) =>
      operation === 'completeMultipart' ? fail('unavailable') : undefined;
    const upload = bench.open();
    await drive(clock, feed(upload, large));
    const startedMs = clock.monotonicMs();
    await assert.rejects(drive(clock, upload.finish(yes)));
    assert(clock.monotonicMs() - startedMs <= 46_000);
    const completes = store.operations.filter((name) => name === 'completeMultipart').length;
    assert(completes > 5 && completes <= 40, `${completes} Completes`);
    assert.deepEqual(store.operations.slice(-2), ['head', 'abortMultipart']);
  });

  test('logs an upload that could not be aborted, with its id', async () => {
    const bench = uploadBench();
    bench.store.script = ({ operation }) => {
      if (operation === 'uploadPart') return fail('denied');
      return operation === 'abortMultipart' ? fail('unavailable') : undefined;
    };
    await assert.rejects(drive(bench.clock, uploadWhole(bench, large)), { kind: 'denied' });
    await bench.clock.advance(60_000);
    const line = bench.log.lines.find(({ level }) => level === 'error');
    assert.equal(line?.message, 'multipart upload left open');
    assert.match(String(line?.fields['uploadId']), /^upload-/);
    assert.deepEqual(bench.observed.multiparts, ['opened', 'left-open']);
    const aborts = bench.store.operations.filter((name) => name === 'abortMultipart').length;
    assert.equal(aborts, 4);
  });

  test('stops the others when one part fails', async () => {
    const bench = uploadBench();
    const { store, clock } = bench;
    store.script = ({ operation, part }) => {
      if (operation !== 'uploadPart') return undefined;
      return part === 3 ? fail('denied') : { before: () => new Promise(() => undefined) };
    };
    const upload = bench.open();
    const fed = feed(upload, random.bytes(200 * MiB));
    await assert.rejects(drive(clock, fed), { kind: 'denied' });
    assert(upload.failed.aborted);
    await clock.advance(0);
    assert.equal(store.partsInFlight, 0);
    await drive(clock, upload.discard('failed'));
    assert.equal(store.uploads.size, 0);
  });
});

describe('an upload that is given up', () => {
  const hang: Script = { before: () => new Promise(() => undefined) };

  test('before any byte costs nothing', async () => {
    const { open, store, clock } = uploadBench();
    const upload = open();
    await upload.discard('no data connection');
    await upload.discard('again');
    assert.equal(upload.state, 'discarded');
    assert(upload.failed.aborted);
    await assert.rejects(upload.ready(), { kind: 'aborted' });
    await assert.rejects(upload.finish(yes), { kind: 'aborted' });
    await assert.rejects(upload.commitPartial(), { kind: 'aborted' });
    assert.deepEqual(store.operations, []);
    assert.equal(clock.pendingTimers, 0);
  });

  test('with parts hanging lets go of them at once', async () => {
    const { open, store, clock } = uploadBench();
    store.script = ({ operation }) => (operation === 'uploadPart' ? hang : undefined);
    const upload = open();
    await drive(clock, feed(upload, random.bytes(9 * MiB)));
    await clock.advance(0);
    assert.equal(store.partsInFlight, 3);
    const before = clock.monotonicMs();
    await drive(clock, upload.discard('abor'), { stepMs: 1 });
    assert(clock.monotonicMs() - before < 10);
    assert.equal(store.uploads.size, 0);
    assert.equal(upload.state, 'discarded');
  });

  test('while its multipart upload is being begun waits for the id, and aborts it', async () => {
    const { open, store, clock, log } = uploadBench();
    store.script = ({ operation }) =>
      operation === 'createMultipart'
        ? { before: () => new Promise((resolve) => clock.setTimer(25_000, resolve)) }
        : undefined;
    const upload = open();
    await drive(clock, feed(upload, random.bytes(2 * MiB)));
    const before = clock.monotonicMs();
    await drive(clock, upload.discard('abor'));
    assert(Math.abs(clock.monotonicMs() - before - 10_000) <= 100, 'its caller waits 10 s');
    assert.deepEqual(log.messages('warn'), ['discard goes on in the background']);
    await clock.advance(20_000);
    assert.equal(upload.state, 'discarded');
    assert.deepEqual(store.operations, ['createMultipart', 'abortMultipart']);
    assert.equal(store.uploads.size, 0);
  });

  test('while parts drain never commits', async () => {
    const { open, store, clock } = uploadBench();
    store.script = ({ operation }) => (operation === 'uploadPart' ? hang : undefined);
    const upload = open();
    await drive(clock, feed(upload, large));
    let asked = 0;
    const finished = upload.finish({ mayCommit: () => ++asked > 0 });
    await clock.advance(1_000);
    assert.equal(upload.state, 'ending');
    const discarded = upload.discard('abor');
    await assert.rejects(drive(clock, finished), { kind: 'aborted' });
    await discarded;
    assert.equal(asked, 0);
    assert(!store.operations.includes('completeMultipart'));
  });

  test('while the evidence is asked never commits', async () => {
    const { open, store, clock } = uploadBench();
    const upload = open();
    await drive(clock, feed(upload, small));
    const answer = Promise.withResolvers<boolean>();
    const finished = upload.finish({ mayCommit: () => answer.promise });
    await clock.advance(0);
    const discarded = upload.discard('abor');
    answer.resolve(true);
    await assert.rejects(drive(clock, finished), { kind: 'aborted' });
    await discarded;
    assert.deepEqual(store.operations, []);
  });

  for (const data of [small, large]) {
    test(`during the commit of ${data.length} bytes waits for its outcome`, async () => {
      const { open, store, clock } = uploadBench();
      store.script = ({ operation }) =>
        operation === 'put' || operation === 'completeMultipart'
          ? { before: () => new Promise((resolve) => clock.setTimer(5_000, resolve)) }
          : undefined;
      const upload = open();
      await drive(clock, feed(upload, data));
      const finished = upload.finish(yes);
      await clock.advance(1_000);
      assert.equal(upload.state, 'committing');
      const discarded = upload.discard('control lost');
      await clock.advance(1_000);
      assert(!store.operations.includes('abortMultipart'));
      assert.equal((await drive(clock, finished)).checksum, 'verified');
      await discarded;
      assert.equal(upload.state, 'stored');
      assert.equal(store.objects.get('inbox/file')?.info.crc64, crc64(data));
    });
  }

  test('by its signal fails with it, except while it commits', async () => {
    const { open, store, clock } = uploadBench();
    const already = open({ signal: AbortSignal.abort(new Error('gone')) });
    assert(already.failed.aborted);
    await already.discard('gone');

    const stop = new AbortController();
    const receiving = open({ signal: stop.signal });
    await drive(clock, feed(receiving, small));
    stop.abort(new Error('drain'));
    assert(receiving.failed.aborted);
    await assert.rejects(receiving.finish(yes), { kind: 'aborted' });

    const late = new AbortController();
    store.script = ({ operation }) =>
      operation === 'put' ? { before: () => late.abort() } : undefined;
    const committing = open({ signal: late.signal });
    await drive(clock, feed(committing, small));
    assert.equal((await drive(clock, committing.finish(yes))).sizeBytes, small.length);
  });
});

async function uploadWhole({ open }: UploadBench, data: Uint8Array) {
  const upload = open();
  try {
    await feed(upload, data);
  } catch (error) {
    await upload.discard('failed');
    throw error;
  }
  return upload.finish(yes);
}
