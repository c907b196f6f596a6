/** What the driver makes of a store that fails: which calls it repeats, and what it says in the end. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import type { FaultAct, FaultRule } from '#gateway/cosd/fault-script.ts';
import type { Operation } from '#gateway/cosd/operation.ts';
import { systemClock } from '#gateway/kit/clock.ts';
import { crc64 } from '#gateway/kit/crc64.ts';
import { type ObjectStore, StoreError } from '#gateway/storage/object-store.ts';
import { rejectsWith } from '../../contract/object-store.ts';
import { openTestStore, quickRetries } from '../../support/storage-store.ts';

const bytes = randomBytes(200_000);
const internal: FaultAct = { do: 'error', status: 500, code: 'InternalError' };
const slowDown: FaultAct = { do: 'error', status: 503, code: 'SlowDown', when: 'after-body' };
const resetAtOnce: FaultAct = { do: 'reset', at: 'request' };
const lostReply: FaultAct = { do: 'reset', at: 'reply' };

/** Every call of the port that may be repeated, after what it needs was prepared. */
const repeatable: Readonly<Record<string, [Operation, (store: ObjectStore) => Promise<unknown>]>> =
  {
    head: ['HeadObject', (store) => store.head('kept')],
    read: ['GetObject', (store) => store.read('kept', 0, Buffer.alloc(bytes.length))],
    put: ['PutObject', (store) => store.put('new', bytes)],
    delete: ['DeleteObject', (store) => store.delete('kept')],
    copy: ['PutObjectCopy', (store) => store.copy('kept', 'new')],
    list: ['GetBucket', (store) => store.list({ prefix: '' })],
    uploadPart: [
      'UploadPart',
      async (store) => store.uploadPart(await store.createMultipart('new'), 1, bytes),
    ],
    copyPart: [
      'UploadPartCopy',
      async (store) => {
        const range = { sourceKey: 'kept', offsetBytes: 0, lengthBytes: 1000 };
        return store.copyPart(await store.createMultipart('new'), 1, range);
      },
    ],
    abortMultipart: [
      'AbortMultipartUpload',
      async (store) => store.abortMultipart(await store.createMultipart('new')),
    ],
    listMultipartUploads: [
      'ListMultipartUploads',
      async (store) => {
        for await (const upload of store.listMultipartUploads('')) assert.fail(upload.key);
      },
    ],
    probe: ['HeadBucket', (store) => store.probe()],
  };

for (const [name, [operation, call]] of Object.entries(repeatable)) {
  describe(`${name}`, () => {
    for (const [how, act] of Object.entries({ internal, slowDown, resetAtOnce, lostReply })) {
      it(`is repeated after ${how} and succeeds`, async () => {
        await using test = await openTestStore([{ operation, act, times: 2 }]);
        await test.cosd.inspect.put(test.cosd.bucket, 'kept', bytes);
        await call(test.store);
        // An abort whose reply was lost is found done by the next attempt.
        const attempts = name === 'abortMultipart' && how === 'lostReply' ? 2 : 3;
        assert.equal(test.cosd.requests()[operation], attempts);
        const samples = test.samples.filter((sample) => sample.operation === operation);
        assert.equal(samples.length, attempts, 'one sample for each attempt');
      });
    }

    it('is given up after a bounded number of attempts', async () => {
      await using test = await openTestStore([{ operation, act: resetAtOnce, times: 'always' }]);
      await test.cosd.inspect.put(test.cosd.bucket, 'kept', bytes);
      await rejectsWith('network', call(test.store));
      assert.equal(test.cosd.requests()[operation], quickRetries.attemptsMax);
    });

    it('is not repeated after a refusal', async () => {
      const act: FaultAct = { do: 'error', status: 403, code: 'AccessDenied' };
      await using test = await openTestStore([{ operation, act, times: 'always' }]);
      await test.cosd.inspect.put(test.cosd.bucket, 'kept', bytes);
      if (name === 'probe') {
        await call(test.store); // asks by a list, which is permitted
        assert.equal(test.cosd.requests().GetBucket, 1);
      } else await rejectsWith('denied', call(test.store));
      assert.equal(test.cosd.requests()[operation], 1);
    });
  });
}

