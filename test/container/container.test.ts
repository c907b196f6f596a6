/**
 * The images on a real Docker engine, hardened as far as it goes. Needs docker and curl; prints sizes and
 * start-up times. Ports are free ones, so it runs beside a gateway on the usual ports.
 */
import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { findFreePort } from '#gateway/run/free-port.ts';
import { until } from '#test/support/condition.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';
import { type Container, command, docker, hardening, runContainer } from './docker.ts';
import { gatewayImage as image, operatorImage } from './images.ts';

/** For whoever reads the run. */
const say = (text: string) => void process.stdout.write(`${text}\n`);

let nextPassive = 62_000;

const root = join(import.meta.dirname, '../..');

interface Ports {
  readonly ftp: number;
  /** Options of `docker run` that publish them. */
  readonly options: readonly string[];
}

/** The same numbers inside and outside: what passive mode announces must be what is published. */
async function choosePorts(): Promise<Ports> {
  const ftp = (await findFreePort('::', 2_180, 500)) ?? 0;
  const first = (await findFreePort('::', nextPassive, 500)) ?? 0;
  nextPassive = first + 4;
  const range = `${first}-${first + 3}`;
  const options = [
    '--publish',
    `${ftp}:${ftp}`,
    '--publish',
    `${range}:${range}`,
    '--env',
    `COSFTP_LISTEN_PORT=${ftp}`,
    '--env',
    `COSFTP_PASSIVE_PORT=${range}`,
  ];
  return { ftp, options };
}

interface Demo extends AsyncDisposable {
  readonly container: Container;
  readonly port: number;
  readonly password: string;
  readonly url: string;
}

async function startDemo(options: readonly string[] = []): Promise<Demo> {
  const ports = await choosePorts();
  const container = await runContainer([
    '--tmpfs',
    '/data',
    ...ports.options,
    ...options,
    image,
    'serve',
    '--demo',
  ]);
  await container.waitFor('listening');
  const password = /ftp:\/\/demo:(\w+)@/.exec(await container.logs())?.[1] ?? '';
  return {
    container,
    port: ports.ftp,
    password,
    url: `ftp://demo:${password}@127.0.0.1:${ports.ftp}`,
    [Symbol.asyncDispose]: () => container[Symbol.asyncDispose](),
  };
}

async function curl(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await command('curl', ['-sS', '--max-time', '30', ...args]);
  assert.equal(code, 0, stderr);
  return stdout;
}

