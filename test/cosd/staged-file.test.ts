/** Bodies on their way to the disk: memory stays bounded, failures reach the writer. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { StagedFile } from '#gateway/cosd/staged-file.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

test('a writer waits as soon as more than 2 MiB are on their way, and nothing is lost', async () => {
  await using directory = await temporaryDirectory();
  const staged = new StagedFile(join(directory.path, 'body'), 'process');
  const chunk = (at: number) => Buffer.alloc(64 * KiB, at);
  let sinceWaitBytes = 0;
  for (let at = 0; at < 320; at++) {
    const room = staged.write(chunk(at));
    sinceWaitBytes += 64 * KiB;
    // One gathered write is under way besides.
    assert.ok(sinceWaitBytes <= 2 * MiB + 512 * KiB + 64 * KiB);
    if (room) sinceWaitBytes = 0;
    await room;
  }
  const file = await readFile(await staged.finish());
  assert.equal(staged.sizeBytes, 20 * MiB);
  for (let at = 0; at < 320; at++) {
    assert.ok(file.subarray(at * 64 * KiB, (at + 1) * 64 * KiB).equals(chunk(at)), `chunk ${at}`);
  }
});

test('a small body makes no file before it is kept', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'body');
  const staged = new StagedFile(path, 'process');
  assert.equal(staged.write(Buffer.alloc(512 * KiB - 1)), undefined);
  assert.equal(existsSync(path), false);
  await staged.finish();
  assert.equal((await readFile(path)).length, 512 * KiB - 1);
});

test('a failing disk is told to the writer and to finish, and discarding is safe after it', async () => {
  await using directory = await temporaryDirectory();
  const staged = new StagedFile(join(directory.path, 'missing', 'body'), 'process');
  await assert.rejects(async () => staged.write(Buffer.alloc(3 * MiB)), { code: 'ENOENT' });
  assert.throws(() => staged.write(Buffer.alloc(1)), { kind: 'io' });
  await assert.rejects(staged.finish(), { kind: 'io' });
  await staged.discard();
  await staged.discard();
});

test('what is discarded is gone, before, while and after it is written', async () => {
  await using directory = await temporaryDirectory();
  for (const bytes of [1, MiB, 3 * MiB]) {
    const path = join(directory.path, String(bytes));
    const staged = new StagedFile(path, 'process');
    void staged.write(Buffer.alloc(bytes));
    await staged.discard();
    assert.equal(existsSync(path), false);
  }
});
