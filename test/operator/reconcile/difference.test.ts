import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  canonicalJson,
  contains,
  isAsWished,
  wishHashAnnotation,
  withWishHash,
} from '#operator/reconcile/difference.ts';

const wished = {
  kind: 'Service',
  metadata: { name: 'files', annotations: { a: '1' } },
  spec: { ports: [{ port: 21, protocol: 'TCP' }], selector: { app: 'x' } },
};

describe('a live object is as wished', () => {
  const live = () => {
    return structuredClone(withWishHash(wished)) as {
      metadata: { annotations: Record<string, string>; uid?: string };
      spec: { ports: Record<string, unknown>[]; selector: Record<string, string> };
    };
  };

  test('when it holds the wish and more', () => {
    const object = live();
    object.metadata.uid = 'u';
    object.metadata.annotations['b'] = '2';
    object.spec.ports[0] = { ...object.spec.ports[0], nodePort: 30_021 };
    assert.ok(isAsWished(withWishHash(wished), object));
  });

  test('not when it is missing, differs, or a list has another length', () => {
    const wish = withWishHash(wished);
    assert.ok(!isAsWished(wish, undefined));
    const changed = live();
    changed.spec.selector['app'] = 'y';
    assert.ok(!isAsWished(wish, changed));
    const longer = live();
    longer.spec.ports.push({ port: 22, protocol: 'TCP' });
    assert.ok(!isAsWished(wish, longer));
  });

  test('not when it was written from another wish, though it holds all of this one', () => {
    const less = { ...wished, spec: { ports: wished.spec.ports } };
    assert.ok(contains(live(), less));
    assert.ok(!isAsWished(withWishHash(less), live()));
  });

  test('whatever the order of keys', () => {
    const { metadata, ...rest } = wished;
    const hash = (object: typeof wished) =>
      withWishHash(object).metadata.annotations as Record<string, string>;
    assert.equal(
      hash({ metadata, ...rest })[wishHashAnnotation],
      hash({ ...rest, metadata })[wishHashAnnotation],
    );
    assert.equal(canonicalJson({ b: [{ d: 1, c: undefined }], a: 2 }), '{"a":2,"b":[{"d":1}]}');
  });
});

describe('nothing is wished by', () => {
  for (const nothing of [undefined, null, {}, [], { a: {} }, { a: undefined }]) {
    test(JSON.stringify(nothing) ?? 'undefined', () => assert.ok(contains(undefined, nothing)));
  }
  test('but an empty text, false and 0 are values', () => {
    for (const value of ['', false, 0]) assert.ok(!contains(undefined, value));
  });
});
