import assert from 'node:assert/strict';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { PasswordFile } from '#gateway/auth/password-file.ts';
import { type Log, silentLog } from '#gateway/kit/log.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';

function countingLog(): Log & { warnings: unknown[] } {
  const warnings: unknown[] = [];
  return { ...silentLog, warnings, warn: (fields) => void warnings.push(fields) };
}

describe('a password file', () => {
  const contents: readonly (readonly [string, string | undefined])[] = [
    ['secret', 'secret'],
    ['secret\n', 'secret'],
    ['secret\r\n', 'secret'],
    [' secret ', ' secret '],
    ['ключ\n', 'ключ'],
    ['', undefined],
    ['\n', undefined],
    ['secret\n\n', undefined],
    ['two\nlines\n', undefined],
    ['a\0b', undefined],
    ['x'.repeat(4096), 'x'.repeat(4096)],
    ['x'.repeat(4097), undefined],
  ];
  for (const [content, expected] of contents) {
    const shown = JSON.stringify(content.slice(0, 20));
    test(`of ${content.length} characters ${shown} is ${expected === undefined ? 'none' : 'read'}`, async () => {
      await using directory = await temporaryDirectory();
      const path = join(directory.path, 'password');
      await writeFile(path, content);
      assert.equal(await new PasswordFile(path).read(), expected);
    });
  }

  test('that changes is read again, also when Kubernetes turns the link to it', async () => {
    await using directory = await temporaryDirectory();
    const at = (name: string) => join(directory.path, name);
    for (const [version, password] of [
      ['v1', 'first'],
      ['v2', 'other'],
    ] as const) {
      await mkdir(at(version));
      await writeFile(join(at(version), 'alice'), password);
    }
    await symlink('v1', at('..data'));
    const file = new PasswordFile(join(at('..data'), 'alice'));
    assert.equal(await file.read(), 'first');
    await symlink('v2', at('..new'));
    await rename(at('..new'), at('..data'));
    assert.equal(await file.read(), 'other');
    await writeFile(join(at('v2'), 'alice'), 'third');
    assert.equal(await file.read(), 'third');
  });

  test('that goes away takes its password along, and is warned about once', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'password');
    const log = countingLog();
    const file = new PasswordFile(path, log);
    assert.equal(await file.read(), undefined);
    assert.equal(await file.read(), undefined);
    assert.equal(log.warnings.length, 1);
    await writeFile(path, 'secret');
    assert.equal(await file.read(), 'secret');
    await rm(path);
    assert.equal(await file.read(), undefined);
    assert.equal(log.warnings.length, 2);
    await mkdir(path);
    assert.equal(await file.read(), undefined);
    assert.equal(log.warnings.length, 3);
  });
});
