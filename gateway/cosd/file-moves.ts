/** The few ways the directory shelf changes names: moving in, removing, and looking whether one is free. */

import { lstat, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from '#gateway/kit/errors.ts';
import { fileError } from './shelf-error.ts';

/** A folder may be removed as empty by a delete between making it and moving into it. */
const moveAttemptsMax = 10;

/** Replaces what is there; makes the folder when it is missing. */
export async function moveFile(from: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await rename(from, to);
      return;
    } catch (error) {
      if (systemCode(error) !== 'ENOENT' || attempt === moveAttemptsMax) throw error;
      await mkdir(dirname(to), { recursive: true });
    }
  }
}

/** Flushes the names in a folder to the disk. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** No error when it is gone already. @throws ShelfError. */
export async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw fileError('remove', error);
  }
}

/** Whether something is at this path, or nothing can be. Where a folder is wanted, a folder is welcome. */
export async function isOccupied(path: string): Promise<boolean> {
  try {
    const facts = await lstat(path.replace(/\/$/, ''));
    return !(path.endsWith('/') && facts.isDirectory());
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    if (systemCode(error) === 'ENOTDIR') return true;
    throw error;
  }
}
