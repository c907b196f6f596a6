/** One store per bucket and key, for as long as anything can need it. Nothing here is connected to. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CosConfig } from '#gateway/config/model.ts';
import { silentLog } from '#gateway/kit/log.ts';
import { Stores } from '#gateway/run/stores.ts';
import { UploadMarks } from '#gateway/run/upload-marks.ts';
import { Jail } from '#gateway/storage/keys.ts';
import type { ObjectStore } from '#gateway/storage/object-store.ts';
import { fakeClock } from '#test/support/fake-clock.ts';

const cos = (bucket: string): CosConfig => ({
  bucket,
  region: 'ap-guangzhou',
  endpoint: '',
  protocol: 'https',
  credentials: { kind: 'static', secretid: 'AKIDexample', secretkey: 'example-key' },
});
const one = cos('one-1250000000');
const other = cos('other-1250000000');

const jail = new Jail('inbox/');

const minutes = 60_000;

function make() {
  const clock = fakeClock();
  const marks = new UploadMarks({
    listenPort: 0,
    clock,
    log: silentLog,
    onAborted: () => undefined,
  });
  const stores = new Stores({ clock, log: silentLog, env: {}, onRequest: () => undefined, marks });
  const uses = { configured: new Set<ObjectStore>(), held: new Set<ObjectStore>() };
  const use = (...configs: CosConfig[]) => {
    uses.configured = new Set(configs.map((config) => stores.storeFor(config, jail)));
    stores.closeUnused({ configured: () => uses.configured, held: () => uses.held });
  };
  return { clock, stores, uses, use };
}

describe('stores', () => {
  test('are one for equal blocks and one more for another', () => {
    const { stores } = make();
    assert.equal(stores.storeFor(one, jail), stores.storeFor({ ...one }, jail));
    assert.notEqual(stores.storeFor(one, jail), stores.storeFor(other, jail));
    assert.equal(stores.count, 2);
  });

  test('are shared by the jails of a bucket, each of which marks its own uploads', () => {
    const { stores } = make();
    const first = stores.storeFor(one, jail);
    assert.notEqual(stores.storeFor(one, new Jail('outbox/')), first);
    assert.equal(stores.storeFor(one, new Jail('/inbox')), first);
    assert.equal(stores.count, 1);
    assert.deepEqual(
      stores.jails.map(({ prefix }) => prefix),
      ['inbox/', 'outbox/'],
    );
  });

  test('that no account names are closed 15 minutes later', async () => {
    const { clock, stores, use } = make();
    use(one, other);
    use(one);
    await clock.advance(15 * minutes - 1);
    assert.equal(stores.count, 2);
    await clock.advance(1);
    assert.deepEqual([stores.count, clock.pendingTimers], [1, 0]);
  });

  test('that a session holds are kept, and 15 minutes beyond it', async () => {
    const { clock, stores, uses, use } = make();
    use(one, other);
    uses.held.add(stores.storeFor(other, jail));
    use(one);
    await clock.advance(60 * minutes);
    assert.equal(stores.count, 2);
    uses.held.clear();
    await clock.advance(15 * minutes);
    assert.equal(stores.count, 2);
    await clock.advance(1 * minutes);
    assert.equal(stores.count, 1);
  });

  test('that an account names again in time are the same ones, and stay', async () => {
    const { clock, stores, use } = make();
    use(one, other);
    const store = stores.storeFor(other, jail);
    use(one);
    await clock.advance(14 * minutes);
    use(one, other);
    await clock.advance(60 * minutes);
    assert.equal(stores.storeFor(other, jail), store);
    assert.equal(clock.pendingTimers, 0);
  });

  test('are asked for no more once all are closed', async () => {
    const { clock, stores, use } = make();
    use(one, other);
    use(one);
    await stores.close();
    assert.equal(clock.pendingTimers, 0);
  });
});
