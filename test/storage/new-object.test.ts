import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newObjectAttributes } from '#gateway/storage/new-object.ts';

const typeOf = (path: string, contentTypes: Record<string, string> = {}) =>
  newObjectAttributes(path, { contentTypes, attributes: {} }).contentType;

test('common extensions are known, whatever their case', () => {
  for (const [path, type] of [
    ['/scans/page.pdf', 'application/pdf'],
    ['/scans/PAGE.TIF', 'image/tiff'],
    ['/a.b/orders.csv', 'text/csv'],
    ['/backup.tar.gz', 'application/gzip'],
    ['/photo.1.jpeg', 'image/jpeg'],
    ['/book.xlsx', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
  ] as const) {
    assert.equal(typeOf(path), type, path);
  }
});

test('everything else is a row of bytes', () => {
  for (const path of ['/noextension', '/pdf', '/.pdf', '/a.pdf/b', '/x.', '/a.unheard-of', '/a.']) {
    assert.equal(typeOf(path), 'application/octet-stream', path);
  }
});

test('rules go first, the longest extension before the shorter, * behind all of them', () => {
  const rules = { csv: 'text/x-own', 'tar.gz': 'application/x-tgz', '*': 'application/x-rest' };
  for (const [path, type] of [
    ['/a.CSV', 'text/x-own'],
    ['/b.tar.gz', 'application/x-tgz'],
    ['/b.gz', 'application/x-rest'],
    ['/c.pdf', 'application/x-rest'],
    ['/none', 'application/x-rest'],
  ] as const) {
    assert.equal(typeOf(path, rules), type, path);
  }
  assert.equal(typeOf('/b.tar.gz', { gz: 'application/x-own' }), 'application/x-own');
  assert.equal(typeOf('/constructor', {}), 'application/octet-stream', 'nothing is inherited');
  assert.equal(typeOf('/a.constructor', {}), 'application/octet-stream');
});

test('a name of dots takes no time', () => {
  const path = `/${'.a'.repeat(400)}.pdf`;
  assert.equal(typeOf(path), 'application/pdf');
});

test('the rest is the same for every file', () => {
  const attributes = { storageClass: 'STANDARD_IA', metadata: { origin: 'ftp' } };
  const found = newObjectAttributes('/a.txt', { contentTypes: {}, attributes });
  assert.deepEqual(found, { contentType: 'text/plain', ...attributes });
});
