/**
 * Files that hold what was right when a person last looked: `UPDATE_GOLDEN=1` writes them anew, and the
 * difference is for the reviewer.
 */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';

const folder = new URL('../golden/', import.meta.url);

/** @param path below test/golden. */
export async function assertGolden(path: string, text: string): Promise<void> {
  const file = new URL(path, folder);
  if (process.env['UPDATE_GOLDEN']) await writeFile(file, text);
  assert.equal(text, await readFile(file, 'utf8'));
}
