import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseTimedPath, parseTimeValue, parseUtimeArgument } from '#gateway/ftp/time-value.ts';

const read = (text: string) => parseTimeValue(text)?.toISOString();

describe('a time', () => {
  for (const [text, iso] of [
    ['20231114221320', '2023-11-14T22:13:20.000Z'],
    ['19700101000000', '1970-01-01T00:00:00.000Z'],
    ['99991231235959', '9999-12-31T23:59:59.000Z'],
    ['20240229000000', '2024-02-29T00:00:00.000Z'],
    ['20231231235960', '2024-01-01T00:00:00.000Z'],
    ['20231114221320.5', '2023-11-14T22:13:20.500Z'],
    ['20231114221320.123456', '2023-11-14T22:13:20.123Z'],
  ] as const) {
    test(`${text} is ${iso}`, () => assert.equal(read(text), iso));
  }

  for (const text of [
    '',
    '2023111422132',
    '202311142213200',
    '20230229000000',
    '20230431000000',
    '20231301000000',
    '20230001000000',
    '20230100000000',
    '20231114240000',
    '20231114226000',
    '20231114221361',
    '19691231235959',
    '00000101000000',
    '20231114221320.',
    '20231114T22132',
    '２０２３１１１４２２１３２０',
  ]) {
    test(`${JSON.stringify(text)} is none`, () => assert.equal(read(text), undefined));
  }
});

test('a time goes before a path, which may hold anything', () => {
  const time = new Date('2023-11-14T22:13:20Z');
  assert.deepEqual(parseTimedPath('20231114221320 a b'), { time, path: 'a b' });
  assert.deepEqual(parseTimedPath('20231114221320  a '), { time, path: 'a ' });
  for (const text of ['20231114221320', '20231114221320 ', 'a b', '', '20231114 a'])
    assert.equal(parseTimedPath(text), undefined, text);
});

test('SITE UTIME has the path first and three times, or one time first', () => {
  const time = new Date('2023-11-14T22:13:20Z');
  const three = '20200101000000 20231114221320 20200101000000 UTC';
  assert.deepEqual(parseUtimeArgument(`dir/a b ${three}`), { time, path: 'dir/a b' });
  assert.deepEqual(parseUtimeArgument(`a ${three.toLowerCase()}`), { time, path: 'a' });
  assert.deepEqual(parseUtimeArgument('20231114221320 a b'), { time, path: 'a b' });
  const minute = new Date('2023-11-14T22:13:00Z');
  assert.deepEqual(parseUtimeArgument('202311142213 a'), { time: minute, path: 'a' });
  for (const text of ['', 'a', '20231114221320', `a ${three.slice(0, -4)}`])
    assert.equal(parseUtimeArgument(text), undefined, text);
});
