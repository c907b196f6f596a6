import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { editDistance, nearest } from '#gateway/config/suggest.ts';

describe('editDistance', () => {
  const cases: readonly (readonly [string, string, number])[] = [
    ['', '', 0],
    ['', 'abc', 3],
    ['abc', '', 3],
    ['abc', 'abc', 0],
    ['abc', 'abd', 1],
    ['abc', 'acb', 1],
    ['abc', 'ab', 1],
    ['kitten', 'sitting', 3],
  ];
  for (const [from, to, distance] of cases) {
    test(`"${from}" to "${to}" is ${distance}`, () =>
      assert.equal(editDistance(from, to), distance));
  }
});

describe('nearest', () => {
  const known = ['user', 'password', 'password_file', 'cos', 'log'];
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['usr', 'user'],
    ['User', 'user'],
    ['passwd', 'password'],
    ['pasword-file', 'password_file'],
    ['logs', 'log'],
    ['colour', undefined],
    ['authority', 'permissions'],
    ['toString', undefined],
    ['x'.repeat(100_000), undefined],
  ];
  for (const [word, expected] of cases) {
    test(`${word.slice(0, 20)} → ${expected}`, () => assert.equal(nearest(word, known), expected));
  }
});
