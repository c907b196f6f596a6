/**
 * Markers and the janitor through the real driver against the embedded COS: what a process that dies
 * leaves behind, and what may never be touched.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FaultAct, FaultScript } from '#gateway/cosd/fault-script.ts';
import { type Clock, systemClock } from '#gateway/kit/clock.ts';
import { silentLog } from '#gateway/kit/log.ts';
import { begunWithinMs, MarkedStore, markerRefreshMs } from '#gateway/storage/marked-store.ts';
import type { ListPage, ObjectStore } from '#gateway/storage/object-store.ts';
import type { MarkerOwner } from '#gateway/storage/upload-marker.ts';
import { abandonedAfterMs, type CleaningOptions, cleanJail } from '#gateway/transfer/janitor.ts';
import { runJanitor } from '#gateway/transfer/janitor-rounds.ts';
import { until } from '#test/support/condition.ts';
import { fakeClock } from '#test/support/fake-clock.ts';
import { recordingLog } from '#test/support/recording-log.ts';
import { openTestStore, quickRetries } from '#test/support/storage-store.ts';

const me: MarkerOwner = { instance: 'gateway-0', run: 'aaaa' };
const reborn: MarkerOwner = { instance: 'gateway-0', run: 'bbbb' };
const other: MarkerOwner = { instance: 'gateway-1', run: 'cccc' };
const prefix = 'jail/';
const part = Buffer.alloc(1_048_576, 7);

const denied: FaultAct = { do: 'error', status: 403, code: 'AccessDenied' };
/** Not worth a retry, and no lack of rights. */
const failing: FaultAct = { do: 'error', status: 400, code: 'InvalidArgument' };

async function openBench(faults: FaultScript = []) {
  const { store, cosd, ...rest } = await openTestStore(faults);
  const log = recordingLog();
  const marked = (owner: MarkerOwner, inner: ObjectStore = store, clock = systemClock) => {
    const live = new Set<string>();
    const options = { store: inner, prefix, owner, clock, log, live };
    return Object.assign(new MarkedStore({ ...options, createRetry: quickRetries }), { live });
  };
  const clean = (
    owner: MarkerOwner,
    from: ObjectStore = store,
    live = new Set<string>(),
    round: CleaningOptions['round'] = 'first',
  ) => {
    const { signal } = new AbortController();
    return cleanJail({ store: from, prefix }, { owner, log, live, round, signal });
  };
  const open = () => cosd.inspect.openUploads(cosd.bucket).length;
  const keys = () => cosd.inspect.keys(cosd.bucket);
  return {
    store,
    cosd,
    log,
    marked,
    clean,
    open,
    keys,
    [Symbol.asyncDispose]: rest[Symbol.asyncDispose],
  };
}

/** The system's clock, but timers of that length fire when `pass` is called. */
function stoppedAt(lengthMs: number): { clock: Clock; pass: () => void } {
  const stopped: (() => void)[] = [];
  const clock: Clock = {
    ...systemClock,
    setTimer: (delayMs, fire) => {
      if (delayMs !== lengthMs) return systemClock.setTimer(delayMs, fire);
      stopped.push(fire);
      return { cancel: () => undefined };
    },
  };
  return { clock, pass: () => stopped.splice(0).forEach((fire) => fire()) };
}

/** The store as it is after that time, as far as markers of `instance` are concerned. */
function aged(store: ObjectStore, instance: string, byMs: number): ObjectStore {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== 'list') return typeof value === 'function' ? value.bind(target) : value;
      return async (options: Parameters<ObjectStore['list']>[0]): Promise<ListPage> => {
        const page = await target.list(options);
        const objects = [...page.objects].map((info) =>
          info.key.includes(`/${instance}/`)
            ? { ...info, modifiedAt: new Date(info.modifiedAt.getTime() - byMs) }
            : info,
        );
        return { ...page, objects };
      };
    },
  });
}

