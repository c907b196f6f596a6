import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseListArguments } from '#gateway/ftp/list-arguments.ts';

const cases: [argument: string, flags: string, path: string][] = [
  ['', '', ''],
  ['-la', 'la', ''],
  ['-la ', 'la', ''],
  ['-l -a sub', 'la', 'sub'],
  ['-CF', 'CF', ''],
  ['-alRt  two words', 'alRt', 'two words'],
  ['two  words ', '', 'two  words '],
  ['-report.txt', '', '-report.txt'],
  ['-la -report', 'la', '-report'],
  ['-- -la', '', '-la'],
  ['-l --', 'l', ''],
  ['./-la', '', './-la'],
  ['-', '', '-'],
  ['sub -la', '', 'sub -la'],
];

for (const [argument, flags, path] of cases) {
  test(`${JSON.stringify(argument)} has the flags "${flags}" and the path "${path}"`, () => {
    const parsed = parseListArguments(argument);
    assert.equal([...parsed.flags].join(''), flags);
    assert.equal(parsed.path, path);
    assert.equal(parsed.pattern, undefined);
    assert.equal(parsed.unflagged, path === argument ? undefined : argument);
  });
}

test('a pattern in the last segment is split from its directory', () => {
  const { path, pattern } = parseListArguments('-l /sub/x*.bin');
  assert.equal(path, '/sub/x*.bin');
  assert.equal(pattern?.directory, '/sub/');
  assert.equal(pattern?.glob.matches('x1.bin'), true);
  assert.equal(pattern?.glob.matches('y.bin'), false);
  assert.equal(parseListArguments('*').pattern?.directory, '');
});

test('a pattern in another segment stays a name', () => {
  assert.equal(parseListArguments('s*/file').pattern, undefined);
});