describe('beginning an upload', () => {
  const operation = 'InitiateMultipartUpload';

  for (const [how, act] of Object.entries({ internal, slowDown })) {
    it(`is repeated after ${how} and succeeds`, async () => {
      await using test = await openTestStore([{ operation, act, times: 2 }]);
      await test.store.createMultipart('new');
      assert.equal(test.cosd.requests()[operation], 3);
    });
  }

  for (const [how, act, left] of [
    ['a reset', resetAtOnce, 0],
    ['a lost reply', lostReply, 1],
  ] as const) {
    it(`is not repeated after ${how}: an upload may be there, and only a marker tells`, async () => {
      await using test = await openTestStore([{ operation, act }]);
      await rejectsWith('network', test.store.createMultipart('new'));
      assert.equal(test.cosd.requests()[operation], 1);
      assert.equal(test.cosd.inspect.openUploads(test.cosd.bucket).length, left);
    });
  }
});

describe('completing an upload', () => {
  async function complete(act: FaultAct) {
    await using test = await openTestStore([
      { operation: 'CompleteMultipartUpload', act, times: 'always' },
    ]);
    const upload = await test.store.createMultipart('new');
    const { etag } = await test.store.uploadPart(upload, 1, bytes);
    const outcome = await test.store
      .completeMultipart(upload, [{ number: 1, etag }])
      .catch((error: unknown) => error);
    assert.equal(test.cosd.requests().CompleteMultipartUpload, 1, 'sent exactly once');
    return { outcome, isStored: test.cosd.inspect.find(test.cosd.bucket, 'new') !== undefined };
  }

  for (const [how, act, kind] of [
    ['a 500', internal, 'unavailable'],
    ['a 503', slowDown, 'throttled'],
    ['a reset', resetAtOnce, 'network'],
    ['an error in a 200', { do: 'error-in-200', code: 'InternalError' }, 'unavailable'],
    ['a 200 that is no result', { do: 'answer', status: 200, body: 'OK' }, 'unavailable'],
    [
      'a 200 without an ETag',
      {
        do: 'answer',
        status: 200,
        body: '<CompleteMultipartUploadResult></CompleteMultipartUploadResult>',
      },
      'unavailable',
    ],
  ] as const satisfies readonly (readonly [string, FaultAct, string])[]) {
    it(`fails with ${kind} after ${how}, and is not repeated`, async () => {
      const { outcome, isStored } = await complete(act);
      assert.ok(outcome instanceof StoreError);
      assert.equal(outcome.kind, kind);
      assert.equal(isStored, false);
    });
  }

  it('whose reply is lost fails with network although the object is there', async () => {
    const { outcome, isStored } = await complete(lostReply);
    assert.ok(outcome instanceof StoreError);
    assert.equal(outcome.kind, 'network');
    assert.equal(isStored, true);
  });

  it('waits while COS drips white space', async () => {
    const { outcome } = await complete({ do: 'drip', dripMs: 50 });
    assert.ok(typeof outcome === 'object' && outcome !== null && 'etag' in outcome);
  });
});

describe('a copy', () => {
  it('that fails inside a 200 is repeated, and fails in the end', async () => {
    const act: FaultAct = { do: 'error-in-200', code: 'SlowDown' };
    await using test = await openTestStore([{ operation: 'PutObjectCopy', act, times: 2 }]);
    await test.cosd.inspect.put(test.cosd.bucket, 'kept', bytes);
    await test.store.copy('kept', 'new');
    assert.equal(test.cosd.requests().PutObjectCopy, 3);
    test.cosd.faults.set([{ operation: 'PutObjectCopy', act, times: 'always' }]);
    await rejectsWith('throttled', test.store.copy('kept', 'other'));
  });
});

