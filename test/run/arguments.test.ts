import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseArguments } from '#gateway/run/arguments.ts';
import { helpText } from '#gateway/run/command-specs.ts';

const line = (text: string) => parseArguments(text.split(' ').filter((word) => word !== ''));

describe('command line', () => {
  test('what is right runs, with its options', () => {
    assert.deepEqual(line('serve -c a.yaml --set x=1 --set y=2'), {
      kind: 'run',
      command: 'serve',
      options: Object.assign(Object.create(null), { config: 'a.yaml', set: ['x=1', 'y=2'] }),
    });
    assert.equal(line('--config=a.yaml').kind, 'run');
    assert.equal(line('').kind, 'run');
    const version = line('--version');
    assert.equal(version.kind === 'run' && version.command, 'version');
  });

  test('help is told for all and for one', () => {
    for (const text of ['--help', '-h', 'help']) {
      assert.deepEqual(line(text), { kind: 'help', command: undefined });
    }
    for (const text of ['cosd --help', 'cosd -h', 'help cosd']) {
      assert.deepEqual(line(text), { kind: 'help', command: 'cosd' });
    }
  });

  const mistakes = {
    sevre: 'unknown command "sevre" (did you mean serve?)',
    doctor: 'unknown command "doctor": one of serve, check-config, hash-password, cosd, version',
    'serve --cofnig a.yaml': 'unknown option --cofnig (did you mean --config?)',
    'serve --toString':
      'unknown option --toString: one of --config, --set, --demo, --data-dir, --help',
    'serve -x': 'unknown option -x: one of --config, --set, --demo, --data-dir, --help',
    'serve --config': '--config needs a value: --config FILE',
    'serve --config --demo': '--config needs a value: --config FILE',
    'serve -c': '-c needs a value: --config FILE',
    'serve --demo=yes': '--demo takes no value',
    'serve --demo other': 'serve takes options only, not "other"',
    'serve --demo hash-password':
      'serve takes options only, not "hash-password" (the command: npx cos-ftp-gateway hash-password)',
    'serve --demo my.yaml':
      'serve takes options only, not "my.yaml" (did you mean --config my.yaml?)',
  };
  for (const [text, message] of Object.entries(mistakes)) {
    test(`"${text}" is told as: ${message}`, () => {
      const parsed = line(text);
      assert.equal(parsed.kind === 'usage-error' && parsed.message, message);
    });
  }

  test('a mistake in the options of a command brings that command’s help', () => {
    const parsed = line('cosd --prot 1');
    assert.equal(parsed.kind === 'usage-error' && parsed.command, 'cosd');
    assert.match(helpText('cosd'), /--port PORT/);
  });
});
