/** Names that need care: put, listed in every way, fetched, renamed and deleted. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expectLocal, expectStored, type Row, row } from '../row.ts';
import { expectListed } from './listing.ts';

const oddNames = {
  utf8: 'résumé 履歴書 📁.txt',
  spaces: 'with several  spaces.txt',
  quotes: `it's "quoted".txt`,
  dash: '-la.txt',
  hash: '#1 file#.txt',
  percent: '100% %41 & more;a=b+c.txt',
  brackets: 'brackets[1]{2}.txt',
  stars: 'what? *.txt',
  backslash: 'back\\slash.txt',
  tilde: '~tilde.txt',
} as const;

export const nameRows: readonly Row[] = [
  ...Object.entries(oddNames).map(([kind, name]) =>
    row(`name-${kind}`, ['put', 'get', 'rename', 'delete'], async (client, world) => {
      const { remote, local } = world;
      const bytes = Buffer.from(name);
      const [up, down] = [join(local, 'up'), join(local, 'down')];
      await writeFile(up, bytes);

      await client.put(up, `${remote}/${name}`);
      await expectStored(world, `${remote}/${name}`, bytes);
      assert.deepEqual(await world.server.store.tree(remote), [name]);
      await expectListed(world.client, remote, name);
      await client.get(`${remote}/${name}`, down);
      await expectLocal(down, bytes);
      await client.rename(`${remote}/${name}`, `${remote}/${name}.new`);
      assert.deepEqual(await world.server.store.tree(remote), [`${name}.new`]);
      await client.delete(`${remote}/${name}.new`);
      assert.deepEqual(await world.server.store.tree(remote), []);
    }),
  ),
  row('name-directory', ['makeDirectory', 'put', 'removeDirectory'], async (client, world) => {
    const name = `a "dir" 目录 #1`;
    const { remote, local } = world;
    await writeFile(join(local, 'up'), 'x');
    await client.makeDirectory(`${remote}/${name}`);
    await expectListed(world.client, remote, name);
    await client.put(join(local, 'up'), `${remote}/${name}/file`);
    await expectStored(world, `${remote}/${name}/file`, Buffer.from('x'));
    await expectListed(world.client, `${remote}/${name}`, 'file');
    await world.server.store.remove(`${remote}/${name}/file`);
    await client.removeDirectory(`${remote}/${name}`);
    assert.deepEqual(await world.server.store.tree(remote), []);
  }),
];
