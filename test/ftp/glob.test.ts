import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileGlob, isPattern } from '#gateway/ftp/glob.ts';
import { seededRandom } from '#test/support/random.ts';

const cases: [pattern: string, matching: string[], other: string[]][] = [
  ['*', ['', 'a', '.hidden', '文件'], []],
  ['*.bin', ['.bin', 'a.bin', 'a.bin.bin'], ['a.bi', 'a.binx', 'bin']],
  ['a*b*c', ['abc', 'aXbYc', 'abbcc'], ['ab', 'acb', 'abcx']],
  ['?', ['a', '文', '𝄞'], ['', 'ab']],
  ['a?c', ['abc', 'a𝄞c'], ['ac', 'abbc']],
  ['[a-c]x', ['ax', 'cx'], ['dx', 'x', 'Ax']],
  ['[!a-c]x', ['dx', '文x'], ['ax', 'x']],
  ['[^a]x', ['bx'], ['ax']],
  ['[]-]x', [']x', '-x'], ['ax']],
  ['[a', ['[a'], ['a']],
  ['[!]', ['[!]'], ['x']],
  ['[a-]', ['a', '-'], ['b']],
  ['[文-斈]', ['文'], ['a']],
  ['\\*', ['*'], ['a', '\\*']],
  ['a\\', ['a\\'], ['a']],
  ['{a,b}', ['{a,b}'], ['a']],
  ['**a', ['a', 'xa'], ['ab']],
  ['', [''], ['a']],
];

for (const [pattern, matching, other] of cases) {
  test(`the pattern ${JSON.stringify(pattern)} matches what it should and nothing else`, () => {
    const glob = compileGlob(pattern);
    for (const name of matching) assert.equal(glob.matches(name), true, JSON.stringify(name));
    for (const name of other) assert.equal(glob.matches(name), false, JSON.stringify(name));
  });
}

test('patterns longer than a machine word agree with an independent matcher', () => {
  const random = seededRandom(7);
  const pick = (letters: string) => letters[random.between(0, letters.length - 1)] ?? '';
  for (let round = 0; round < 3000; round++) {
    const pattern = Array.from({ length: random.between(0, 80) }, () => pick('aaab*?')).join('');
    const name = Array.from({ length: random.between(0, 90) }, () => pick('aaab')).join('');
    const note = `seed ${random.seed}, round ${round}: ${pattern} ${name}`;
    assert.equal(compileGlob(pattern).matches(name), matchesSlowly(pattern, name), note);
  }
});

/** The textbook table: row by row over the pattern. */
function matchesSlowly(pattern: string, name: string): boolean {
  let row = Array.from({ length: name.length + 1 }, (_, index) => index === 0);
  for (const symbol of pattern) {
    const next: boolean[] = [symbol === '*' && row[0] === true];
    for (let index = 1; index <= name.length; index++) {
      const isSame = symbol === '?' || symbol === name[index - 1];
      next.push(
        symbol === '*'
          ? row[index] === true || next[index - 1] === true
          : isSame && row[index - 1] === true,
      );
    }
    row = next;
  }
  return row[name.length] === true;
}

/** A name that counts how often one of its characters is read. */
class CountedName extends String {
  reads = 0;
  override *[Symbol.iterator](): StringIterator<string> {
    for (const character of String(this)) {
      this.reads += 1;
      yield character;
    }
  }
}

test('a pattern made to be slow reads each character of a name once', () => {
  const glob = compileGlob(`${'a*'.repeat(500)}b`);
  for (const length of [1, 425, 850]) {
    const name = new CountedName('a'.repeat(length));
    assert.equal(glob.matches(name as unknown as string), false);
    assert.equal(name.reads, length);
  }
});

test('a pattern made to be slow costs little more than a literal one of its length', () => {
  const name = 'a'.repeat(850);
  const cpuSeconds = (pattern: string) => {
    const glob = compileGlob(pattern);
    const before = process.cpuUsage();
    for (let count = 0; count < 2_000; count++) assert.equal(glob.matches(name), false);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  };
  const slow = `${'a*'.repeat(500)}b`;
  const literal = `${'a'.repeat(850)}b`;
  cpuSeconds(literal);
  const ratio = cpuSeconds(slow) / cpuSeconds(literal);
  assert.ok(ratio < 4, `${ratio} times`);
});

test('a pattern longer than any name matches nothing', () => {
  assert.equal(compileGlob('a'.repeat(1024)).matches('a'.repeat(1024)), true);
  assert.equal(compileGlob('a'.repeat(1025)).matches('a'.repeat(1025)), false);
});

test('only *, ? and [ make a pattern', () => {
  for (const text of ['a*', '?', '[x']) assert.equal(isPattern(text), true, text);
  for (const text of ['', 'a.b', 'a]', 'a\\', '{a,b}']) assert.equal(isPattern(text), false, text);
});
