/** Acts on files and directories: rename, delete, mkdir, rmdir, size and time. */
import assert from 'node:assert/strict';
import { expectStored, type Row, row, someBytes } from '../row.ts';

const bytes = someBytes(4321);

export const treeRows: readonly Row[] = [
  row('rename-file', ['rename'], async (client, world) => {
    const { remote, server } = world;
    await server.store.write(`${remote}/old`, bytes);
    await client.rename(`${remote}/old`, `${remote}/new`);
    await expectStored(world, `${remote}/new`, bytes);
    assert.deepEqual(await server.store.tree(remote), ['new']);
  }),
  row('rename-over', ['rename'], async (client, world) => {
    const { remote, server } = world;
    await server.store.write(`${remote}/old`, bytes);
    await server.store.write(`${remote}/new`, Buffer.from('to be replaced'));
    await client.rename(`${remote}/old`, `${remote}/new`);
    await expectStored(world, `${remote}/new`, bytes);
    assert.deepEqual(await server.store.tree(remote), ['new']);
  }),
  row('rename-into', ['rename'], async (client, world) => {
    const { remote, server } = world;
    await server.store.write(`${remote}/old`, bytes);
    await server.store.makeDirectory(`${remote}/other`);
    await client.rename(`${remote}/old`, `${remote}/other/new`);
    await expectStored(world, `${remote}/other/new`, bytes);
  }),
  row('rename-directory', ['rename'], async (client, world) => {
    const { remote, server } = world;
    await server.store.makeDirectory(`${remote}/old`);
    await server.store.makeDirectory(`${remote}/old/sub`);
    await server.store.write(`${remote}/old/file`, bytes);
    await server.store.write(`${remote}/old/sub/file`, bytes);
    await client.rename(`${remote}/old`, `${remote}/new`);
    await expectStored(world, `${remote}/new/file`, bytes);
    await expectStored(world, `${remote}/new/sub/file`, bytes);
    assert.deepEqual(await server.store.tree(`${remote}/old`), []);
  }),
  row('rename-missing', ['rename'], async (client, { remote, server }) => {
    await assert.rejects(client.rename(`${remote}/missing`, `${remote}/new`));
    assert.deepEqual(await server.store.tree(remote), []);
  }),
  row('delete', ['delete'], async (client, { remote, server }) => {
    await server.store.write(`${remote}/file`, bytes);
    await server.store.write(`${remote}/other`, bytes);
    await client.delete(`${remote}/file`);
    assert.deepEqual(await server.store.tree(remote), ['other']);
  }),
  row('delete-missing', ['delete'], async (client, { remote }) => {
    await assert.rejects(client.delete(`${remote}/missing`));
  }),
  row('mkdir-rmdir', ['makeDirectory', 'removeDirectory'], async (client, { remote, server }) => {
    await client.makeDirectory(`${remote}/new`);
    assert.deepEqual(await server.store.tree(remote), ['new/']);
    await client.removeDirectory(`${remote}/new`);
    assert.deepEqual(await server.store.tree(remote), []);
  }),
  row('rmdir-full', ['removeDirectory'], async (client, { remote, server }) => {
    await server.store.makeDirectory(`${remote}/full`);
    await server.store.write(`${remote}/full/file`, bytes);
    await assert.rejects(client.removeDirectory(`${remote}/full`));
    assert.deepEqual(await server.store.tree(remote), ['full/', 'full/file']);
  }),
  row('size', ['sizeOf'], async (client, { remote, server }) => {
    await server.store.write(`${remote}/file`, bytes);
    assert.equal(await client.sizeOf(`${remote}/file`), bytes.length);
  }),
  row('time', ['modifiedAt'], async (client, { remote, server }) => {
    const lastSummer = new Date(Date.UTC(new Date().getUTCFullYear() - 1, 6, 5, 23, 58, 59));
    await server.store.write(`${remote}/file`, bytes, lastSummer);
    const told = await client.modifiedAt(`${remote}/file`);
    assert.equal(told.toISOString(), lastSummer.toISOString());
  }),
];
