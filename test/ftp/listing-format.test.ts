import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockSkewMs, listFormat, nameFormat, recentMs } from '#gateway/ftp/listing-format.ts';

const nowMs = Date.UTC(2026, 10, 22, 16, 9, 8);
const all = new Set(['list', 'read', 'write', 'overwrite', 'delete'] as const);
const format = listFormat({ nowMs, rights: { permissions: all }, mark: 'none' });
const file = (name: string, sizeBytes: number, timeMs: number) => ({
  name,
  type: 'file' as const,
  sizeBytes,
  modifiedAt: new Date(timeMs),
});

test('a line looks like the one of ls -l', () => {
  assert.equal(
    format(file('a b.bin', 1234, Date.UTC(2026, 10, 2, 3, 4, 5))),
    '-rw-r--r-- 1 ftp ftp         1234 Nov  2 03:04 a b.bin',
  );
});

test('a directory has no size and shows the epoch', () => {
  assert.equal(
    format({ name: 'sub', type: 'dir', sizeBytes: 0, modifiedAt: undefined }),
    'drwxr-xr-x 1 ftp ftp            0 Jan  1  1970 sub',
  );
});

test('sizes beyond twelve digits push the rest to the right', () => {
  assert.match(format(file('x', 53_687_091_200_000, nowMs)), / 53687091200000 Nov 22 16:09 x$/);
});

test('half a year is the border between time and year', () => {
  assert.match(format(file('x', 1, nowMs - recentMs + 1)), / May 24 \d\d:\d\d x$/);
  assert.match(format(file('x', 1, nowMs - recentMs)), / May 24 {2}2026 x$/);
  assert.match(format(file('x', 1, nowMs - recentMs - 1)), / May 24 {2}2026 x$/);
});

test('a store clock a little ahead is no future', () => {
  assert.match(format(file('x', 1, nowMs + clockSkewMs - 1)), / Nov 22 17:09 x$/);
  assert.match(format(file('x', 1, nowMs + clockSkewMs)), / Nov 22 17:09 x$/);
  assert.match(format(file('x', 1, nowMs + clockSkewMs + 1)), / Nov 22 {2}2026 x$/);
});

test('neighbours on other days do not borrow each other’s date', () => {
  const times = [0, -1, -2, 0].map((days) =>
    format(file('x', 1, Date.UTC(2026, 10, 22 + days, 0, 0, 0))).slice(-14, -2),
  );
  assert.deepEqual(times, ['Nov 22 00:00', 'Nov 21 00:00', 'Nov 20 00:00', 'Nov 22 00:00']);
});

test('an account that may not replace or create sees read-only modes', () => {
  const readOnly = listFormat({
    nowMs,
    rights: { permissions: new Set(['list', 'read']) },
    mark: 'none',
  });
  assert.match(readOnly(file('x', 1, nowMs)), /^-r--r--r-- /);
  assert.match(
    readOnly({ name: 'd', type: 'dir', sizeBytes: 0, modifiedAt: undefined }),
    /^dr-xr-xr-x /,
  );
});

test('no name can add a line or reach the terminal', () => {
  assert.match(format(file('a\r\n-rw b\x1b[2J\x9b', 1, nowMs)), / a\?\?-rw b\?\[2J\?$/);
});

test('NLST shows names as the client can use them next', () => {
  assert.equal(nameFormat('', 'none')(file('a b', 1, nowMs)), 'a b');
  assert.equal(nameFormat('sub/', 'none')(file('a\nb', 1, nowMs)), 'sub/a?b');
});

test('a slash marks directories and nothing else, as with ls -F', () => {
  const dir = { name: 'd', type: 'dir' as const, sizeBytes: 0, modifiedAt: undefined };
  const long = listFormat({ nowMs, rights: { permissions: all }, mark: 'slash' });
  assert.match(long(dir), / d\/$/);
  assert.match(long(file('f', 1, nowMs)), / f$/);
  assert.equal(nameFormat('x/', 'slash')(dir), 'x/d/');
  assert.equal(nameFormat('x/', 'slash')(file('f', 1, nowMs)), 'x/f');
});
