/**
 * A full house in a small container: 64 uploads under way, 300 sessions that do nothing and 1,000 logins,
 * all in 256 MiB with the swap switched off, where one page too many ends the process. COS is outside and
 * keeps no bytes. Prints the gateway's highest resident size.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hashPassword } from '#gateway/auth/password.ts';
import { findFreePort } from '#gateway/run/free-port.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { cosPlace, gatewayWords, programKey } from '#test/support/gateway-words.ts';
import { freePassivePort } from '#test/support/port-range.ts';
import { startProgram } from '#test/support/program.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';
import { type Container, docker, runContainer } from './docker.ts';
import { gatewayImage as image } from './images.ts';

const MiB = 1024 * 1024;
const uploadCount = 64;
const uploadBytes = 24 * MiB;
const idleCount = 300;
const loginCount = 1_000;
/** At a time. Each has a password hash to be computed, which takes memory of its own. */
const loginsAtOnce = 20;
const chunk = Buffer.alloc(MiB / 4, 'crowd');

interface House extends AsyncDisposable {
  readonly container: Container;
  readonly port: number;
}

async function startHouse(): Promise<House> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await temporaryDirectory());
  await chmod(directory.path, 0o755);
  const cosd = stack.use(
    await startProgram({
      args: ['cosd', '--port', '0', '--discard'],
      env: { COSD_SECRET_KEY: programKey },
      cwd: directory.path,
    }),
  );
  const port = (await findFreePort('127.0.0.1', 2_400, 500)) ?? 0;
  const file = join(directory.path, 'gateway.json');
  const words = gatewayWords(cosPlace(cosd), {
    listen_port: port,
    passive_port: await freePassivePort(100),
    accounts: [{ user: 'alice', password_hash: await hashPassword('secret') }],
  });
  await writeFile(file, JSON.stringify(words));
  const mounted = '/etc/cos-ftp-gateway/gateway.json';
  const container = stack.use(
    await runContainer([
      '--network',
      'host',
      '--memory',
      '256m',
      '--memory-swap',
      '256m',
      '--volume',
      `${file}:${mounted}:ro`,
      image,
      'serve',
      '--config',
      mounted,
    ]),
  );
  await container.waitFor('listening');
  const owned = stack.move();
  return { container, port, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

interface RunningUpload {
  readonly client: FtpClient;
  readonly data: Socket;
}

async function beginUpload(port: number, index: number): Promise<RunningUpload> {
  const client = await FtpClient.logIn(port);
  const data = await client.beginStore(`file ${index}`);
  data.write(chunk);
  return { client, data };
}

/** The rest of the file as fast as the gateway takes it. @returns the code of the last reply. */
async function endUpload({ client, data }: RunningUpload): Promise<number> {
  for (let sent = chunk.length; sent < uploadBytes; sent += chunk.length) {
    if (!data.write(chunk)) await once(data, 'drain');
  }
  data.end();
  await once(data.resume(), 'close');
  const { code } = await client.reply();
  await client[Symbol.asyncDispose]();
  return code;
}

async function logInAndOut(port: number, count: number): Promise<void> {
  for (let done = 0; done < count; done++) {
    const client = await FtpClient.logIn(port);
    await client.expect(221, 'QUIT');
    client.destroy();
  }
}

/** Highest resident size of the gateway so far, in MiB. */
async function peakMib(container: Container): Promise<number> {
  const status = await docker('exec', container.id, 'cat', '/proc/1/status');
  return Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024);
}

test('64 uploads, 300 idle sessions and 1,000 logins fit into 256 MiB', async (context: TestContext) => {
  await using house = await startHouse();
  const { port, container } = house;
  const idle: FtpClient[] = [];
  while (idle.length < idleCount) idle.push(await FtpClient.logIn(port));
  const uploads: RunningUpload[] = [];
  while (uploads.length < uploadCount) uploads.push(await beginUpload(port, uploads.length));

  const logins = Array.from({ length: loginsAtOnce }, () =>
    logInAndOut(port, loginCount / loginsAtOnce),
  );
  const codes = await Promise.all(uploads.map(endUpload));
  await Promise.all(logins);

  assert.deepEqual(new Set(codes), new Set([226]));
  for (const client of idle) {
    await client.expect(200, 'NOOP');
    client.destroy();
  }
  context.diagnostic(`peak RSS of the gateway: ${await peakMib(container)} MiB of 256`);
  assert.equal(await container.inspect('{{.State.OOMKilled}} {{.State.Running}}'), 'false true');
});
