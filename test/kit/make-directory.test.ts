import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeDirectory } from '#gateway/kit/make-directory.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';

test('a directory is made with those above it, and again without effect', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'one', 'two', 'three');
  for (let round = 0; round < 2; round++) {
    makeDirectory(path);
    assert.ok((await stat(path)).isDirectory());
  }
  await symlink('one', join(directory.path, 'link'));
  makeDirectory(join(directory.path, 'link'));
  makeDirectory(join(directory.path, 'link', 'new', 'newer'));
  assert.ok(existsSync(join(directory.path, 'one', 'new', 'newer')));
  makeDirectory('/');
});

test('a file in the place of the directory or above it is an error', async () => {
  await using directory = await temporaryDirectory();
  await writeFile(join(directory.path, 'file'), '');
  assert.throws(() => makeDirectory(join(directory.path, 'file')), { code: 'EEXIST' });
  assert.throws(() => makeDirectory(join(directory.path, 'file', 'deeper', 'still')), /E/);
});

test('where nothing can be made the error comes at once', {
  skip: existsSync('/proc/self') ? false : 'there is no /proc here',
}, () => {
  assert.throws(() => makeDirectory('/proc/nope'), { code: 'ENOENT' });
  assert.throws(() => makeDirectory('/proc/nope/deeper'), { code: 'ENOENT' });
});
