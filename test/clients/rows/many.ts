/** Several files at once, and whole trees. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expectLocal, expectStored, type Row, row, someBytes, type World } from '../row.ts';

const names = ['one.bin', 'two words.bin', 'three.bin', 'ф.bin'] as const;
const bytesOf = (index: number) => someBytes(70_000 + index);

const tree: Readonly<Record<string, string>> = {
  'top.txt': 'top',
  'a/deep/er/file.txt': 'deep',
  'a/second file.txt': 'second',
  'b c/ü.bin': 'umlaut',
  'b c/one byte': 'x',
};

export const manyRows: readonly Row[] = [
  row('put-many', ['putMany'], async (client, world) => {
    for (const [index, name] of names.entries()) {
      await writeFile(join(world.local, name), bytesOf(index));
    }
    await client.putMany(world.local, names, world.remote);
    for (const [index, name] of names.entries()) {
      await expectStored(world, `${world.remote}/${name}`, bytesOf(index));
    }
  }),
  row('get-many', ['getMany'], async (client, { remote, local, server }) => {
    for (const [index, name] of names.entries()) {
      await server.store.write(`${remote}/${name}`, bytesOf(index));
    }
    await client.getMany(remote, names, local);
    assert.deepEqual((await readdir(local)).sort(), names.toSorted());
    for (const [index, name] of names.entries())
      await expectLocal(join(local, name), bytesOf(index));
  }),
  row('mirror-up', ['mirrorUp'], async (client, world) => {
    const local = join(world.local, 'tree');
    for (const [path, text] of Object.entries(tree)) {
      await mkdir(dirname(join(local, path)), { recursive: true });
      await writeFile(join(local, path), text);
    }
    await client.mirrorUp(local, `${world.remote}/tree`);
    await expectTree(world);
  }),
  row('mirror-down', ['mirrorDown'], async (client, world) => {
    const { remote, local, server } = world;
    for (const directory of ['tree', 'tree/a', 'tree/a/deep', 'tree/a/deep/er', 'tree/b c']) {
      await server.store.makeDirectory(`${remote}/${directory}`);
    }
    for (const [path, text] of Object.entries(tree)) {
      await server.store.write(`${remote}/tree/${path}`, Buffer.from(text));
    }
    await client.mirrorDown(`${remote}/tree`, join(local, 'tree'));
    const found: Record<string, string> = {};
    for (const entry of await readdir(local, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      found[path.slice(join(local, 'tree/').length)] = await readFile(path, 'utf8');
    }
    assert.deepEqual(found, tree);
  }),
];

async function expectTree(world: World): Promise<void> {
  const root = `${world.remote}/tree`;
  const files = (await world.server.store.tree(root)).filter((path) => !path.endsWith('/'));
  assert.deepEqual(files, Object.keys(tree).sort());
  for (const [path, text] of Object.entries(tree)) {
    await expectStored(world, `${root}/${path}`, Buffer.from(text));
  }
}
