/** UTF-8 binary order, where JavaScript strings sort otherwise. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { compareKeys, sortKeys } from '#gateway/cosd/key-order.ts';
import { seededRandom } from '#test/support/random.ts';

test('a character beyond U+FFFF sorts behind U+FFFD, as its bytes do, and not before it', () => {
  const replacement = '\ufffd';
  const astral = '\u{10000}';
  assert.ok(astral < replacement, 'JavaScript has it the other way round');
  assert.ok(compareKeys(replacement, astral) < 0);
  assert.deepEqual(sortKeys([astral, replacement, '\ud7ff']), ['\ud7ff', replacement, astral]);
});

test('a prefix sorts before what it begins, and equal keys are equal', () => {
  assert.ok(compareKeys('a', 'a/') < 0);
  assert.ok(compareKeys('a!', 'a/') < 0);
  assert.equal(compareKeys('ä', 'ä'), 0);
  assert.deepEqual(sortKeys(['b', 'a', 'b']), ['a', 'b']);
});

test('2,000 random pairs compare as their bytes do', () => {
  const random = seededRandom(20260301);
  const alphabet = ['a', 'b', '/', 'é', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'];
  const word = () =>
    Array.from({ length: random.between(0, 6) }, () => alphabet[random.between(0, 8)]).join('');
  for (let round = 0; round < 2000; round++) {
    const [a, b] = [word(), word()];
    const expected = Buffer.compare(Buffer.from(a), Buffer.from(b));
    assert.equal(Math.sign(compareKeys(a, b)), expected, `${JSON.stringify([a, b])}`);
  }
});