describe('a marked upload', () => {
  test('has a marker with its id while it runs, and none after Complete', async () => {
    await using bench = await openBench();
    const store = bench.marked(me);
    const upload = await store.createMultipart('jail/file');
    const { etag } = await store.uploadPart(upload, 1, part);
    const [marker = ''] = bench.keys();
    assert.match(marker, /^jail\/\.cosftp\/uploads\/gateway-0\/aaaa-\d+$/);
    await until('the id is written', async () => {
      const text = String(await bench.cosd.inspect.bytes(bench.cosd.bucket, marker));
      return text === JSON.stringify({ key: 'jail/file', upload_id: upload.uploadId });
    });
    await store.completeMultipart(upload, [{ number: 1, etag }]);
    await store.settled(5_000);
    assert.deepEqual(bench.keys(), ['jail/file']);
    assert.equal(store.live.size, 0);
  });

  test('has none after Abort, nor when it was gone already', async () => {
    await using bench = await openBench();
    const store = bench.marked(me);
    await store.abortMultipart(await store.createMultipart('jail/file'));
    const gone = await store.createMultipart('jail/file');
    await bench.store.abortMultipart(gone);
    await assert.rejects(store.completeMultipart(gone, [{ number: 1, etag: '"x"' }]));
    await store.settled(5_000);
    assert.deepEqual(bench.keys(), []);
  });

  for (const operation of ['PutObject', 'DeleteObject'] as const) {
    test(`goes on without one where ${operation} is denied, and says so once`, async () => {
      await using bench = await openBench([
        { operation, key: '*.cosftp*', times: 'always', act: denied },
      ]);
      const store = bench.marked(me);
      for (let uploads = 0; uploads < 3; uploads++) {
        await store.abortMultipart(await store.createMultipart('jail/file'));
        await store.settled(5_000);
      }
      assert.deepEqual(bench.log.messages('warn'), ['uploads are not marked']);
      assert.equal(bench.open(), 0);
      assert.ok(bench.cosd.requests()[operation] <= 2);
    });
  }

  test('is begun again after a lost reply, and what the first one left is found', async () => {
    await using bench = await openBench([
      { operation: 'InitiateMultipartUpload', act: { do: 'reset', at: 'reply' } },
    ]);
    const { clock, pass } = stoppedAt(begunWithinMs);
    const store = bench.marked(me, bench.store, clock);
    const upload = await store.createMultipart('jail/file');
    assert.equal(bench.open(), 2);
    // The lost request may still be on its way: a round now would take its marker from it.
    assert.equal(await bench.clean(me, bench.store, store.live), 0);
    assert.equal(store.live.size, 2);
    pass();
    assert.equal(await bench.clean(me, bench.store, store.live), 1);
    assert.equal(bench.open(), 1);
    await store.uploadPart(upload, 1, part);
    await store.abortMultipart(upload);
    await store.settled(5_000);
    assert.deepEqual([bench.open(), bench.keys()], [0, []]);
  });

  test('that could not be aborted is left to the next round of the same process', async () => {
    await using bench = await openBench([
      { operation: 'AbortMultipartUpload', nth: 1, act: failing },
    ]);
    const store = bench.marked(me);
    const upload = await store.createMultipart('jail/file');
    await assert.rejects(store.abortMultipart(upload));
    assert.equal(await bench.clean(me, bench.store, store.live), 1);
    assert.deepEqual([bench.open(), bench.keys()], [0, []]);
  });

  test('of more than a day is marked again before others take it for abandoned', async () => {
    await using bench = await openBench();
    const clock = fakeClock();
    const options = { store: bench.store, prefix, owner: me, clock, log: silentLog };
    const store = new MarkedStore({ ...options, live: new Set() });
    const upload = await store.createMultipart('jail/file');
    const written = () => bench.cosd.requests().PutObject;
    await until('marker and id', () => written() === 2);
    await clock.advance(markerRefreshMs - 1);
    assert.equal(written(), 2);
    await clock.advance(1);
    await until('marked again', () => written() === 3);
    await store.abortMultipart(upload);
    assert.equal(clock.pendingTimers, 0);
  });
});

