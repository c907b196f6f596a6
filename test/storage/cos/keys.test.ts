/** Keys that expire or are rotated while requests are made, through the real SDK and the embedded COS. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Secret } from '#gateway/cosd/signature.ts';
import { systemClock } from '#gateway/kit/clock.ts';
import type { CosCredentials, CredentialSource } from '#gateway/storage/credentials/source.ts';
import type { ObjectStore } from '#gateway/storage/object-store.ts';
import { rejectsWith } from '../../contract/object-store.ts';
import { openTestStore } from '../../support/storage-store.ts';

const bytes = Buffer.from('some bytes');
const hourMs = 3_600_000;

/** What hands out keys, what COS knows of them, and a store between the two. */
async function openWithKeys(options: { readonly handsOut: 'a new key' | 'the same key' }) {
  const known = new Map<string, Secret>();
  let offMs = 0;
  let serial = 0;
  let current: CosCredentials | undefined;
  const make = (): CosCredentials => {
    const name = `key${++serial}`;
    const expiresAt = new Date(Date.now() + offMs + hourMs);
    const [secretId, secretKey, token] = [`id-${name}`, `secret-${name}`, `token-${name}`];
    known.set(secretId, { secretKey, token, expiresAtMs: expiresAt.getTime() });
    return { secretId, secretKey, token, expiresAt };
  };
  const source = {
    fetches: 0,
    async get() {
      source.fetches += 1;
      current = options.handsOut === 'a new key' || !current ? make() : current;
      return current;
    },
  } satisfies CredentialSource & { fetches: number };
  const clock = {
    ...systemClock,
    now: () => Date.now() + offMs,
    monotonicMs: () => systemClock.monotonicMs() + offMs,
  };
  const opened = await openTestStore(
    [],
    { clock, credentials: source },
    { keys: (secretId: string) => known.get(secretId), clock },
  );
  return {
    ...opened,
    source,
    /** COS forgets every key there is, as after a rotation. */
    rotate: () => known.clear(),
    /** COS finds every key expired, whatever was said when it was handed out. */
    expire: () => {
      for (const [id, secret] of known) known.set(id, { ...secret, expiresAtMs: 0 });
    },
    pass: (ms: number) => {
      offMs += ms;
    },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

const calls: Readonly<Record<string, (store: ObjectStore) => Promise<unknown>>> = {
  put: (store) => store.put('file', bytes),
  head: (store) => store.head('kept'),
  read: (store) => store.read('kept', 0, Buffer.alloc(bytes.length)),
  list: (store) => store.list({ prefix: '' }),
  copy: (store) => store.copy('kept', 'copy'),
  multipart: async (store) => {
    const upload = await store.createMultipart('large');
    const { etag } = await store.uploadPart(upload, 1, bytes);
    await store.completeMultipart(upload, [{ number: 1, etag }]);
  },
};

for (const [name, call] of Object.entries(calls)) {
  for (const how of ['expire', 'rotate'] as const) {
    describe(`${name}, with a key that COS finds ${how === 'expire' ? 'expired' : 'unknown'}`, () => {
      it('is done with the next one', async () => {
        await using test = await openWithKeys({ handsOut: 'a new key' });
        await test.store.put('kept', bytes);
        test[how]();
        test.pass(10_000);
        await call(test.store);
        assert.deepEqual(test.repeats, ['key']);
        assert.equal(test.source.fetches, 2);
      });

      it('fails when there is no other, after one look for it', async () => {
        await using test = await openWithKeys({ handsOut: 'the same key' });
        await test.store.put('kept', bytes);
        test[how]();
        test.pass(10_000);
        await assert.rejects(call(test.store), { name: 'StoreError' });
        assert.deepEqual(test.repeats, []);
        assert.equal(test.source.fetches, 2);
        await assert.rejects(call(test.store));
        assert.equal(test.source.fetches, 2, 'nor for another at once');
      });
    });
  }
}

it('many requests at once with an expired key take one new one', async () => {
  await using test = await openWithKeys({ handsOut: 'a new key' });
  await test.store.put('kept', bytes);
  test.expire();
  test.pass(10_000);
  const keys = Array.from({ length: 16 }, (_, index) => `key-${index}`);
  await Promise.all(keys.map((key) => test.store.put(key, bytes)));
  assert.equal(test.source.fetches, 2);
  assert.deepEqual(new Set(test.repeats), new Set(['key']));
});

it('a key is not blamed for what the policy denies', async () => {
  await using test = await openWithKeys({ handsOut: 'a new key' });
  await test.store.put('kept', bytes);
  test.pass(10_000);
  const act = { do: 'error', status: 403, code: 'AccessDenied' } as const;
  test.cosd.faults.add({ operation: 'PutObject', act, times: 'always' });
  await rejectsWith('denied', test.store.put('file', bytes));
  assert.equal(test.source.fetches, 1);
});

it('a clock that runs ahead by hours does not make every request fetch a key', async () => {
  await using test = await openTestStore();
  let fetches = 0;
  const { secretId, secretKey } = test.cosd;
  const credentials: CredentialSource = {
    async get() {
      fetches += 1;
      return { secretId, secretKey, expiresAt: new Date(Date.now() + hourMs) };
    },
  };
  const clock = { ...systemClock, now: () => Date.now() + 3 * hourMs };
  const { endpoint } = test.cosd;
  await using skewed = await openTestStore([], { credentials, clock, endpoint });
  for (let count = 0; count < 5; count += 1) await skewed.store.put(`file-${count}`, bytes);
  assert.equal(fetches, 1);
  assert.equal(test.cosd.requests().PutObject, 6, 'and one repetition for the clock');
});
