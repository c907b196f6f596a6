/**
 * Directories of 20,000 and then 500,000 files, with COS, gateway and client in processes of their own: how
 * soon the first line comes, how long the whole takes, and what memory it costs. `npm run test:long`.
 */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { testBucket, testSecretId, testSecretKey } from '#test/support/cosd.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { freePassivePort } from '#test/support/port-range.ts';
import { type Program, startProgram } from '#test/support/program.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';

const MiB = 1024 * 1024;
/** The aim is 50 ms; a machine with other work on it must not fail this for that. */
const firstLineMsMax = 1000;
/** What a listing may add to the resident memory, code and buffers of the first ones included. */
const grownBytesMax = 30 * MiB;

interface Pair extends AsyncDisposable {
  readonly gateway: Program;
  readonly port: number;
}

async function startPair(directories: Readonly<Record<string, number>>): Promise<Pair> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await temporaryDirectory());
  const cosd = fork(
    new URL('../support/filled-cosd.ts', import.meta.url),
    Object.entries(directories).flat().map(String),
  );
  stack.defer(() => void cosd.kill('SIGKILL'));
  const [{ port: cosPort }] = (await once(cosd, 'message')) as [{ port: number }];
  const config = join(directory.path, 'gateway.json');
  await writeFile(config, JSON.stringify(gatewayWords(cosPort, await freePassivePort(16))));
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

function gatewayWords(cosPort: number, passivePort: string): Record<string, unknown> {
  return {
    listen_address: '127.0.0.1',
    listen_port: 0,
    admin_port: 0,
    passive_port: passivePort,
    cos: {
      bucket: testBucket,
      endpoint: `127.0.0.1:${cosPort}`,
      protocol: 'http',
      credentials: 'static',
      secretid: testSecretId,
      secretkey: testSecretKey,
    },
    accounts: [{ user: 'alice', password: 'secret' }],
  };
}

interface Timing {
  readonly lines: number;
  readonly firstMs: number;
  readonly wholeMs: number;
}

async function list(client: FtpClient, command: string): Promise<Timing> {
  const data = await client.openData();
  const startedMs = performance.now();
  let firstMs = Number.NaN;
  let lines = 0;
  data.on('data', (chunk: Buffer) => {
    if (lines === 0) firstMs = performance.now() - startedMs;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++;
  });
  const ended = once(data, 'end');
  await client.expect(150, command);
  await ended;
  assert.equal((await client.reply()).code, 226);
  data.destroy();
  return { lines, firstMs, wholeMs: performance.now() - startedMs };
}

/** One command after the other: each may take the memory only so far above where it was before. */
async function listAll(
  context: TestContext,
  { gateway, port }: Pair,
  { directory, count, commands }: { directory: string; count: number; commands: string[] },
): Promise<void> {
  await using client = await FtpClient.logIn(port);
  await client.expect(250, `CWD ${directory}`);
  for (const command of commands) {
    const beforeBytes = gateway.rssBytes();
    gateway.forgetPeak();
    const { lines, firstMs, wholeMs } = await list(client, command);
    const grownBytes = gateway.peakRssBytes() - beforeBytes;
    context.diagnostic(
      `${command} of ${count}: ${lines} lines, first after ${firstMs.toFixed(0)} ms, ` +
        `whole in ${wholeMs.toFixed(0)} ms, RSS ${mib(beforeBytes)} MiB and at most ${mib(grownBytes)} MiB more`,
    );
    assert.equal(lines, command.includes('*') ? count / 10 : count, command);
    assert.ok(firstMs < firstLineMsMax, `first line of ${command} after ${firstMs} ms`);
    assert.ok(grownBytes < grownBytesMax, `${command} took ${mib(grownBytes)} MiB more`);
  }
}

function mib(bytes: number): number {
  return Math.round(bytes / MiB);
}

test('directories of any size are listed whole, soon and in the same memory', async (context) => {
  await using pair = await startPair({ few: 20_000, more: 500_000 });
  const commands = ['LIST', 'MLSD', 'NLST', 'LIST *9.bin'];
  await listAll(context, pair, { directory: 'few', count: 20_000, commands });
  await listAll(context, pair, {
    directory: 'more',
    count: 500_000,
    commands: commands.slice(0, 2),
  });
});
