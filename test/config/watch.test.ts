/** When a changed configuration file is told: once it has come to rest, whoever replaces it and how. */
import assert from 'node:assert/strict';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type ConfigBytes, type ConfigFileAccess, ConfigWatch } from '#gateway/config/watch.ts';
import { systemClock } from '#gateway/kit/clock.ts';
import { until } from '#test/support/condition.ts';
import { fakeClock } from '#test/support/fake-clock.ts';
import { MountedVolume } from '#test/support/mounted-volume.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';

const shown = (bytes: ConfigBytes) => (bytes ? Buffer.from(bytes).toString() : undefined);

/** A file in a variable, on virtual time. */
async function watched(text: string | undefined, loaded = text ?? '') {
  const clock = fakeClock();
  const told: string[] = [];
  const disk = { text, reads: 0, tell: () => undefined as void };
  const access: ConfigFileAccess = {
    async read() {
      disk.reads += 1;
      return disk.text === undefined ? undefined : Buffer.from(disk.text);
    },
    watch(_directory, onEvent) {
      disk.tell = onEvent;
      return { close: () => undefined };
    },
  };
  const watch = new ConfigWatch({
    file: 'gateway.yaml',
    cwd: '/etc/cosftp',
    loaded: Buffer.from(loaded),
    clock,
    onChange: (bytes, cause) => void told.push(`${cause} ${shown(bytes)}`),
    access,
  });
  await watch.start();
  const write = async (next: string | undefined) => {
    disk.text = next;
    disk.tell();
    await clock.advance(0);
  };
  return { clock, told, disk, watch, write };
}

describe('a watched configuration file on virtual time', () => {
  test('is not told while it stays what was loaded', async () => {
    const { clock, told, disk, watch } = await watched('one');
    await clock.advance(10_000);
    disk.tell();
    await clock.advance(0);
    assert.deepEqual(told, []);
    watch.close();
  });

  test('is told when it changed between loading and watching', async () => {
    const { clock, told, watch } = await watched('two', 'one');
    await clock.advance(300);
    assert.deepEqual(told, ['file two']);
    watch.close();
  });

  test('is told 300 ms after its last change, and once', async () => {
    const { clock, told, write, watch } = await watched('one');
    await write('two');
    await clock.advance(299);
    assert.deepEqual(told, []);
    await clock.advance(1);
    assert.deepEqual(told, ['file two']);
    await clock.advance(10_000);
    assert.equal(told.length, 1);
    watch.close();
  });

  test('is not told half-written, however often it changes on the way', async () => {
    const { clock, told, write, watch } = await watched('one');
    for (const text of ['', 't', 'tw', 'two', 'two l', 'two lines']) {
      await write(text);
      await clock.advance(299);
    }
    assert.deepEqual(told, []);
    await clock.advance(1);
    assert.deepEqual(told, ['file two lines']);
    watch.close();
  });

  test('is not told when it is back to what it was before it came to rest', async () => {
    const { clock, told, write, watch } = await watched('one');
    await write('two');
    await clock.advance(200);
    await write('one');
    await clock.advance(10_000);
    assert.deepEqual(told, []);
    watch.close();
  });

  test('without an event is told after the next second’s look', async () => {
    const { clock, told, disk, watch } = await watched('one');
    disk.text = 'two';
    await clock.advance(1_299);
    assert.deepEqual(told, []);
    await clock.advance(1);
    assert.deepEqual(told, ['file two']);
    watch.close();
  });

  for (const [what, nothing, expected] of [
    ['missing', undefined, 'file undefined'],
    ['empty', '', 'file '],
  ] as const) {
    test(`is told as ${what} only after 2 s, and again when it is back`, async () => {
      const { clock, told, write, watch } = await watched('one');
      await write(nothing);
      await clock.advance(1_999);
      assert.deepEqual(told, []);
      await clock.advance(1);
      assert.deepEqual(told, [expected]);
      await write('one');
      await clock.advance(300);
      assert.deepEqual(told, [expected, 'file one']);
      watch.close();
    });
  }

  test('is told at once when somebody asks, changed or not', async () => {
    const { clock, told, disk, watch } = await watched('one');
    await watch.ask();
    disk.text = 'two';
    await watch.ask();
    assert.deepEqual(told, ['asked one', 'asked two']);
    await clock.advance(10_000);
    assert.equal(told.length, 2);
    watch.close();
  });

  test('is neither looked at nor told once closed', async () => {
    const { clock, told, disk, write, watch } = await watched('one');
    await write('two');
    watch.close();
    const { reads } = disk;
    await clock.advance(10_000);
    await watch.ask();
    assert.deepEqual([told, disk.reads, clock.pendingTimers], [[], reads, 0]);
  });
});

describe('a watched configuration file on disk', () => {
  async function follow(file: string, loaded: string) {
    const told: (string | undefined)[] = [];
    const watch = new ConfigWatch({
      file,
      cwd: '/',
      loaded: Buffer.from(loaded),
      clock: systemClock,
      onChange: (bytes) => void told.push(shown(bytes)),
    });
    await watch.start();
    const expect = (text: string | undefined) =>
      until(`the text ${text}`, () => told.length > 0 && told.at(-1) === text);
    return { told, expect, [Symbol.dispose]: () => watch.close() };
  }

  test('every swap of a mounted volume is told', async () => {
    await using directory = await temporaryDirectory();
    const volume = new MountedVolume(directory.path);
    await volume.publish({ 'gateway.json': 'one' });
    using file = await follow(join(volume.path, 'gateway.json'), 'one');
    for (const text of ['two', 'three', 'four']) {
      await volume.publish({ 'gateway.json': text });
      await file.expect(text);
    }
    assert.deepEqual(file.told, ['two', 'three', 'four']);
  });

  test('a file renamed over it, one written in place and one moved aside first are told', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'gateway.yaml');
    await writeFile(path, 'one');
    using file = await follow(path, 'one');
    await writeFile(`${path}.new`, 'renamed');
    await rename(`${path}.new`, path);
    await file.expect('renamed');
    await writeFile(path, 'in place');
    await file.expect('in place');
    await rename(path, `${path}~`);
    await writeFile(path, 'backed up');
    await file.expect('backed up');
    assert.deepEqual(file.told, ['renamed', 'in place', 'backed up']);
  });

  test('a file behind a link that leads elsewhere is told', async () => {
    await using directory = await temporaryDirectory();
    const at = (name: string) => join(directory.path, name);
    await mkdir(at('real'));
    await writeFile(at('real/gateway.yaml'), 'one');
    await symlink('real/gateway.yaml', at('gateway.yaml'));
    using file = await follow(at('gateway.yaml'), 'one');
    await writeFile(at('real/gateway.yaml'), 'two');
    await file.expect('two');
  });

  test('a file that may not be had is told as such, also one that is too large', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'gateway.yaml');
    await writeFile(path, 'one');
    using file = await follow(path, 'one');
    await rm(path);
    await file.expect(undefined);
    await writeFile(path, 'back');
    await file.expect('back');
    await writeFile(path, Buffer.alloc(8 * 1024 * 1024 + 1));
    await file.expect(undefined);
  });
});
