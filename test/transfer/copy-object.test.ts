import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MiB } from '#gateway/kit/bytes.ts';
import { silentLog } from '#gateway/kit/log.ts';
import type { ObjectAttributes } from '#gateway/storage/object-attributes.ts';
import { attributesOf } from '#gateway/storage/object-attributes.ts';
import { StoreError, type StoreErrorKind } from '#gateway/storage/object-store.ts';
import { copyObject } from '#gateway/transfer/copy-object.ts';
import { silentObserver } from '#gateway/transfer/observer.ts';
import { fakeClock } from '#test/support/fake-clock.ts';
import { MemoryStore, type MemoryStoreOperation, type Script } from '#test/support/memory-store.ts';
import { seededRandom } from '#test/support/random.ts';
import { drive } from '#test/support/transfer-upload.ts';

const data = seededRandom(72).bytes(3 * MiB + 1);
const before: ObjectAttributes = { contentType: 'text/csv', storageClass: 'STANDARD_IA' };
const after: ObjectAttributes = { ...before, metadata: { mtime: '1700000000' } };
const inParts = { copyBytesMax: MiB, copyPartBytes: MiB };

function bench() {
  const clock = fakeClock();
  const store = new MemoryStore();
  const source = store.store('file', data, before);
  const change = (limits: { copyBytesMax?: number; copyPartBytes?: number } = {}) => {
    const context = { store, clock, log: silentLog, observer: silentObserver };
    const options = { ...context, source, targetKey: 'file', attributes: after, ...limits };
    return drive(clock, copyObject(options));
  };
  return { store, change };
}

function on(operation: MemoryStoreOperation, script: Script) {
  return (call: { operation: MemoryStoreOperation }, count: number) =>
    call.operation === operation && count === 1 ? script : undefined;
}

const attributesIn = (store: MemoryStore) =>
  attributesOf(store.objects.get('file')?.info ?? assert.fail());

describe('copying an object onto itself with other attributes', () => {
  for (const [name, limits] of [
    ['in one piece', {}],
    ['in parts', inParts],
  ] as const) {
    test(`${name} changes the attributes and not the bytes`, async () => {
      const { store, change } = bench();
      await change(limits);
      assert.deepEqual(attributesIn(store), after);
      assert.deepEqual(Buffer.from(store.objects.get('file')?.bytes ?? []), Buffer.from(data));
      assert.equal(store.uploads.size, 0);
    });

    test(`${name} leaves a file that was replaced before alone`, async () => {
      const { store, change } = bench();
      store.store('file', Buffer.from('newer'));
      await assert.rejects(change(limits), { kind: 'changed' });
      assert.equal(store.text('file'), 'newer');
      assert.equal(store.uploads.size, 0);
    });
  }

  test('in parts leaves a file that was replaced after its last part alone', async () => {
    const { store, change } = bench();
    store.script = (call, count) => {
      const isLastPart = call.operation === 'copyPart' && count === 4;
      if (isLastPart) queueMicrotask(() => void store.store('file', Buffer.from('newer')));
      return undefined;
    };
    await assert.rejects(change(inParts), { kind: 'changed' });
    assert.equal(store.text('file'), 'newer');
    assert.equal(store.uploads.size, 0);
  });

  for (const [words, script, isMade] of [
    ['was made', { failAfter: new StoreError('network', 'lost') }, true],
    ['was not made', { fail: new StoreError('network', 'lost') }, false],
  ] as const) {
    test(`in parts, with no reply to Complete: told whether it ${words}`, async () => {
      const { store, change } = bench();
      store.script = ({ operation }) => (operation === 'completeMultipart' ? script : undefined);
      if (isMade) await change(inParts);
      else await assert.rejects(change(inParts), { kind: 'unavailable' });
      assert.deepEqual(attributesIn(store), isMade ? after : before);
    });
  }

  for (const kind of ['network', 'timeout', 'unavailable'] satisfies StoreErrorKind[]) {
    test(`counts when it was made and its reply lost (${kind})`, async () => {
      const { store, change } = bench();
      store.script = on('copy', { failAfter: new StoreError(kind, 'lost') });
      await change();
      assert.deepEqual(attributesIn(store), after);
    });

    test(`fails when it was not made, though the bytes are equal (${kind})`, async () => {
      const { store, change } = bench();
      store.script = on('copy', { fail: new StoreError(kind, 'lost') });
      await assert.rejects(change(), { kind });
      assert.deepEqual(attributesIn(store), before);
    });
  }

  test('that was made by an earlier attempt is no other version', async () => {
    const { store, change } = bench();
    store.script = on('copy', { failAfter: new StoreError('changed', 'by the first attempt') });
    await change();
    assert.deepEqual(attributesIn(store), after);
  });
});
