/**
 * One upload as long as it gets, with client, gateway and a store that keeps nothing in processes of their
 * own: the memory of the gateway must not follow the file. 20 GiB; `LONG_UPLOAD_GIB=4` for less.
 * `npm run test:long`.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startContender } from '#bench/contender.ts';
import { FtpSession } from '#bench/ftp-session.ts';
import { Store } from '#bench/store.ts';
import { GiB, MiB } from '#gateway/kit/bytes.ts';

const fileGib = Number(process.env['LONG_UPLOAD_GIB'] ?? 20);
const rssBytesMax = 200 * MiB;

test(`an upload of ${fileGib} GiB costs no more memory than any other`, async (context) => {
  await using store = await Store.start();
  const options = { storePort: store.port, nodeFlags: [] };
  // The first start after a change compiles, with 24 MiB of Node's type stripper; later ones do not.
  await (await startContender('gateway', options))[Symbol.asyncDispose]();
  await using gateway = await startContender('gateway', options);
  const session = await FtpSession.logIn(gateway);
  const beganMs = performance.now();
  await session.store('long', fileGib * GiB);
  const seconds = (performance.now() - beganMs) / 1000;
  session.close();
  const { put = 0, part = 0, complete = 0 } = await store.counts();
  const peakBytes = gateway.child.peakRssBytes();
  context.diagnostic(
    `${fileGib} GiB in ${seconds.toFixed(0)} s and ${part} parts: ` +
      `${(gateway.child.cpuSeconds() / fileGib).toFixed(2)} CPU s/GiB, peak RSS ${(peakBytes / MiB).toFixed(0)} MiB`,
  );
  assert.ok(put <= 2, 'the marker of the upload and its id');
  assert.equal(complete, 1);
  assert.ok(peakBytes < rssBytesMax, `${(peakBytes / MiB).toFixed(0)} MiB`);
});
