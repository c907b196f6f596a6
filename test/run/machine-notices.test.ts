import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseConfigText } from '#gateway/config/load.ts';
import { formatProblem } from '#gateway/config/problem.ts';
import { machineNotices } from '#gateway/run/machine-notices.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';

const bucket = { bucket: 'inbox-1250000000', region: 'ap-guangzhou' };

function noticesOf(words: object, directory: string, env: NodeJS.ProcessEnv = {}): string[] {
  const source = {
    format: 'yaml',
    name: 'a.yaml',
    text: JSON.stringify(words),
    directory,
  } as const;
  const { config } = parseConfigText({ source, cwd: directory });
  return machineNotices(config, env).map(formatProblem);
}

test('a key that the environment should hold and does not is told once, with the accounts', () => {
  const words = {
    cos: { ...bucket, credentials: 'environment' },
    accounts: [
      { user: 'alice', password: 'a' },
      { user: 'bob', password: 'b' },
      { user: 'carol', password: 'c', cos: { secretid: 'id', secretkey: 'key' } },
    ],
  };
  const told = noticesOf(words, '/', { TENCENTCLOUD_SECRET_ID: 'id' });
  assert.equal(told.length, 1);
  assert.match(told[0] ?? '', /^cos\.credentials: environment: .* of alice, bob .*SECRET_KEY/);
  const env = { TENCENTCLOUD_SECRET_ID: 'id', TENCENTCLOUD_SECRET_KEY: 'key' };
  assert.deepEqual(noticesOf(words, '/', env), []);
});

test('a password or key file that is not there is told with its path, and no longer when it is', async () => {
  await using directory = await temporaryDirectory();
  const words = {
    cos: bucket,
    accounts: [
      {
        user: 'alice',
        password_file: 'pass',
        cos: { secretid_file: 'id', secretkey_file: 'key' },
      },
    ],
  };
  const path = (name: string) => join(directory.path, name);
  const transfers = 'until it is there, transfers of alice will answer 451';
  assert.deepEqual(noticesOf(words, directory.path), [
    `password_file of alice: ${path('pass')}: there is no such file (until it is there, alice cannot log in)`,
    `secretid_file of alice: ${path('id')}: there is no such file (${transfers})`,
    `secretkey_file of alice: ${path('key')}: there is no such file (${transfers})`,
  ]);
  for (const name of ['pass', 'id', 'key']) await writeFile(path(name), 'x');
  assert.deepEqual(noticesOf(words, directory.path), []);
});
