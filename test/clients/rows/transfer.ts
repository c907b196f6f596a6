/** Single files up and down, of every size, over what was there, resumed and refused. */
import assert from 'node:assert/strict';
import { readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expectLocal, expectStored, type Row, row, someBytes } from '../row.ts';

const MiB = 1024 * 1024;

interface Size {
  readonly name: string;
  readonly bytes: number;
  readonly only?: Pick<Row, 'modes' | 'clients'>;
}

/** More than the gateway's memory. It takes its time, so a program, a script and a Node library stand for all. */
const huge = { modes: ['clear'], clients: ['curl', 'ftplib', 'basic-ftp'] } as const;

const sizes: readonly Size[] = [
  { name: 'empty', bytes: 0 },
  { name: 'one-byte', bytes: 1 },
  { name: '1KiB', bytes: 1024 },
  { name: '1MiB', bytes: MiB },
  { name: '20MiB', bytes: 20 * MiB },
  { name: '300MiB', bytes: 300 * MiB, only: huge },
];

const text = 'first line\n\nthird, without the end that lines have: ü 行';

export const transferRows: readonly Row[] = [
  ...sizes.flatMap((size) => [putRow(size), getRow(size)]),
  row('put-over', ['put'], async (client, world) => {
    const [remote, local] = [`${world.remote}/file`, join(world.local, 'file')];
    await world.server.store.write(remote, someBytes(5000));
    await writeFile(local, 'shorter');
    await client.put(local, remote);
    await expectStored(world, remote, Buffer.from('shorter'));
  }),
  row(
    'put-time',
    ['put'],
    async (client, world) => {
      if (!world.server.storesTimes) return;
      const [remote, local] = [`${world.remote}/file`, join(world.local, 'file')];
      const bytes = someBytes(3 * MiB);
      await writeFile(local, bytes);
      const time = new Date('2023-11-14T22:13:20Z');
      await utimes(local, time, time);
      await client.put(local, remote);
      await expectStored(world, remote, bytes);
      const { modifiedAt } = (await world.server.store.read(remote)) ?? {};
      assert.equal(modifiedAt?.toISOString(), time.toISOString());
    },
    { modes: ['clear'], clients: ['lftp', 'rclone', 'ncftp'] },
  ),
  row('put-reserved', ['put'], async (client, { local, server }) => {
    if (server.reservedName === undefined) return;
    await writeFile(join(local, 'file'), 'x');
    await assert.rejects(client.put(join(local, 'file'), `/${server.reservedName}/file`));
  }),
  row('get-missing', ['get'], async (client, { remote, local }) => {
    await assert.rejects(client.get(`${remote}/missing`, join(local, 'file')));
  }),
  row('put-text', ['putText'], async (client, world) => {
    const [remote, local] = [`${world.remote}/file`, join(world.local, 'file')];
    await writeFile(local, text);
    await client.putText(local, remote);
    const stored = (await world.server.store.read(remote))?.bytes.toString('utf8');
    assert.equal(stored?.replaceAll('\r\n', '\n').replace(/\n$/, ''), text);
  }),
  row('get-text', ['getText'], async (client, { remote, local, server }) => {
    await server.store.write(`${remote}/file`, Buffer.from(text.replaceAll('\n', '\r\n')));
    await client.getText(`${remote}/file`, join(local, 'file'));
    assert.equal((await readFile(join(local, 'file'), 'utf8')).replace(/\n$/, ''), text);
  }),
  row('resume-get', ['resumeGet'], async (client, { remote, local, server }) => {
    const bytes = someBytes(3 * MiB + 7);
    await server.store.write(`${remote}/file`, bytes);
    await writeFile(join(local, 'file'), bytes.subarray(0, MiB + 3));
    await client.resumeGet(`${remote}/file`, join(local, 'file'));
    await expectLocal(join(local, 'file'), bytes);
  }),
  row('resume-put', ['resumePut'], async (client, world) => {
    const bytes = someBytes(3 * MiB + 9);
    await world.server.store.write(`${world.remote}/file`, bytes.subarray(0, MiB + 3));
    await writeFile(join(world.local, 'file'), bytes);
    await client.resumePut(join(world.local, 'file'), `${world.remote}/file`);
    await expectStored(world, `${world.remote}/file`, bytes);
  }),
  row('append', ['append'], async (client, world) => {
    const bytes = someBytes(MiB + 11);
    await world.server.store.write(`${world.remote}/file`, bytes.subarray(0, 4096));
    await writeFile(join(world.local, 'file'), bytes.subarray(4096));
    await client.append(join(world.local, 'file'), `${world.remote}/file`);
    await expectStored(world, `${world.remote}/file`, bytes);
  }),
];

function putRow({ name, bytes: count, only }: Size): Row {
  return row(
    `put-${name}`,
    ['put'],
    async (client, world) => {
      const bytes = someBytes(count);
      await writeFile(join(world.local, 'file'), bytes);
      await client.put(join(world.local, 'file'), `${world.remote}/file.bin`);
      await expectStored(world, `${world.remote}/file.bin`, bytes);
    },
    only,
  );
}

function getRow({ name, bytes: count, only }: Size): Row {
  return row(
    `get-${name}`,
    ['get'],
    async (client, { remote, local, server }) => {
      const bytes = someBytes(count);
      await server.store.write(`${remote}/file.bin`, bytes);
      await client.get(`${remote}/file.bin`, join(local, 'file'));
      await expectLocal(join(local, 'file'), bytes);
    },
    only,
  );
}
