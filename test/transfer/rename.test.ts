import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MiB } from '#gateway/kit/bytes.ts';
import { crc64 } from '#gateway/kit/crc64.ts';
import { attributesOf, type ObjectAttributes } from '#gateway/storage/object-attributes.ts';
import { StoreError, type StoreErrorKind } from '#gateway/storage/object-store.ts';
import { renameFile } from '#gateway/transfer/rename.ts';
import { fakeClock } from '#test/support/fake-clock.ts';
import { MemoryStore, type MemoryStoreOperation, type Script } from '#test/support/memory-store.ts';
import { seededRandom } from '#test/support/random.ts';
import { drive } from '#test/support/transfer-upload.ts';

const random = seededRandom(71);
const data = random.bytes(5 * MiB + 3);

const attributes: ObjectAttributes = {
  contentType: 'text/csv',
  contentDisposition: 'attachment',
  storageClass: 'STANDARD_IA',
  serverSideEncryption: { algorithm: 'cos/kms', keyId: 'key-1' },
  metadata: { origin: 'ftp', mtime: '1700000000' },
};

function renameBench() {
  const clock = fakeClock();
  const store = new MemoryStore();
  const source = store.store('old name', data, attributes);
  const rename = (options: Partial<Parameters<typeof renameFile>[0]> = {}) =>
    drive(
      clock,
      renameFile({ store, sourceKey: 'old name', targetKey: 'new name', clock, ...options }),
    );
  return { clock, store, source, rename };
}

const inParts = { copyBytesMax: 2 * MiB, copyPartBytes: MiB };
const lost = (kind: StoreErrorKind): Script => ({ failAfter: new StoreError(kind, 'lost') });
const fails = (kind: StoreErrorKind): Script => ({ fail: new StoreError(kind, 'scripted') });
const flip: Script = {
  bytes: (bytes) => {
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    return bytes;
  },
};

function on(operation: MemoryStoreOperation, script: Script, nth?: number) {
  return (call: { operation: MemoryStoreOperation }, count: number) =>
    call.operation === operation && (nth ?? count) === count ? script : undefined;
}

