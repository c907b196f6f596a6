import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatExtendedPassive, formatPassive } from '#gateway/ftp/passive-address.ts';

test('227 carries the address and the port in six bytes', () => {
  assert.equal(formatPassive('203.0.113.7', 61_000), 'Entering Passive Mode (203,0,113,7,238,72).');
  assert.equal(formatPassive('10.0.0.1', 255), 'Entering Passive Mode (10,0,0,1,0,255).');
  assert.equal(formatPassive('10.0.0.1', 256), 'Entering Passive Mode (10,0,0,1,1,0).');
  assert.equal(formatPassive('10.0.0.1', 65_535), 'Entering Passive Mode (10,0,0,1,255,255).');
});

test('229 carries the port alone between bars', () => {
  assert.equal(formatExtendedPassive(61_000), 'Entering Extended Passive Mode (|||61000|).');
});
