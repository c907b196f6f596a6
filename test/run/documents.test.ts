/** What README.md and examples/ tell people to write must be true. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { hashPassword } from '#gateway/auth/password.ts';
import { parseConfigText } from '#gateway/config/load.ts';
import { configWords } from '#gateway/config/schema.ts';
import { parseArguments } from '#gateway/run/arguments.ts';
import { requireUsable } from '#gateway/run/usable-config.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFile(join(root, path), 'utf8');

function check(text: string) {
  const source = { format: 'yaml', name: 'gateway.yaml', text, directory: root } as const;
  return requireUsable(parseConfigText({ source, cwd: root }));
}

test('the configuration of README.md is taken as it stands, with a hash put in', async () => {
  const [, yaml = ''] = /```yaml\n(.*?)```/s.exec(await read('README.md')) ?? [];
  const { config, notices } = check(yaml.replace('$scrypt$…', await hashPassword('secret')));
  assert.deepEqual(notices, []);
  assert.equal(config.accounts[0]?.user, 'alice');
});

test('each command line of README.md is understood', async () => {
  const readme = await read('README.md');
  const typed = readme.matchAll(/(npm start --|npx cos-ftp-gateway) ([-\w. ]+)/g);
  const lines = [...typed].map(([, program = '', rest = '']) => {
    const words = rest.replace(/ (prints|starts).*/, '').split(' ');
    return program.startsWith('npm') ? ['serve', '--demo', ...words] : words;
  });
  assert.ok(lines.length >= 4, 'the lines are found');
  for (const words of lines) {
    assert.notEqual(parseArguments(words).kind, 'usage-error', words.join(' '));
  }
});

test('examples/gateway.yaml shows every word', async () => {
  const example = await read('examples/gateway.yaml');
  for (const { word } of configWords()) {
    const name = word.replace(/^.*\./, '');
    assert.match(example, new RegExp(`\\b${name}\\b`), word);
  }
});

test('the words that examples/gateway.yaml shows behind a # can be used as they stand', async () => {
  const example = await read('examples/gateway.yaml');
  const uncommented = example.replace(/^( *)# (?=[a-z_]+: [^ ])(?!others?:)/gm, '$1');
  assert.ok((uncommented.match(/^# /gm) ?? []).length < (example.match(/^# /gm) ?? []).length - 10);
  assert.deepEqual(check(uncommented).notices, []);
});