for (const bodies of ['direct', 'sdk'] as const) {
  describe(`a put (${bodies})`, () => {
    it('whose body was damaged is refused by COS, and sent again', async () => {
      await using test = await openTestStore(
        [{ operation: 'PutObject', act: { do: 'flip-in', atByte: 9 } }],
        { bodies },
      );
      const receipt = await test.store.put('new', bytes);
      assert.equal(receipt.crc64, crc64(bytes));
      assert.deepEqual(
        test.samples.map(({ code }) => code),
        ['BadDigest', 'OK'],
      );
      assert.equal(await test.cosd.inspect.crc64(test.cosd.bucket, 'new'), crc64(bytes));
    });

    it('that is damaged every time never replaces the object', async () => {
      const act: FaultAct = { do: 'flip-in', atByte: 9 };
      await using test = await openTestStore([{ operation: 'PutObject', act, times: 'always' }], {
        bodies,
      });
      await test.cosd.inspect.put(test.cosd.bucket, 'kept', 'old');
      await rejectsWith('corrupt', test.store.put('kept', bytes));
      assert.equal((await test.cosd.inspect.bytes(test.cosd.bucket, 'kept')).toString(), 'old');
    });

    it('breaks off in the middle of the body and is sent again whole', async () => {
      const act: FaultAct = { do: 'reset', at: 'upload', afterBytes: 100_000 };
      await using test = await openTestStore([{ operation: 'PutObject', act, times: 2 }], {
        bodies,
      });
      await test.store.put('new', bytes);
      assert.equal(await test.cosd.inspect.crc64(test.cosd.bucket, 'new'), crc64(bytes));
    });

    it('is refused while its body is still under way', async () => {
      const act: FaultAct = { do: 'error', status: 403, code: 'AccessDenied' };
      await using test = await openTestStore([{ operation: 'PutObject', act }], { bodies });
      await rejectsWith('denied', test.store.put('new', randomBytes(16 * 1024 * 1024)));
    });

    it('returns what COS computed, true or not', async () => {
      const rules: FaultRule[] = [
        { operation: 'PutObject', act: { do: 'wrong-crc' } },
        { operation: 'PutObject', nth: 2, act: { do: 'omit-crc' } },
      ];
      await using test = await openTestStore(rules, { bodies });
      assert.notEqual((await test.store.put('new', bytes)).crc64, crc64(bytes));
      assert.equal((await test.store.put('new', bytes)).crc64, undefined);
    });
  });
}

for (const bodies of ['direct', 'sdk'] as const) {
  describe(`a read (${bodies})`, () => {
    async function read(rules: readonly FaultRule[]) {
      await using test = await openTestStore(rules, { bodies });
      const stored = await test.cosd.inspect.put(test.cosd.bucket, 'kept', bytes);
      const target = Buffer.alloc(bytes.length + 100, 0xee);
      const result = await test.store.read('kept', 0, target);
      assert.equal(result.info.etag, stored.etag);
      assert.equal(result.bytesRead, bytes.length);
      assert.deepEqual(target.subarray(0, bytes.length), bytes);
      assert.ok(target.subarray(bytes.length).every((byte) => byte === 0xee));
      return test.cosd.requests().GetObject;
    }

    for (const afterBytes of [0, 1, 65_536, 199_999]) {
      it(`that breaks off after ${afterBytes} bytes goes on at the byte after`, async () => {
        const act: FaultAct = { do: 'reset', at: 'download', afterBytes };
        assert.equal(await read([{ operation: 'GetObject', act }]), 2);
      });
    }

    it('may break off several times', async () => {
      const act: FaultAct = { do: 'reset', at: 'download', afterBytes: 60_000 };
      assert.equal(await read([{ operation: 'GetObject', act, times: 3 }]), 4);
    });

    it('goes on only in the same version of the object', async () => {
      const act: FaultAct = { do: 'reset', at: 'download', afterBytes: 50_000 };
      await using test = await openTestStore([{ operation: 'GetObject', act }], {
        bodies,
        onRequest: ({ code }) => {
          if (code === 'network') void test.cosd.inspect.put(test.cosd.bucket, 'kept', 'replaced');
        },
        retryPolicy: { ...quickRetries, firstDelayMs: 50, delayMsMax: 50 },
        random: () => 0.99,
      });
      await test.cosd.inspect.put(test.cosd.bucket, 'kept', bytes);
      await rejectsWith('changed', test.store.read('kept', 0, Buffer.alloc(bytes.length)));
    });

    it('never lets the text of an error into the target', async () => {
      for (const [status, kind] of [
        [404, 'missing'],
        [403, 'denied'],
        [500, 'unavailable'],
      ] as const) {
        const act: FaultAct = { do: 'answer', status, body: `<html>${'x'.repeat(100)}</html>` };
        await using test = await openTestStore([{ operation: 'GetObject', act, times: 'always' }], {
          bodies,
        });
        const target = Buffer.alloc(200, 0xee);
        await rejectsWith(kind, test.store.read('kept', 0, target));
        assert.ok(target.every((byte) => byte === 0xee));
      }
    });

    it('refuses a 200 that is no range', async () => {
      const act: FaultAct = { do: 'answer', status: 200, body: 'x'.repeat(100) };
      await using test = await openTestStore([{ operation: 'GetObject', act, times: 'always' }], {
        bodies,
      });
      const target = Buffer.alloc(200, 0xee);
      await rejectsWith('unavailable', test.store.read('kept', 0, target));
      assert.ok(target.every((byte) => byte === 0xee));
    });
  });
}