describe('after a process died', () => {
  test('its own instance ends what it left, at once, whether the id was written or not', async () => {
    await using bench = await openBench([
      // The second write of the first marker: the id never reaches the store.
      {
        operation: 'PutObject',
        key: '*.cosftp*',
        nth: 2,
        act: failing,
      },
    ]);
    const dead = bench.marked(me);
    await dead.createMultipart('jail/one');
    await until('the id was tried', () => bench.cosd.requests().PutObject === 2);
    await dead.createMultipart('jail/two');
    await until('both are marked', () => bench.cosd.requests().PutObject === 4);
    assert.equal(bench.open(), 2);
    assert.equal(await bench.clean(reborn), 2);
    assert.deepEqual([bench.open(), bench.keys()], [0, []]);
  });

  test('a marker whose upload is over already is only removed', async () => {
    await using bench = await openBench();
    const dead = bench.marked(me);
    const upload = await dead.createMultipart('jail/file');
    await until('marked', () => bench.cosd.requests().PutObject === 2);
    await bench.store.abortMultipart(upload);
    assert.equal(await bench.clean(reborn), 0);
    assert.deepEqual(bench.keys(), []);
  });

  for (const [words, ageMs, aborted] of [
    ['10 min before 24 h not', abandonedAfterMs.upload - 600_000, 0],
    ['10 s after 24 h it does', abandonedAfterMs.upload + 10_000, 1],
  ] as const) {
    test(`another instance ends it: ${words}`, async () => {
      await using bench = await openBench();
      await bench.marked(other).createMultipart('jail/file');
      await until('marked', () => bench.cosd.requests().PutObject === 2);
      assert.equal(await bench.clean(me, aged(bench.store, other.instance, ageMs)), aborted);
      assert.equal(bench.open(), 1 - aborted);
      assert.equal(bench.keys().length, 1 - aborted);
    });
  }

  test('uploads without a marker, of other keys and of other gateways stay', async () => {
    await using bench = await openBench([
      {
        operation: 'PutObject',
        key: '*gateway-0*',
        nth: 2,
        act: failing,
      },
    ]);
    const foreign = await bench.store.createMultipart('jail/foreign');
    await bench.marked(me).createMultipart('jail/file');
    await until('the id was tried', () => bench.cosd.requests().PutObject === 2);
    const alive = await bench.marked(other).createMultipart('jail/file');
    await until('the other is marked', () => bench.cosd.requests().PutObject === 4);
    const longer = await bench.store.createMultipart('jail/file-2');
    assert.equal(await bench.clean(reborn), 1);
    const left = bench.cosd.inspect.openUploads(bench.cosd.bucket).map(({ uploadId }) => uploadId);
    assert.deepEqual(
      left.toSorted(),
      [foreign, alive, longer].map(({ uploadId }) => uploadId).toSorted(),
    );
  });

  test('what stands in the marker folder and is no marker stays, and is told', async () => {
    await using bench = await openBench();
    const { inspect, bucket } = bench.cosd;
    for (const [key, content] of [
      ['jail/.cosftp/uploads/gateway-0/old-1', 'no json'],
      ['jail/.cosftp/uploads/gateway-0/old-2', '{"key":"elsewhere/file","upload_id":"x"}'],
      ['jail/.cosftp/uploads/README', 'hello'],
    ] as const) {
      await inspect.put(bucket, key, content);
    }
    assert.equal(await bench.clean(me), 0);
    assert.equal(bench.keys().length, 3);
    const told = bench.log.lines.filter(({ message }) => message.includes('not understood'));
    assert.equal(told.length, 2);
  });

  test('twins, two gateways of one instance name, leave each other alone after the first round', async () => {
    await using bench = await openBench();
    const upload = await bench.marked(me).createMultipart('jail/file');
    await until('marked', () => bench.cosd.requests().PutObject === 2);
    assert.equal(await bench.clean(reborn, bench.store, new Set(), 'later'), 0);
    assert.equal(bench.open(), 1);
    const late = aged(bench.store, me.instance, abandonedAfterMs.upload + 10_000);
    assert.equal(await bench.clean(reborn, late, new Set(), 'later'), 1);
    await assert.rejects(bench.store.uploadPart(upload, 1, part), { kind: 'upload-missing' });
  });

  test('a marker that goes between list and look stops nothing', async () => {
    await using bench = await openBench();
    const dead = bench.marked(me);
    for (const key of ['jail/one', 'jail/two']) await dead.createMultipart(key);
    await until('both are marked', () => bench.cosd.requests().PutObject === 4);
    const [first = ''] = bench.keys();
    const list: ObjectStore['list'] = async (options) => {
      const page = await bench.store.list(options);
      const objects = [...page.objects];
      await bench.store.delete(first);
      return { ...page, objects };
    };
    const racing = new Proxy(bench.store, {
      get(target, name) {
        const value: unknown = name === 'list' ? list : Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    assert.equal(await bench.clean(reborn, racing), 1);
    assert.deepEqual([bench.open(), bench.keys()], [1, []]);
  });

  test('one upload that cannot be aborted does not keep the others', async () => {
    await using bench = await openBench([
      { operation: 'AbortMultipartUpload', nth: 1, act: failing },
    ]);
    const dead = bench.marked(me);
    for (const key of ['jail/one', 'jail/two', 'jail/three']) await dead.createMultipart(key);
    await until('all are marked', () => bench.cosd.requests().PutObject === 6);
    await assert.rejects(bench.clean(reborn));
    assert.deepEqual([bench.open(), bench.keys().length], [1, 1]);
    assert.equal(await bench.clean(reborn), 1);
    assert.deepEqual([bench.open(), bench.keys()], [0, []]);
  });
});

/** @returns when its only jail is looked at, in virtual minutes, and what was told. */
async function lookedAt(faults: FaultScript, pausesMinutes: readonly number[]) {
  await using bench = await openBench(faults);
  const clock = fakeClock();
  const stop = new AbortController();
  const { log, store } = bench;
  const targets = () => [{ store, prefix }];
  const lists = () => bench.cosd.requests().GetBucket;
  const options = { owner: me, clock, log, live: new Set<string>(), targets, signal: stop.signal };
  const ended = runJanitor(options);
  await until('the first round is over', () => clock.pendingTimers === 1);
  for (const minutes of pausesMinutes) {
    const before = lists();
    await clock.advance(minutes * 60_000 - 1);
    assert.equal(lists(), before, `not before ${minutes} min`);
    await clock.advance(1);
    await until('a round is over', () => lists() > before && clock.pendingTimers === 1);
  }
  stop.abort();
  await ended;
  assert.equal(clock.pendingTimers, 0);
  return log.messages('warn');
}

describe('the rounds of the janitor', () => {
  const untold = 'unfinished uploads not looked for';

  test('where a store fails come after 1, 2 and 4 minutes, else every 6 h, and end at once', async () => {
    const faults = [1, 2, 3].map((nth) => ({ operation: 'GetBucket', nth, act: failing }) as const);
    assert.deepEqual(await lookedAt(faults, [1, 2, 4, 360, 360]), [untold, untold, untold]);
  });

  test('where the key may not list come every 6 h, and are told once', async () => {
    const faults = [{ operation: 'GetBucket', times: 'always', act: denied }] as const;
    assert.deepEqual(await lookedAt(faults, [360, 360]), [untold]);
  });

  test('but the first leave what a twin has begun meanwhile', async () => {
    await using bench = await openBench();
    const clock = fakeClock();
    const stop = new AbortController();
    const { log, store } = bench;
    const targets = () => [{ store, prefix }];
    const live = new Set<string>();
    const ended = runJanitor({ owner: reborn, clock, log, live, targets, signal: stop.signal });
    await until('the first round is over', () => clock.pendingTimers === 1);
    await bench.marked(me).createMultipart('jail/file');
    await until('marked', () => bench.cosd.requests().PutObject === 2);
    const before = bench.cosd.requests().GetBucket;
    await clock.advance(6 * 3_600_000);
    await until('the second is over', () => {
      return bench.cosd.requests().GetBucket > before && clock.pendingTimers === 1;
    });
    assert.equal(bench.open(), 1);
    stop.abort();
    await ended;
  });
});

describe('a mark of a directory rename', () => {
  for (const [words, ageMs, left] of [
    ['stays while its rename can be gone on with', abandonedAfterMs.rename - 600_000, 1],
    ['goes when it counts no more', abandonedAfterMs.rename + 10_000, 0],
  ] as const) {
    test(words, async () => {
      await using bench = await openBench();
      const { cosd } = bench;
      const modifiedAtMs = Date.now() - ageMs;
      const mark = 'jail/.cosftp/renames/0123abcd';
      await cosd.inspect.put(cosd.bucket, mark, '{}', { modifiedAtMs });
      assert.equal(await bench.clean(me), 0);
      assert.equal(bench.keys().filter((key) => key === mark).length, left);
      assert.equal(bench.keys().length, left, 'nothing else is left');
    });
  }
});
