import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textLine } from '#gateway/observe/log-text.ts';

test('a JSON line becomes time, level, message and fields', () => {
  const time = new Date(2026, 2, 1, 3, 4, 5).toISOString();
  const line = { level: 'warn', time, user: 'alice', path: '/a b', err: { kind: 'x' }, msg: 'cut' };
  assert.equal(
    textLine(`${JSON.stringify(line)}\n`),
    '03:04:05 WARN  cut user=alice path="/a b" err={"kind":"x"}\n',
  );
});

test('a path with control characters cannot draw on the terminal', () => {
  const line = {
    level: 'info',
    time: new Date().toISOString(),
    path: '/\u001b[2J\u009b2J\u202e',
    msg: 'm',
  };
  const text = textLine(`${JSON.stringify(line)}\n`);
  assert.match(text, /path="\/\\u001b\[2J\\u009b2J\\u202e"/);
});

test('a line of somebody else is left alone', () => {
  assert.equal(textLine('plain words\n'), 'plain words\n');
  assert.equal(textLine('17\n'), '17\n');
});