describe('the gateway image', () => {
  test('hardened, stores and reads by curl, with EPSV and with PASV, and is healthy', async () => {
    await using directory = await temporaryDirectory();
    const file = join(directory.path, 'hello.txt');
    await writeFile(file, 'hello\n');
    await using demo = await startDemo();
    await curl('-T', file, `${demo.url}/`);
    assert.equal(await curl(`${demo.url}/hello.txt`), 'hello\n');
    assert.equal(await curl('--disable-epsv', `${demo.url}/hello.txt`), 'hello\n');
    const { id } = demo.container;
    const check = await command('docker', ['exec', id, 'node', '/app/bin/healthcheck.mjs']);
    assert.equal(check.code, 0, check.stderr);
    const admin = await demo.container.inspect(
      '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}',
    );
    assert.match(await curl(`http://${admin}:9121/readyz`), /^ready$/m);
    const status = await docker('exec', id, 'cat', '/proc/1/status');
    assert.match(status, /^Uid:\s+65532\s/m);
    assert.match(status, /^CapBnd:\s+0+$/m);
    assert.match(status, /^NoNewPrivs:\s+1$/m);
  });

  test('starts with the compiled code the image holds', async () => {
    const timed = async (options: readonly string[]) => {
      const times: number[] = [];
      for (let round = 0; round < 3; round++) {
        await using demo = await startDemo(options);
        times.push(await demo.container.startupMs());
      }
      return times.sort((one, other) => one - other)[1] ?? Number.NaN;
    };
    const with_ = await timed([]);
    const without = await timed(['--env', 'NODE_DISABLE_COMPILE_CACHE=1']);
    say(`start to listening: ${with_} ms; without the compiled code ${without} ms`);
    const talk = await command('docker', [
      'run',
      '--rm',
      ...hardening,
      '--env',
      'NODE_DEBUG_NATIVE=COMPILE_CACHE',
      image,
      'version',
    ]);
    const heard = talk.stdout + talk.stderr;
    assert.match(heard, /gateway\/main\.ts.*success/);
    assert.doesNotMatch(heard, /was rejected/);
  });

  test('docker stop during an upload lets it finish, then ends with 0', async () => {
    await using demo = await startDemo();
    await using client = await FtpClient.logIn(demo.port, 'demo', demo.password);
    const data = await client.beginStore('slow');
    data.write(Buffer.alloc(2_000_000));
    const stopped = docker('stop', '--time', '60', demo.container.id);
    await demo.container.waitFor('new sessions are refused');
    data.end(Buffer.alloc(1_000_000));
    assert.equal((await client.reply()).code, 226);
    assert.equal((await client.expect(213, 'SIZE slow')).text, '213 3000000');
    client.send('QUIT');
    await stopped;
    assert.equal(await demo.container.inspect('{{.State.ExitCode}}'), '0');
  });

  test('without a configuration says so and ends with 2', async () => {
    const { code, stderr } = await command('docker', ['run', '--rm', ...hardening, image]);
    assert.equal(code, 2);
    assert.match(stderr, /serve needs --config FILE or --demo/);
  });

  test('takes a mounted file, variables over it, and a COS in another container', async () => {
    await using directory = await temporaryDirectory();
    await chmod(directory.path, 0o755);
    const network = `cosftp-test-${process.pid}`;
    await docker('network', 'create', network);
    try {
      await using cos = await runContainer([
        '--network',
        network,
        '--network-alias',
        'inbox-1250000000.cos',
        '--env',
        'COSD_SECRET_KEY=rehearsal-only',
        '--tmpfs',
        '/data',
        image,
        'cosd',
        '--host',
        '0.0.0.0',
        '--data-dir',
        '/data/objects',
      ]);
      await cos.waitFor('listening');
      const ports = await choosePorts();
      const mounted = '/etc/cos-ftp-gateway/gateway.yaml';
      await using gateway = await runContainer([
        '--network',
        network,
        ...ports.options,
        '--volume',
        `${root}/examples/compose.yaml:${mounted}:ro`,
        '--env',
        'COSFTP_MASQUERADE_ADDRESS=127.0.0.1',
        '--env',
        'COSFTP_DRAIN_ACCEPT_SECONDS=0',
        image,
        'serve',
        '--config',
        mounted,
      ]);
      await gateway.waitFor('listening');
      const file = join(directory.path, 'hello.txt');
      await writeFile(file, 'hello\n');
      const url = `ftp://alice:change-me@127.0.0.1:${ports.ftp}/hello.txt`;
      await curl('--disable-epsv', '-T', file, url);
      assert.equal(await curl(url), 'hello\n');
      assert.doesNotMatch(await gateway.logs(), /not writable/);
      await until('no session', async () => {
        const text = await docker('exec', gateway.id, 'node', '-e', askSessions);
        return text === '0';
      });
      const beganMs = performance.now();
      await docker('stop', gateway.id);
      assert.ok(performance.now() - beganMs < 5_000, 'with nobody there it ends at once');
      assert.equal(await gateway.inspect('{{.State.ExitCode}}'), '0');
    } finally {
      await docker('network', 'rm', network);
    }
  });
});

const askSessions =
  "fetch('http://127.0.0.1:9121/statusz').then(r => r.json()).then(s => console.log(s.sessions))";

describe('the operator image', () => {
  test('tells its options hardened', async () => {
    const { code, stdout, stderr } = await command('docker', [
      'run',
      '--rm',
      ...hardening,
      operatorImage,
      '--help',
    ]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /--gateway-image/);
  });
});
