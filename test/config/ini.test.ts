import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseIni } from '#gateway/config/ini.ts';

/** Sections as plain objects, without lines. */
function valuesOf(text: string): Record<string, Record<string, string>> {
  return Object.fromEntries(
    parseIni(text).sections.map(({ name, entries }) => {
      const pairs = [...entries.values()].map(({ key, value }) => [key, value] as const);
      return [name, Object.fromEntries(pairs)];
    }),
  );
}

const valueOf = (line: string) => valuesOf(`[S]\n${line}`)['S'];

/** What Python 2.7.18's RawConfigParser makes of the same texts. */
describe('read as Python 2.7 does', () => {
  const cases: readonly (readonly [string, Record<string, string>])[] = [
    ['key = value', { key: 'value' }],
    ['key=value', { key: 'value' }],
    ['key: value', { key: 'value' }],
    ['key : value', { key: 'value' }],
    ['KEY = Value', { key: 'Value' }],
    ['key 6 = 1', { 'key 6': '1' }],
    ['key == x:y', { key: '= x:y' }],
    ['key = a:b=c', { key: 'a:b=c' }],
    ['url: http://x', { url: 'http://x' }],
    ['key =', { key: '' }],
    ['key = ""', { key: '' }],
    ['key = "x"', { key: '"x"' }],
    ['key = a;b', { key: 'a;b' }],
    ['key = a ;b', { key: 'a' }],
    ['key =;a', { key: ';a' }],
    ['key = a#b', { key: 'a#b' }],
    ['key = %(home)s', { key: '%(home)s' }],
    ['key = first\n  second', { key: 'first\nsecond' }],
    ['key = first\n\n\tsecond', { key: 'first\nsecond' }],
    ['key = 1\nkey = 2', { key: '2' }],
    ['# key = 1\n; key = 1\nrem key = 1\nREM', {}],
    ['remote = 1', { remote: '1' }],
    ['key = 收件', { key: '收件' }],
  ];
  for (const [line, expected] of cases) {
    test(JSON.stringify(line), () => assert.deepEqual(valueOf(line), expected));
  }

  test('a section opened twice is one section', () => {
    assert.deepEqual(valuesOf('[A]\nx=1\n[B]\n[A]\ny=2'), { A: { x: '1', y: '2' }, B: {} });
  });

  test('a section may have a comment behind it and any case', () => {
    assert.deepEqual(valuesOf('[A] ; x\n[a]'), { A: {}, a: {} });
  });

  test('[DEFAULT] is no section of its own', () => {
    const ini = parseIni('[DEFAULT]\nx=1\n[A]');
    assert.deepEqual(
      ini.sections.map(({ name }) => name),
      ['A'],
    );
    assert.equal(ini.defaults?.entries.get('x')?.value, '1');
  });
});

describe('read otherwise than Python does', () => {
  const cases: readonly (readonly [string, Record<string, string>])[] = [
    ['key = a # b', { key: 'a' }],
    ['key = a\t#b', { key: 'a' }],
    ['key = #b', { key: '' }],
    ['key = a;b ;c', { key: 'a;b' }],
    ['key = a\n  ; no continuation', { key: 'a' }],
    ['  key = a', { key: 'a' }],
  ];
  for (const [line, expected] of cases) {
    test(JSON.stringify(line), () => assert.deepEqual(valueOf(line), expected));
  }
});

describe('lines', () => {
  for (const end of ['\n', '\r\n', '\r']) {
    test(`are counted with ${JSON.stringify(end)} between them`, () => {
      const ini = parseIni(['# c', '[A]', '', 'x = 1', '  2', 'y = 3'].join(end));
      const [section] = ini.sections;
      assert.equal(section?.line, 2);
      assert.equal(section.entries.get('x')?.line, 4);
      assert.equal(section.entries.get('x')?.continuedLine, 5);
      assert.equal(section.entries.get('y')?.line, 6);
    });
  }

  test('that stand twice are told with both places', () => {
    assert.deepEqual(parseIni('[A]\nx=1\nX: 2\n[A]').repeats, [
      { kind: 'key', name: 'x', line: 3, firstLine: 2 },
      { kind: 'section', name: 'A', line: 4, firstLine: 1 },
    ]);
  });

  test('that are nothing are told each, keys before a section once', () => {
    assert.deepEqual(parseIni('x=1\ny=2\n[A]\nnothing\n=1\n[]').faults, [
      { kind: 'orphan', line: 1 },
      { kind: 'noise', line: 4 },
      { kind: 'noise', line: 5 },
      { kind: 'noise', line: 6 },
    ]);
  });
});
