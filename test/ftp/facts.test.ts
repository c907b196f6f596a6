import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AccountPermission,
  allFacts,
  factFormat,
  formatFactFeature,
  formatFactSelection,
  formatFactTime,
  parseFactSelection,
} from '#gateway/ftp/facts.ts';

const rights = (...permissions: AccountPermission[]) => ({ permissions: new Set(permissions) });
const everything = rights('list', 'read', 'write', 'overwrite', 'delete');
const file = {
  name: 'a b.bin',
  type: 'file',
  sizeBytes: 1234,
  modifiedAt: new Date('2026-11-22T16:09:08.765Z'),
} as const;
const directory = { name: 'sub', type: 'dir', sizeBytes: 0, modifiedAt: undefined } as const;

test('a file shows all facts before one space and its name', () => {
  assert.equal(
    factFormat(allFacts, everything)(file),
    'type=file;size=1234;modify=20261122160908;perm=adfrw;UNIX.mode=0644; a b.bin',
  );
});

test('a directory shows neither a size nor a time it does not have', () => {
  assert.equal(
    factFormat(allFacts, everything)(directory),
    'type=dir;perm=cdeflmp;UNIX.mode=0755; sub',
  );
});

const perms: [AccountPermission[], string, string][] = [
  [['list', 'read'], 'r', 'el'],
  [['list', 'write'], 'f', 'ceflm'],
  [['read', 'write', 'overwrite'], 'afrw', 'cefm'],
  [['delete'], 'd', 'dep'],
  [['list'], '', 'el'],
];

for (const [permissions, filePerm, directoryPerm] of perms) {
  test(`an account that may ${permissions.join(', ')} sees that in perm`, () => {
    const format = factFormat(parseFactSelection('perm;'), rights(...permissions));
    assert.equal(format(file), `perm=${filePerm}; a b.bin`);
    assert.equal(format(directory), `perm=${directoryPerm}; sub`);
  });
}

test('OPTS MLST chooses facts, whatever their case and order, and ignores unknown ones', () => {
  const chosen = parseFactSelection('SIZE;unix.MODE;nonsense;type;');
  assert.equal(formatFactSelection(chosen), 'type;size;UNIX.mode;');
  assert.equal(factFormat(chosen, everything)(file), 'type=file;size=1234;UNIX.mode=0644; a b.bin');
  assert.equal(formatFactFeature(chosen), 'MLST type*;size*;modify;perm;UNIX.mode*;');
});

test('OPTS MLST without facts leaves the name alone behind its space', () => {
  const none = parseFactSelection('');
  assert.equal(formatFactSelection(none), '');
  assert.equal(factFormat(none, everything)(file), ' a b.bin');
});

test('the feature line marks all facts at first', () => {
  assert.equal(formatFactFeature(allFacts), 'MLST type*;size*;modify*;perm*;UNIX.mode*;');
});

test('a fact time is UTC to the second', () => {
  assert.equal(formatFactTime(new Date('1999-12-31T23:59:59.999Z')), '19991231235959');
});
