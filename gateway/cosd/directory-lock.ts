/**
 * Keeps a second process off a data directory: each would miss what the other stores. A lock whose process
 * is gone counts for nothing.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { systemCode } from '#gateway/kit/errors.ts';
import { removeFile } from './file-moves.ts';
import { ShelfError } from './shelf-error.ts';

/** @throws ShelfError in-use. */
export function takeLock(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const own = `${hostname()} ${process.pid}\n`;
  const [host = '', pid = ''] = readLock(path).split(' ');
  const isOther = host === hostname() && Number(pid) !== process.pid;
  if (isOther && isAlive(Number(pid))) {
    throw new ShelfError(
      'in-use',
      `${dirname(dirname(path))} is in use by process ${Number(pid)}`,
      {
        hint: `Stop that process, choose another directory, or remove ${path} if it is a stranger.`,
      },
    );
  }
  writeFileSync(path, own);
}

export async function releaseLock(path: string): Promise<void> {
  await removeFile(path);
}

function readLock(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return '';
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}
