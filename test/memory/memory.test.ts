/**
 * The memory of a gateway process of its own, with COS in another process: bounded by configuration, not
 * by what clients send. `npm run test:memory`; takes about a minute.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { FtpClient } from '#test/support/ftp-client.ts';
import { cosPlace, gatewayWords, programKey } from '#test/support/gateway-words.ts';
import { freePassivePort } from '#test/support/port-range.ts';
import { type Program, startProgram } from '#test/support/program.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';

const MiB = 1024 * 1024;
const rssBytesMax = 200 * MiB;
const chunk = Buffer.alloc(MiB, 'memory');

interface Pair extends AsyncDisposable {
  readonly gateway: Program;
  readonly port: number;
}

async function startPair(words: Record<string, unknown>): Promise<Pair> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await temporaryDirectory());
  const cosd = stack.use(
    await startProgram({
      args: ['cosd', '--port', '0', '--data-dir', join(directory.path, 'objects')],
      env: { COSD_SECRET_KEY: programKey },
      cwd: directory.path,
    }),
  );
  const config = join(directory.path, 'gateway.json');
  await writeFile(
    config,
    JSON.stringify(
      gatewayWords(cosPlace(cosd), {
        passive_port: await freePassivePort(100),
        ...words,
      }),
    ),
  );
  const gateway = stack.use(
    await startProgram({ args: ['serve', '--config', config], cwd: directory.path }),
  );
  const owned = stack.move();
  return {
    gateway,
    port: Number(gateway.listening['ftp_port']),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Until the gateway has closed the connection too: its reply is due then, and not before. */
async function sendBytes(data: Socket, bytes: number): Promise<void> {
  for (let sent = 0; sent < bytes; sent += chunk.length) {
    if (!data.write(chunk.subarray(0, bytes - sent))) await once(data, 'drain');
  }
  data.end();
  await once(data.resume(), 'close');
}

describe('a gateway process', () => {
  test('stays under 200 MiB while 1 GiB goes up and down', async (context) => {
    await using pair = await startPair({});
    await using client = await FtpClient.logIn(pair.port);
    const up = await client.beginStore('large');
    await sendBytes(up, 1024 * MiB);
    assert.equal((await client.reply()).code, 226);
    const upPeak = pair.gateway.peakRssBytes();

    const down = await client.openData();
    let received = 0;
    down.on('data', (piece: Buffer) => {
      received += piece.length;
    });
    const ended = once(down, 'end');
    await client.expect(150, 'RETR large');
    assert.equal((await client.reply()).code, 226);
    await ended;
    assert.equal(received, 1024 * MiB);
    const peak = pair.gateway.peakRssBytes();
    context.diagnostic(
      `peak RSS: ${mib(upPeak)} MiB after the upload, ${mib(peak)} MiB at the end`,
    );
    assert.ok(peak < rssBytesMax, `${mib(peak)} MiB`);
  });

  for (const memory of ['64Mi', '8Mi']) {
    test(`takes 64 uploads of 32 MiB at once with upload_memory ${memory}`, async (context) => {
      await using pair = await startPair({ upload_memory: memory, data_peer: 'same' });
      const replies = await Promise.all(
        Array.from({ length: 64 }, async (_, index) => {
          await using client = await FtpClient.logIn(pair.port);
          const data = await client.beginStore(`file ${index}`);
          await sendBytes(data, 32 * MiB);
          return (await client.reply()).code;
        }),
      );
      assert.deepEqual(
        replies,
        replies.map(() => 226),
      );
      const peak = pair.gateway.peakRssBytes();
      assert.ok(peak < 256 * MiB, `${mib(peak)} MiB`);
      context.diagnostic(`upload_memory ${memory}: peak RSS ${mib(peak)} MiB`);
    });
  }
});

function mib(bytes: number): number {
  return Math.round(bytes / MiB);
}
