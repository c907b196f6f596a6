/**
 * Makes a directory with those above it. Not Node's `recursive`: where a parent is there and a child still
 * cannot be, as below /proc, that one tries again without end and holds the process (Node 24).
 */
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Blocks. No effect when it is there. @throws the error of the directory that could not be made. */
export function makeDirectory(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    const parent = dirname(path);
    if (isDirectory(path)) return;
    if (isDirectory(parent) || parent === path) throw error;
    makeDirectory(parent);
    mkdirSync(path);
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
