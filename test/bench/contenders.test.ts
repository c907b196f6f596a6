/** The store's stand-in and the relay do what they are compared for. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startContender } from '#bench/contender.ts';
import { FtpSession } from '#bench/ftp-session.ts';
import { pattern, patternCrc64 } from '#bench/pattern.ts';
import { Store } from '#bench/store.ts';
import { KiB, MiB } from '#gateway/kit/bytes.ts';
import { systemClock } from '#gateway/kit/clock.ts';
import { silentLog } from '#gateway/kit/log.ts';
import { type ClosableStore, createCosStore } from '#gateway/storage/cos/store.ts';
import { StoreError } from '#gateway/storage/object-store.ts';

describe("the store's stand-in, through the driver for COS", () => {
  let standIn: Store;
  let driver: ClosableStore;

  before(async () => {
    standIn = await Store.start();
    driver = createCosStore({
      bucket: 'inbox-1250000000',
      region: '',
      endpoint: `127.0.0.1:${standIn.port}`,
      protocol: 'http',
      credentials: { get: () => Promise.resolve({ secretId: 'id', secretKey: 'key' }) },
      clock: systemClock,
      log: silentLog,
    });
  });

  after(async () => {
    driver.close();
    await standIn[Symbol.asyncDispose]();
  });

  test('answers an upload with the checksum of its bytes, and gives them back', async () => {
    const receipt = await driver.put('a', pattern.subarray(0, KiB));
    assert.equal(receipt.crc64, patternCrc64(KiB));
    const target = new Uint8Array(2 * KiB);
    const { info, bytesRead } = await driver.read('a', 24, target);
    assert.equal(bytesRead, KiB - 24);
    assert.deepEqual(Buffer.from(target.subarray(0, bytesRead)), pattern.subarray(24, KiB));
    assert.equal(info.crc64, patternCrc64(KiB));
    assert.equal((await driver.head('a')).sizeBytes, KiB);
  });

  test('answers other bytes with a checksum that is not theirs', async () => {
    const wrong = Buffer.from(pattern.subarray(0, KiB));
    wrong[1000] = (wrong[1000] ?? 0) ^ 1;
    assert.equal((await driver.put('b', wrong)).crc64, 0n);
  });

  test('puts parts together', async () => {
    const upload = await driver.createMultipart('c');
    const last = pattern.subarray(0, 10);
    const bodies = [pattern, Buffer.concat([pattern, pattern]), last];
    const parts = await Promise.all(
      bodies.map(async (body, index) => {
        const { etag, crc64 } = await driver.uploadPart(upload, index + 1, body);
        assert.equal(crc64, patternCrc64(body.length));
        return { number: index + 1, etag };
      }),
    );
    const { crc64 } = await driver.completeMultipart(upload, parts);
    assert.equal(crc64, patternCrc64(3 * MiB + 10));
  });

  test('has 100,000 names, page by page', async () => {
    let names = 0;
    let marker: string | undefined;
    do {
      const from = marker === undefined ? {} : { marker };
      const page = await driver.list({ prefix: 'many/', delimiter: '/', ...from });
      names += [...page.objects].length;
      marker = page.nextMarker;
    } while (marker !== undefined);
    assert.equal(names, 100_000);
  });

  test('counts what was asked, and knows no other object', async () => {
    await standIn.counts();
    await assert.rejects(
      driver.head('nothing'),
      (error) => error instanceof StoreError && error.kind === 'missing',
    );
    assert.deepEqual(await standIn.counts(), { head: 1 });
  });
});

const names = [
  'relay-node',
  'relay-node, TLS',
  'gateway, TLS',
  'gateway, store in memory',
] as const;
for (const name of names) {
  test(`${name} serves the benchmark's client`, async () => {
    await using standIn = await Store.start();
    await using contender = await startContender(name, { storePort: standIn.port, nodeFlags: [] });
    const session = await FtpSession.logIn(contender);
    await session.store('small', KiB);
    await session.retrieve('small', KiB);
    if (name !== 'gateway, store in memory') {
      // One part more than are under way at once, and a bit.
      await session.store('large', 41 * MiB + 5);
      await session.retrieve('large', 41 * MiB + 5);
      const { complete } = await standIn.counts();
      assert.equal(complete, 1);
      assert.ok((await session.list('many')).bytes > 60 * 100_000);
    }
    session.close();
  });
}
