/** Transfers that the user breaks off. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '#test/support/condition.ts';
import { expectStored, type Row, row, someBytes } from '../row.ts';

const MiB = 1024 * 1024;
/** More than the first part of an upload, so that it is under way in COS before it is given up. */
const sentBytes = 12 * MiB;
const settleTimeoutMs = 15_000;

export const abortRows: readonly Row[] = [
  row('abort-put', ['abortPut'], async (client, world) => {
    const { remote, local, server } = world;
    const path = `${remote}/file`;
    const before = someBytes(1000);
    const sent = someBytes(sentBytes);
    await server.store.write(path, before);
    await writeFile(join(local, 'file'), sent);
    const isUnderWay = async () => (await server.store.openUploads(path)) > 0;
    const isOver = async () => !(await isUnderWay());
    await client.abortPut(join(local, 'file'), path, () =>
      until('the upload to be under way', isUnderWay, settleTimeoutMs),
    );
    await until('the upload to be settled', isOver, settleTimeoutMs);
    if (server.cutUploads === 'discarded') return expectStored(world, path, before);
    const stored = (await server.store.read(path))?.bytes ?? Buffer.alloc(0);
    const isPart = sent.subarray(0, stored.length).equals(stored);
    assert.ok(isPart, `${stored.length} bytes that are not a part of what was sent`);
  }),
  row('abort-get', ['abortGet'], async (client, { remote, server }) => {
    await server.store.write(`${remote}/file`, someBytes(40 * MiB));
    await client.abortGet(`${remote}/file`, 2 * MiB);
  }),
];
