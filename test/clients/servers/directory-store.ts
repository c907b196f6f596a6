/** The store of the servers we are compared with: a directory that belongs to `nobody`. */
import {
  chown,
  mkdir,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import type { Store } from './server.ts';

/** Debian's nobody and nogroup. */
export const nobody = 65_534;

export function directoryStore(root: string): Store {
  const local = (path: string) => join(root, path);
  const write = async (path: string, bytes: Uint8Array, modifiedAt = new Date()) => {
    await writeFile(local(path), bytes);
    await utimes(local(path), modifiedAt, modifiedAt);
    await chown(local(path), nobody, nobody);
  };
  const makeDirectory = async (path: string) => {
    await mkdir(local(path), { recursive: true });
    await chown(local(path), nobody, nobody);
  };
  return {
    makeDirectory,
    async write(path, bytes, modifiedAt) {
      await makeDirectory(path.slice(0, path.lastIndexOf('/')));
      await write(path, bytes, modifiedAt);
    },
    async fill(directory, names) {
      for (const name of names) await write(`${directory}/${name}`, Buffer.alloc(0));
    },
    async read(path) {
      const facts = await stat(local(path)).catch(ifMissing);
      return facts && { bytes: await readFile(local(path)), modifiedAt: facts.mtime };
    },
    tree: (directory) => treeBelow(local(directory)),
    openUploads: (path) => countOpen(local(path)),
    remove: (path) => rm(local(path)),
    removeTree: (directory) => rm(local(directory), { recursive: true, force: true }),
  };
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

async function treeBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(
    ifMissing,
  );
  const paths = (entries ?? []).map((entry) => {
    const path = join(entry.parentPath, entry.name).slice(directory.length + 1);
    return entry.isDirectory() ? `${path}/` : path;
  });
  return paths.sort();
}

/** How many processes have the file open: the servers keep an upload open for as long as it takes. */
async function countOpen(path: string): Promise<number> {
  let count = 0;
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    // Processes and their files may be gone at any moment.
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const descriptor of descriptors) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
      if (target === path) count++;
    }
  }
  return count;
}