describe('a failure', () => {
  it('carries code, status, request id and a hint, and no secret', async () => {
    await using test = await openTestStore([], {
      credentials: { get: async () => ({ secretId: 'AKIDtestsecretid', secretKey: 'wrong' }) },
    });
    const error = await test.store.list({ prefix: '' }).catch((caught: unknown) => caught);
    assert.ok(error instanceof StoreError);
    assert.equal(error.kind, 'credentials');
    assert.equal(error.code, 'SignatureDoesNotMatch');
    assert.equal(error.httpStatus, 403);
    assert.match(error.hint ?? '', /secretkey/);
    assert.match(error.requestId ?? '', /\w{8}/);
    assert.ok(!JSON.stringify([error.message, error.hint, error.cause]).includes('wrong'));
  });

  it('of a HEAD is told by its status', async () => {
    await using test = await openTestStore();
    await rejectsWith('missing', test.store.head('none'));
  });

  it('tells a missing bucket from a missing object', async () => {
    await using test = await openTestStore([], { bucket: 'inbox-1250000000' });
    await using other = await openTestStore();
    await other.cosd.close();
    await rejectsWith('network', other.store.probe());
    const act: FaultAct = { do: 'error', status: 404, code: 'NoSuchBucket' };
    test.cosd.faults.set([{ act, times: 'always' }]);
    await rejectsWith('bucket-missing', test.store.probe());
    await rejectsWith('bucket-missing', test.store.delete('a'));
    await rejectsWith('bucket-missing', test.store.list({ prefix: '' }));
    await rejectsWith('bucket-missing', test.store.put('a', bytes));
  });

  it('of a probe says why, although a HEAD cannot', async () => {
    await using test = await openTestStore([], {
      credentials: { get: async () => ({ secretId: 'nobody', secretKey: 'x' }) },
    });
    await rejectsWith('credentials', test.store.probe());
  });
});

describe('a wrong clock', () => {
  const hourMs = 3_600_000;
  for (const offByMs of [-hourMs, hourMs]) {
    it(`by ${offByMs / hourMs} h is noticed once and costs one request`, async () => {
      const clock = { ...systemClock, now: () => Date.now() + offByMs };
      await using test = await openTestStore([], { clock });
      await test.store.put('a', bytes);
      assert.equal(test.cosd.requests().PutObject, 2);
      await test.store.head('a');
      assert.equal(test.cosd.requests().HeadObject, 1);
    });

    it(`by ${offByMs / hourMs} h costs each of many requests at once one more`, async () => {
      const clock = { ...systemClock, now: () => Date.now() + offByMs };
      await using test = await openTestStore([], { clock });
      const keys = Array.from({ length: 8 }, (_, index) => `key-${index}`);
      await Promise.all(keys.map((key) => test.store.put(key, bytes)));
      assert.deepEqual(test.cosd.inspect.keys(test.cosd.bucket), keys);
      assert.deepEqual(new Set(test.repeats), new Set(['clock']));
      assert.ok(test.repeats.length <= keys.length);
    });

    it(`by ${offByMs / hourMs} h is noticed from a HEAD, too`, async () => {
      const clock = { ...systemClock, now: () => Date.now() + offByMs };
      await using test = await openTestStore([], { clock });
      await test.store.probe();
      assert.equal(test.cosd.requests().HeadBucket, 2);
    });
  }
});
