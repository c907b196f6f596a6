/** Listings of every kind that a client knows, of what is there, empty, missing and large. */
import assert from 'node:assert/strict';
import { type FtpClient, type ListedEntry, NotApplicable } from '../client.ts';
import { type Row, row, type World } from '../row.ts';

const kinds = { long: 'listLong', names: 'listNames', facts: 'listFacts' } as const;
const manyNames = Array.from({ length: 3000 }, (_, index) => `file ${index}.dat`);

export const listingRows: readonly Row[] = [
  ...Object.entries(kinds).flatMap(([kind, action]) => [
    row(`list-${kind}`, [action], async (client, world) => {
      await fillDirectory(world);
      const listed = await client[action](world.remote);
      assert.deepEqual(namesOf(listed), ['a file.bin', 'b.txt', 'c.bin', 'sub']);
      if (action === 'listNames') return;
      const sizes = Object.fromEntries(listed.map(({ name, sizeBytes }) => [name, sizeBytes]));
      assert.deepEqual(
        { ...sizes },
        { 'a file.bin': 1234, 'b.txt': 0, 'c.bin': 5, sub: undefined },
      );
    }),
    row(`list-${kind}-empty`, [action], async (client, { remote }) => {
      assert.deepEqual(await client[action](remote), []);
    }),
    row(`list-${kind}-missing`, [action], async (client, { remote }) => {
      await assert.rejects(client[action](`${remote}/missing`));
    }),
    row(`list-${kind}-many`, [action], async (client, { remote, server }) => {
      await server.store.fill(remote, manyNames);
      const listed = namesOf(await client[action](remote));
      assert.equal(listed.length, manyNames.length);
      assert.deepEqual(listed, manyNames.toSorted());
    }),
  ]),
  row('list-pattern', ['listMatching'], async (client, world) => {
    await fillDirectory(world);
    const listed = await client.listMatching(world.remote, '*.bin');
    assert.deepEqual(namesOf(listed), ['a file.bin', 'c.bin']);
  }),
];

async function fillDirectory({ remote, server: { store } }: World): Promise<void> {
  await store.write(`${remote}/a file.bin`, Buffer.alloc(1234));
  await store.write(`${remote}/b.txt`, Buffer.alloc(0));
  await store.write(`${remote}/c.bin`, Buffer.from('12345'));
  await store.makeDirectory(`${remote}/sub`);
  await store.write(`${remote}/sub/inner`, Buffer.from('x'));
}

export function namesOf(entries: readonly ListedEntry[]): string[] {
  return entries.map(({ name }) => name).toSorted();
}

/** Every way of listing that the client has must show the name. */
export async function expectListed(client: FtpClient, directory: string, name: string) {
  for (const action of Object.values(kinds)) {
    const list = client[action];
    if (list instanceof NotApplicable) continue;
    assert.deepEqual(namesOf(await list(directory)), [name], action);
  }
}
