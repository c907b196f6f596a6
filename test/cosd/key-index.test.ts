/** The sorted index against a plain map that is sorted anew each time. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { KeyIndex } from '#gateway/cosd/key-index.ts';
import { compareKeys, sortKeys } from '#gateway/cosd/key-order.ts';
import { seededRandom } from '#test/support/random.ts';

test('20,000 random changes leave the same keys in the same order', () => {
  const random = seededRandom(7);
  const index = new KeyIndex<number>();
  const model = new Map<string, number>();
  for (let round = 0; round < 20_000; round++) {
    const key = `k${random.between(0, 6000)}`;
    // More insertions than deletions first, the other way round later: blocks split and vanish.
    if (random.next() < (round < 10_000 ? 0.8 : 0.3)) {
      index.set(key, round);
      model.set(key, round);
    } else {
      assert.equal(index.delete(key), model.delete(key));
    }
  }
  assert.deepEqual(
    [...index.entries()],
    sortKeys(model.keys()).map((key) => [key, model.get(key)]),
  );
  assert.equal(index.size, model.size);
});

test('seek finds the first key not before a place, at both ends and in every gap', () => {
  const index = new KeyIndex<true>();
  const keys = Array.from({ length: 3000 }, (_, at) => `${String(at * 2).padStart(5, '0')}`);
  index.setAll(keys.map((key) => [key, true]));
  const firstFrom = (place: string) =>
    index.keyAt(index.seek((key) => compareKeys(key, place) < 0));
  assert.equal(firstFrom(''), '00000');
  assert.equal(firstFrom('05999'), undefined);
  for (let at = 0; at < 5998; at++) {
    const expected = String(at + (at % 2)).padStart(5, '0');
    assert.equal(firstFrom(String(at).padStart(5, '0')), expected);
  }
});

test('walking by position visits everything once', () => {
  const index = new KeyIndex<number>();
  const keys = Array.from({ length: 2500 }, (_, at) => String(at).padStart(5, '0'));
  for (const [at, key] of keys.toReversed().entries()) index.set(key, at);
  const seen: string[] = [];
  let position = index.seek(() => false);
  for (let key = index.keyAt(position); key !== undefined; key = index.keyAt(position)) {
    seen.push(key);
    position = index.after(position);
  }
  assert.deepEqual(seen, keys);
});