describe('renaming a file', () => {
  for (const [name, options] of [
    ['in one piece', {}],
    ['in parts', inParts],
  ] as const) {
    test(`copies ${name}, keeps the attributes, then deletes the source`, async () => {
      const { store, rename } = renameBench();
      const target = await rename(options);
      assert.equal(target.key, 'new name');
      assert.deepEqual([...store.objects.keys()], ['new name']);
      const { bytes, info } = store.objects.get('new name') ?? assert.fail();
      assert.equal(info.etag, target.etag);
      assert.equal(crc64(bytes), crc64(data));
      assert.deepEqual(attributesOf(info), attributes);
      if (name === 'in one piece') {
        assert.deepEqual(store.operations, ['head', 'copy', 'head', 'delete']);
      }
      assert.equal(store.uploads.size, 0);
    });

    test(`${name} keeps the source when it is replaced during the copy`, async () => {
      const { store, rename } = renameBench();
      const operation = options === inParts ? 'completeMultipart' : 'copy';
      const replace = async () => void store.store('old name', Buffer.from('newer'));
      store.script = on(operation, { before: options === inParts ? replace : () => undefined });
      if (options !== inParts) {
        const copy = store.copy.bind(store);
        store.copy = async (...call) => {
          const receipt = await copy(...call);
          await replace();
          return receipt;
        };
      }
      await assert.rejects(rename(options), { kind: 'source-kept' });
      assert.equal(store.text('old name'), 'newer');
    });

    test(`${name} refuses a source replaced before the copy`, async () => {
      const { store, rename } = renameBench();
      const operation = options === inParts ? 'copyPart' : 'copy';
      const replace = () => void store.store('old name', Buffer.from('newer'));
      store.script = on(operation, { before: replace }, 1);
      await assert.rejects(rename(options), { kind: 'changed' });
      assert.deepEqual([...store.objects.keys()], ['old name']);
      assert.equal(store.uploads.size, 0);
    });

    test(`${name} never deletes the source of a damaged copy`, async () => {
      const { store, rename } = renameBench();
      store.script = on(options === inParts ? 'copyPart' : 'copy', flip, 1);
      const wrong = on(options === inParts ? 'completeMultipart' : 'copy', {
        ...(options === inParts ? {} : flip),
      });
      const flipping = store.script;
      store.script = (call, nth) => flipping(call, nth) ?? wrong(call, nth);
      await assert.rejects(rename(options), { kind: 'corrupt' });
      assert.equal(store.objects.get('old name')?.info.crc64, crc64(data));
    });
  }

  test('onto itself does nothing', async () => {
    const { store, rename } = renameBench();
    await rename({ targetKey: 'old name' });
    assert.deepEqual(store.operations, ['head']);
  });

  test('of a missing file says so', async () => {
    const { store, rename } = renameBench();
    await assert.rejects(rename({ sourceKey: 'nothing' }), { kind: 'missing' });
    assert.deepEqual([...store.objects.keys()], ['old name']);
  });

  test('settles a lost reply to the copy by looking at the target', async () => {
    const { store, rename } = renameBench();
    store.script = on('copy', lost('network'));
    await rename();
    assert.deepEqual([...store.objects.keys()], ['new name']);
  });

  test('fails with the copy when the target is not equal', async () => {
    const { store, rename } = renameBench();
    store.store('new name', Buffer.from('was here'));
    store.script = on('copy', fails('timeout'));
    await assert.rejects(rename(), { kind: 'timeout' });
    assert.equal(store.text('new name'), 'was here');
    assert(store.objects.has('old name'));
  });

  test('looks at the target when the store sends no CRC', async () => {
    const { store, rename } = renameBench();
    store.script = on('copy', { answer: ({ etag }) => ({ etag }) });
    await rename();
    assert.deepEqual(store.operations, ['head', 'copy', 'head', 'head', 'delete']);
  });

  test('accepts an old object without CRC on its size', async () => {
    for (const options of [{}, inParts]) {
      const { store, rename } = renameBench();
      const head = store.head.bind(store);
      store.head = async (key, call) => {
        const { crc64: _, ...info } = await head(key, call);
        return info;
      };
      await rename(options);
      assert.deepEqual([...store.objects.keys()], ['new name']);
    }
  });

  test('settles a lost reply to the deletion of the source by looking for it', async () => {
    const { store, rename } = renameBench();
    store.script = on('delete', lost('timeout'));
    await rename();
    assert.deepEqual([...store.objects.keys()], ['new name']);
  });

  test('says that both names exist when a deletion without answer was none', async () => {
    const { store, rename } = renameBench();
    store.script = on('delete', fails('timeout'));
    await assert.rejects(rename(), { kind: 'source-kept' });
    assert.deepEqual([...store.objects.keys()], ['old name', 'new name']);
  });

  test('says that both names exist when the source cannot be deleted', async () => {
    const { store, rename } = renameBench();
    store.script = on('delete', fails('denied'));
    await assert.rejects(rename(), { kind: 'source-kept' });
    assert.deepEqual([...store.objects.keys()], ['old name', 'new name']);
  });

  test('is content when somebody else deleted the source meanwhile', async () => {
    const { store, rename } = renameBench();
    store.script = on('head', { before: () => void store.objects.delete('old name') }, 2);
    await rename();
    assert.deepEqual([...store.objects.keys()], ['new name']);
  });

  test('in parts settles a lost reply to Complete, and repeats a failed one', async () => {
    for (const script of [lost('network'), fails('unavailable')]) {
      const { store, rename } = renameBench();
      store.script = on('completeMultipart', script, 1);
      await rename(inParts);
      assert.deepEqual([...store.objects.keys()], ['new name']);
    }
  });

  test('in parts aborts when a part fails', async () => {
    const { store, rename } = renameBench();
    store.script = on('copyPart', fails('denied'), 3);
    await assert.rejects(rename(inParts), { kind: 'denied' });
    assert.equal(store.uploads.size, 0);
    assert.deepEqual([...store.objects.keys()], ['old name']);
  });

  test('stops before the source is deleted when it is given up', async () => {
    for (const options of [{}, inParts]) {
      const { store, rename } = renameBench();
      const stop = new AbortController();
      const operation = options === inParts ? 'copyPart' : 'copy';
      store.script = on(operation, { before: () => stop.abort(new Error('stop')) }, 1);
      await assert.rejects(rename({ ...options, signal: stop.signal }));
      assert(store.objects.has('old name'));
      assert.equal(store.uploads.size, 0);
    }
  });
});
