import assert from 'node:assert/strict';
import { test } from 'node:test';

interface NodeVersionModule {
  isAtLeast(version: string, needed: string): boolean;
}

/** Plain JavaScript for old Nodes, so its types are said here. */
const module = (await import(
  new URL('../bin/node-version.mjs', import.meta.url).href
)) as NodeVersionModule;

test('a version is compared number by number', () => {
  const needed = '24.12';
  for (const version of ['20.20.2', '24.3.0', '24.11.9']) {
    assert.equal(module.isAtLeast(version, needed), false, version);
  }
  for (const version of ['24.12.0', '24.12.1', '24.100.0', '25.0.0', '100.0.0']) {
    assert.equal(module.isAtLeast(version, needed), true, version);
  }
});
