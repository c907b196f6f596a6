/** A start that fails says why in one sentence with its cure, leaves nothing open and ends. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { systemClock } from '#gateway/kit/clock.ts';
import { silentLog } from '#gateway/kit/log.ts';
import { RunError } from '#gateway/run/errors.ts';
import { startGateway } from '#gateway/run/gateway.ts';
import { listenError } from '#gateway/run/listen-error.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { loadWords } from '#test/support/gateway.ts';
import { freePassivePort } from '#test/support/port-range.ts';
import { runProgram, startProgram } from '#test/support/program.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';

async function takenPort(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, [Symbol.asyncDispose]: async () => void server.close() };
}

const words = {
  listen_address: '127.0.0.1',
  listen_port: 0,
  cos: { bucket: 'inbox-1250000000', region: 'ap-guangzhou', secretid: 'id', secretkey: 'key' },
  accounts: [{ user: 'alice', password: 'secret' }],
};

async function configured() {
  const directory = await temporaryDirectory();
  const text = JSON.stringify({ ...words, passive_port: await freePassivePort(4) });
  await writeFile(join(directory.path, 'gateway.json'), text);
  const start = (...more: string[]) =>
    runProgram({ args: ['serve', '-c', 'gateway.json', ...more], cwd: directory.path });
  return { start, [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose]() };
}

describe('a start that fails', () => {
  test('a taken FTP port ends it, without a word about passive ports', async () => {
    await using taken = await takenPort();
    await using gateway = await configured();
    const { code, stdout, stderr } = await gateway.start('--set', `listen_port=${taken.port}`);
    assert.equal(code, 1);
    const place = `listen_address 127.0.0.1, listen_port ${taken.port}`;
    assert.match(stderr, new RegExp(`${place}: the port is in use \\(Stop .* another listen_port`));
    assert.doesNotMatch(stdout, /passive port/);
  });

  test('a taken admin port that somebody chose ends it, though FTP is open by then', async () => {
    await using taken = await takenPort();
    await using gateway = await configured();
    const { code, stderr } = await gateway.start('--set', `admin_port=${taken.port}`);
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`admin_port ${taken.port}: the port is in use`));
  });

  test('an address of another machine is told as such', async () => {
    await using gateway = await configured();
    const { code, stderr } = await gateway.start('--set', 'listen_address=203.0.113.9');
    assert.equal(code, 1);
    assert.match(stderr, /listen_address 203\.0\.113\.9, .*: this machine has no such address/);
  });

  test('taken passive ports end only who would choose others, as a demo does', async () => {
    await using taken = await takenPort();
    const { config } = loadWords({ ...words, admin_port: 0, passive_port: taken.port });
    const start = (whenPassiveTaken: 'retry' | 'fail') =>
      startGateway({ config, clock: systemClock, log: silentLog, env: {}, whenPassiveTaken });
    await assert.rejects(
      start('fail'),
      (error) => error instanceof RunError && error.kind === 'port-taken',
    );
    await using _started = await start('retry');
  });

  test('a second demo in one directory names the first and --data-dir', async () => {
    await using directory = await temporaryDirectory();
    const demo = { args: ['serve', '--demo'], cwd: directory.path };
    await using first = await startProgram(demo);
    const { code, stderr } = await runProgram(demo);
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`a demo runs here already: .* process ${first.process.pid} `));
    assert.match(stderr, /npm start -- --data-dir DIR/);
    await using second = await startProgram({ ...demo, args: [...demo.args, '--data-dir', 'two'] });
    assert.notEqual(second.listening['ftp_port'], first.listening['ftp_port']);
  });

  test('demos that start at once in different directories all start', async () => {
    await using directory = await temporaryDirectory();
    await using programs = new AsyncDisposableStack();
    const starts = ['one', 'two', 'three'].map(async (name) =>
      programs.use(
        await startProgram({ args: ['serve', '--demo', '--data-dir', name], cwd: directory.path }),
      ),
    );
    const demos = await Promise.all(starts);
    assert.equal(new Set(demos.map(({ listening }) => listening['ftp_port'])).size, 3);
    for (const { stdout } of demos) {
      const [, user, password, port] =
        /ftp:\/\/(\w+):(\w+)@127\.0\.0\.1:(\d+)\//.exec(stdout) ?? [];
      await using client = await FtpClient.logIn(Number(port), user, password);
      await client.expect(227, 'PASV');
    }
  });

  test('cosd names its own words, and the place that can be no directory', async () => {
    await using taken = await takenPort();
    await using directory = await temporaryDirectory();
    const cosd = (...more: string[]) =>
      runProgram({
        args: ['cosd', ...more],
        env: { COSD_SECRET_KEY: 'secret' },
        cwd: directory.path,
      });
    const port = await cosd('--port', String(taken.port));
    assert.deepEqual([port.code, /--port \d+: the port is in use/.test(port.stderr)], [1, true]);
    await writeFile(join(directory.path, 'file'), '');
    const place = await cosd('--port', '0', '--data-dir', 'file');
    assert.deepEqual([place.code, /another place with --data-dir/.test(place.stderr)], [1, true]);
    const never = await cosd('--port', '0', '--data-dir', '/proc/nope');
    assert.deepEqual([never.code, /another place with --data-dir/.test(never.stderr)], [1, true]);
    const admin = await cosd('--port', '0', '--admin-port', String(taken.port));
    assert.deepEqual(
      [admin.code, /--admin-port \d+: the port is in use/.test(admin.stderr)],
      [1, true],
    );
    const words = await cosd('--port', '0', '--admin-port', 'many');
    assert.deepEqual([words.code, /--admin-port many: not a port/.test(words.stderr)], [2, true]);
  });
});

test('what is no failure to listen stays what it is', () => {
  const choice = { host: '::', port: 21, hostWord: 'listen_address', portWord: 'listen_port' };
  const other = new Error('something else');
  assert.equal(listenError(other, choice), other);
  for (const code of ['EACCES', 'EAFNOSUPPORT']) {
    const told = listenError(Object.assign(new Error('listen'), { code }), choice);
    assert.match(String(told), /listen_address ::, listen_port 21: this (user|machine) /);
  }
});
