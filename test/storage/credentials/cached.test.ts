import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { silentLog } from '#gateway/kit/log.ts';
import {
  cachedCredentials,
  freshMs,
  refreshBeforeMs,
  refreshPauseMs,
} from '#gateway/storage/credentials/cached.ts';
import type { CosCredentials } from '#gateway/storage/credentials/source.ts';
import { StoreError } from '#gateway/storage/object-store.ts';
import { rejectsWith } from '../../contract/object-store.ts';
import { fakeClock } from '../../support/fake-clock.ts';

const lifeMs = 3_600_000;

/** A source that gives a new key at each fetch, or fails, when the test lets it. */
function keySource(clock: { now(): number }, options: { expires?: boolean } = {}) {
  const source = {
    fetches: 0,
    failure: undefined as Error | undefined,
    gate: Promise.resolve(),
    async get(): Promise<CosCredentials> {
      const serial = ++source.fetches;
      await source.gate;
      if (source.failure) throw source.failure;
      const expiresAt = new Date(clock.now() + lifeMs);
      return {
        secretId: `id${serial}`,
        secretKey: 'key',
        ...(options.expires === false ? {} : { expiresAt }),
      };
    },
  };
  return source;
}

function cacheOf(options: { expires?: boolean } = {}) {
  const clock = fakeClock();
  const source = keySource(clock, options);
  const cache = cachedCredentials(source, { clock, log: silentLog });
  return { clock, source, cache, id: async () => (await cache.get()).secretId };
}

describe('a temporary key', () => {
  it('is fetched once for all who wait', async () => {
    const { source, cache } = cacheOf();
    const keys = await Promise.all(Array.from({ length: 50 }, () => cache.get()));
    assert.equal(source.fetches, 1);
    assert.deepEqual(new Set(keys.map((key) => key.secretId)), new Set(['id1']));
  });

  it('is kept until shortly before it expires, then renewed without a wait', async () => {
    const { clock, source, id } = cacheOf();
    await id();
    await clock.advance(lifeMs - refreshBeforeMs - 1);
    assert.equal(await id(), 'id1');
    assert.equal(source.fetches, 1);
    await clock.advance(1);
    assert.equal(await id(), 'id1', 'the caller that finds it due does not wait');
    await clock.advance(0);
    assert.equal(await id(), 'id2');
    assert.equal(source.fetches, 2);
  });

  it('stays in use while its successor cannot be fetched, asked for now and then', async () => {
    const { clock, source, id } = cacheOf();
    await id();
    source.failure = new Error('metadata is down');
    await clock.advance(lifeMs - refreshBeforeMs);
    for (let i = 0; i < 10; i++) {
      assert.equal(await id(), 'id1');
      await clock.advance(0);
    }
    assert.equal(source.fetches, 2);
    await clock.advance(refreshPauseMs - 1);
    assert.equal(await id(), 'id1');
    assert.equal(source.fetches, 2);
    await clock.advance(1);
    assert.equal(await id(), 'id1');
    assert.equal(source.fetches, 3);
    await clock.advance(refreshBeforeMs - refreshPauseMs);
    await rejectsWith('credentials', id());
  });

  it('that could not be fetched at all is asked for again by the next request', async () => {
    const { source, id } = cacheOf();
    source.failure = new Error('metadata is down');
    await rejectsWith('credentials', id());
    source.failure = new StoreError('credentials', 'no role');
    await rejectsWith('credentials', id());
    source.failure = undefined;
    assert.equal(await id(), 'id3');
  });

  for (const [atMs, fetches] of [
    [lifeMs - 1, 2],
    [lifeMs, 2],
    [lifeMs + 1, 2],
  ] as const) {
    it(`asked for ${atMs - lifeMs} ms after its end is ${atMs < lifeMs ? 'still' : 'no longer'} given`, async () => {
      const { clock, source, id } = cacheOf();
      await id();
      await clock.advance(atMs);
      assert.equal(await id(), atMs < lifeMs ? 'id1' : 'id2');
      assert.equal(source.fetches, fetches);
    });
  }

  it('that COS refuses is replaced before its time, once for all', async () => {
    const { clock, source, cache, id } = cacheOf();
    const refused = await cache.get();
    await clock.advance(freshMs);
    for (let count = 0; count < 10; count += 1) cache.noteRefused?.(refused);
    assert.deepEqual(await Promise.all([id(), id()]), ['id2', 'id2']);
    cache.noteRefused?.(refused); // a late answer to the former one
    assert.equal(await id(), 'id2');
    assert.equal(source.fetches, 2);
  });

  it('that COS refuses stays when there is no other, and others are not asked for at each refusal', async () => {
    const { clock, source, cache, id } = cacheOf();
    const refused = await cache.get();
    source.failure = new Error('metadata is down');
    for (const [passMs, fetches] of [
      [freshMs - 1, 1],
      [1, 2],
      [freshMs - 1, 2],
      [1, 3],
    ] as const) {
      await clock.advance(passMs);
      cache.noteRefused?.(refused);
      assert.equal(await id(), 'id1');
      assert.equal(source.fetches, fetches);
    }
  });

  it('that comes expired is not fetched again by every request', async () => {
    const clock = fakeClock();
    let fetches = 0;
    const expiresAt = new Date(clock.now() - 1);
    const get = async () => ({ secretId: `id${++fetches}`, secretKey: 'key', expiresAt });
    const cache = cachedCredentials({ get }, { clock, log: silentLog });
    for (let count = 0; count < 10; count += 1) assert.equal((await cache.get()).secretId, 'id1');
    await clock.advance(freshMs - 1);
    assert.equal((await cache.get()).secretId, 'id1');
    await clock.advance(1);
    assert.equal((await cache.get()).secretId, 'id2');
  });

  it('is not waited for by who gave up, and still arrives for the others', async () => {
    const { source, cache } = cacheOf();
    let open = () => undefined as void;
    source.gate = new Promise((resolve) => {
      open = resolve;
    });
    const gone = new AbortController();
    const impatient = rejectsWith('aborted', cache.get(gone.signal));
    const patient = cache.get();
    gone.abort();
    await impatient;
    await rejectsWith('aborted', cache.get(AbortSignal.abort()));
    open();
    assert.equal((await patient).secretId, 'id1');
    assert.equal(source.fetches, 1);
  });
});

describe('a key that does not expire', () => {
  it('is not kept: its source may change its mind', async () => {
    const { id } = cacheOf({ expires: false });
    assert.equal(await id(), 'id1');
    assert.equal(await id(), 'id2');
  });
});
