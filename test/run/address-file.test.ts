/** `masquerade_address_file`: what it says, when that counts, and the way Kubernetes replaces it. */
import assert from 'node:assert/strict';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Clock, systemClock } from '#gateway/kit/clock.ts';
import { AddressFile, type AddressFileAccess } from '#gateway/run/address-file.ts';
import { until } from '#test/support/condition.ts';
import { fakeClock } from '#test/support/fake-clock.ts';
import { recordingLog } from '#test/support/recording-log.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';

/** A file in a variable, on virtual time. */
async function followed(first: string | undefined | Error) {
  const clock = fakeClock();
  const log = recordingLog();
  const seen: (string | undefined)[] = [];
  const disk = {
    text: first,
    reads: 0,
    watches: 0,
    canWatch: true,
    tell: () => undefined as void,
    lose: () => undefined as void,
  };
  const access: AddressFileAccess = {
    async read() {
      disk.reads += 1;
      if (disk.text instanceof Error) throw disk.text;
      return disk.text;
    },
    watch(_directory, onEvent, onLost) {
      if (!disk.canWatch) throw new Error('no such directory');
      disk.watches += 1;
      disk.tell = onEvent;
      disk.lose = onLost;
      return { close: () => undefined };
    },
  };
  const onChange = (address: string | undefined) => void seen.push(address);
  const file = new AddressFile({ path: '/etc/podinfo/address', clock, log, onChange, access });
  await file.start();
  return { clock, log, seen, disk, file };
}

describe('the address file on virtual time', () => {
  test('is read at the start, white space around the address does not matter', async () => {
    const { seen, file } = await followed(' 203.0.113.7\n');
    assert.deepEqual(seen, ['203.0.113.7']);
    file.close();
  });

  test('an event of the directory is enough; without one the next second is', async () => {
    const { clock, seen, disk, file } = await followed('203.0.113.7');
    disk.text = '203.0.113.8';
    disk.tell();
    await clock.advance(0);
    assert.deepEqual(seen, ['203.0.113.7', '203.0.113.8']);
    disk.text = 'lb.example.com';
    await clock.advance(999);
    assert.equal(seen.length, 2);
    await clock.advance(1);
    assert.deepEqual(seen.slice(2), ['lb.example.com']);
    file.close();
  });

  test('the same content again changes nothing', async () => {
    const { clock, seen, file } = await followed('203.0.113.7');
    await clock.advance(10_000);
    assert.deepEqual(seen, ['203.0.113.7']);
    file.close();
  });

  for (const nothing of ['', ' \n', undefined]) {
    test(`${JSON.stringify(nothing)} counts as no address once it stays so`, async () => {
      const { clock, seen, disk, file } = await followed('203.0.113.7');
      disk.text = nothing;
      disk.tell();
      await clock.advance(499);
      disk.tell();
      await clock.advance(0);
      assert.deepEqual(seen, ['203.0.113.7'], 'it may be about to be written');
      await clock.advance(1_000);
      assert.deepEqual(seen, ['203.0.113.7', undefined]);
      file.close();
    });
  }

  test('a file emptied and written again never looks empty', async () => {
    const { clock, seen, disk, file } = await followed('203.0.113.7');
    for (let round = 0; round < 3; round++) {
      disk.text = '';
      disk.tell();
      await clock.advance(100);
      disk.text = '203.0.113.7';
      disk.tell();
      await clock.advance(900);
    }
    assert.deepEqual(seen, ['203.0.113.7']);
    file.close();
  });

  for (const bad of ['2001:db8::1', '0.0.0.0', 'two words', '203.0.113.7 203.0.113.8']) {
    test(`keeps the last good address when the file says ${bad}, and complains once`, async () => {
      const { clock, log, seen, disk, file } = await followed('203.0.113.7');
      disk.text = bad;
      await clock.advance(5_000);
      assert.deepEqual(seen, ['203.0.113.7']);
      assert.equal(log.messages('warn').length, 1);
      assert.equal(log.lines.at(-1)?.fields['reason'], bad);
      file.close();
    });
  }

  test('keeps the last good address while the file cannot be read', async () => {
    const { clock, log, seen, disk, file } = await followed('203.0.113.7');
    disk.text = new Error('EIO');
    await clock.advance(3_000);
    assert.deepEqual(log.messages('warn'), ['masquerade address file not readable']);
    disk.text = '203.0.113.9';
    await clock.advance(1_000);
    assert.deepEqual(seen, ['203.0.113.7', '203.0.113.9']);
    file.close();
  });

  test('a lost watch is taken up again, and a closed file is not looked at any more', async () => {
    const { clock, disk, file } = await followed('203.0.113.7');
    disk.lose();
    disk.canWatch = false;
    await clock.advance(2_000);
    assert.equal(disk.watches, 1);
    disk.canWatch = true;
    await clock.advance(1_000);
    assert.equal(disk.watches, 2);
    file.close();
    const { reads } = disk;
    disk.tell();
    await clock.advance(5_000);
    assert.equal(disk.reads, reads);
    assert.equal(clock.pendingTimers, 0);
  });
});

/** What the kubelet does for a new content: a new directory, then one rename of the link `..data`. */
async function publish(volume: string, name: string, text: string | undefined): Promise<void> {
  await mkdir(join(volume, name));
  if (text !== undefined) await writeFile(join(volume, name, 'address'), text);
  await symlink(name, join(volume, '..data_tmp'));
  await rename(join(volume, '..data_tmp'), join(volume, '..data'));
}

describe('the address file on disk', () => {
  const follow = async (path: string, clock: Clock = systemClock) => {
    const seen: (string | undefined)[] = [];
    const onChange = (address: string | undefined) => void seen.push(address);
    const file = new AddressFile({ path, clock, log: recordingLog(), onChange });
    await file.start();
    return { seen, [Symbol.dispose]: () => file.close() };
  };

  test('every swap of ..data is seen at once, and so is an empty file that stays empty', async () => {
    await using directory = await temporaryDirectory();
    const volume = directory.path;
    await publish(volume, '..1', '203.0.113.1');
    await symlink('..data/address', join(volume, 'address'));
    // Time stands still: there are no looks but those the directory asks for.
    const clock = fakeClock();
    using file = await follow(join(volume, 'address'), clock);
    assert.deepEqual(file.seen, ['203.0.113.1']);
    for (const [index, text] of ['203.0.113.2', 'lb.example.com', '203.0.113.3'].entries()) {
      await publish(volume, `..swap${index}`, text);
      await until(`the address ${text}`, () => file.seen.at(-1) === text);
    }
    await publish(volume, '..empty', '');
    await until('no address', async () => {
      await clock.advance(100);
      return file.seen.at(-1) === undefined;
    });
    assert.equal(file.seen.length, 5);
  });

  test('a file in a directory that comes later is found', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'later', 'address');
    using file = await follow(path);
    assert.deepEqual(file.seen, []);
    await mkdir(join(directory.path, 'later'));
    await writeFile(path, '203.0.113.5\n');
    await until('the address', () => file.seen.at(-1) === '203.0.113.5');
    await rm(join(directory.path, 'later'), { recursive: true });
    await until('no address', () => file.seen.at(-1) === undefined);
  });
});
