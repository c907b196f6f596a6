/** Files that a script writes are the ones that the script would write now. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { crc64ModuleFile, renderCrc64Module } from '../scripts/generate-crc64.ts';

test('the compiled CRC-64 module is that of its text', async () => {
  assert.equal(await readFile(crc64ModuleFile, 'utf8'), await renderCrc64Module());
});
