/**
 * Programs of Debian packages, unpacked instead of installed: vsftpd and proftpd exclude each other as
 * packages, and neither shall begin to serve this machine.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../command.ts';

/** @throws when apt does not know them; `apt-get update` may help. */
export async function unpackPackages(names: readonly string[], directory: string): Promise<void> {
  await runCommand('apt-get', ['download', ...names], { cwd: directory });
  for (const file of await readdir(directory)) {
    if (file.endsWith('.deb')) await runCommand('dpkg-deb', ['-x', file, '.'], { cwd: directory });
  }
}

/** For programs whose libraries were unpacked with them. */
export function libraryPath(directory: string): string {
  return ['usr/lib/x86_64-linux-gnu', 'usr/lib/aarch64-linux-gnu', 'usr/lib']
    .map((path) => join(directory, path))
    .join(':');
}
