/** The program whose configuration changes, as a process: its file, SIGHUP, and the terminal that goes. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { testCertificate } from '#test/support/certificate.ts';
import { until } from '#test/support/condition.ts';
import { startTestCosd } from '#test/support/cosd.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { freePassivePort } from '#test/support/port-range.ts';
import { type Program, startProgram } from '#test/support/program.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';
import { pairIn, writePair } from '#test/support/tls-gateway.ts';

const passivePort = await freePassivePort(4);
const yaml = (accounts: string, level = 'info') => `
listen_address: 127.0.0.1
listen_port: 0
passive_port: ${passivePort}
admin_port: 0
drain_accept_seconds: 0
log: {level: ${level}}
cos: {region: ap-guangzhou, bucket: inbox-1250000000, endpoint: "127.0.0.1:1", protocol: http, secretid: a, secretkey: b}
accounts: [${accounts}]
`;
const alice = '{user: alice, password: secret}';
const bob = '{user: bob, password: builder}';

function linesOf(program: Program, msg: string): Record<string, unknown>[] {
  const lines = program.stdout.split('\n').filter((line) => line.startsWith('{'));
  return lines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line['msg'] === msg);
}

test('serve --config follows its file, reads it again at SIGHUP, and stays with the last good one', async () => {
  await using directory = await temporaryDirectory();
  const file = join(directory.path, 'gateway.yaml');
  const write = async (text: string) => {
    await writeFile(`${file}~`, text);
    await rename(`${file}~`, file);
  };
  await write(yaml(alice));
  await using program = await startProgram({
    args: ['serve', '--config', 'gateway.yaml'],
    cwd: directory.path,
  });
  const port = Number(program.listening['ftp_port']);
  const reloads = () => linesOf(program, 'config reloaded');

  await write(yaml(`${alice}, ${bob}`));
  await until('the user of the file', () => reloads().length === 1);
  assert.deepEqual(reloads()[0]?.['users_added'], ['bob']);
  await using session = await FtpClient.logIn(port, 'bob', 'builder');

  program.process.kill('SIGHUP');
  await until('the reload asked for', () => reloads().length === 2);
  assert.equal(reloads()[1]?.['cause'], 'signal');
  await session.expect(200, 'NOOP');

  await write('accounts: [');
  program.process.kill('SIGHUP');
  await until('the refusal', () => linesOf(program, 'config not reloaded').length > 0);
  assert.match(JSON.stringify(linesOf(program, 'config not reloaded')[0]), /gateway.yaml:1:/);
  await session.expect(200, 'NOOP');

  await write(yaml(alice, 'debug'));
  assert.match((await session.reply()).text, /^421 This account was removed/);
  await using other = await FtpClient.logIn(port);
  await until('the new log level', () => linesOf(program, 'session opened').length > 0);
  await other.expect(200, 'NOOP');
  assert.deepEqual(await program.stop('SIGTERM'), { code: 0, signal: null });
});

test('an account is taken away while the certificate is being replaced', async () => {
  await using directory = await temporaryDirectory();
  const { certificate_file, key_file } = pairIn(directory.path);
  await writePair(directory.path, testCertificate({ commonName: 'first' }));
  const file = join(directory.path, 'gateway.yaml');
  const withTls = (accounts: string) =>
    `${yaml(accounts)}tls: {certificate_file: ${certificate_file}, key_file: ${key_file}}\n`;
  await writeFile(file, withTls(`${alice}, ${bob}`));
  await using program = await startProgram({
    args: ['serve', '--config', 'gateway.yaml'],
    cwd: directory.path,
  });
  await using session = await FtpClient.logIn(
    Number(program.listening['ftp_port']),
    'bob',
    'builder',
  );

  const { certificate } = testCertificate({ commonName: 'second' });
  await writeFile(certificate_file, certificate);
  await writeFile(file, withTls(alice));
  assert.match((await session.reply()).text, /^421 This account was removed/);
  const reloads = () => linesOf(program, 'config reloaded');
  await until('the reload', () => reloads().length > 0);
  assert.deepEqual(reloads()[0]?.['users_removed'], ['bob']);
  const notices = JSON.stringify(linesOf(program, 'configuration notice'));
  assert.match(notices, /tls\.key_file: .*this key does not belong to/);
});

test('a demo, which has no file, ends in order at SIGHUP: its terminal was closed', async () => {
  await using directory = await temporaryDirectory();
  await using program = await startProgram({ args: ['serve', '--demo'], cwd: directory.path });
  program.process.kill('SIGHUP');
  await once(program.process, 'close');
  assert.equal(program.process.exitCode, 0);
  assert.match(program.stdout, /"msg":"stopped"/);
});

/** util-linux: runs a command at a terminal of its own, which goes when it does. */
const isScriptThere = spawnSync('script', ['--version']).status === 0;

test('a closed terminal is no wish to reload: the upload finishes and the gateway ends', {
  skip: isScriptThere ? false : 'there is no script(1) here',
}, async () => {
  await using directory = await temporaryDirectory();
  await using cosd = await startTestCosd();
  const file = join(directory.path, 'gateway.yaml');
  const { endpoint, secretId: secretid, secretKey: secretkey } = cosd;
  const account = JSON.stringify({
    user: 'alice',
    password: 'secret',
    cos: { endpoint, secretid, secretkey },
  });
  await writeFile(file, yaml(account));
  const program = `${process.execPath} bin/cos-ftp-gateway.mjs`;
  const command = `exec ${program} serve --config ${file} --set log.directory=${directory.path}`;
  const terminal = spawn('script', ['--quiet', '--command', command, '/dev/null']);
  const log = () => readFile(join(directory.path, 'cos_v5.log'), 'utf8').catch(() => '');
  const saw = (what: string, text: string) =>
    until(what, async () => (await log()).includes(text), 20_000);
  await saw('the gateway', '"msg":"listening"');
  const port = Number(/"ftp_port":(\d+)/.exec(await log())?.[1]);
  await using client = await FtpClient.logIn(port);
  const data = await client.beginStore('last');
  data.write('some ');
  terminal.kill('SIGKILL');
  await saw('the stop', '"msg":"stopping"');
  data.end('bytes');
  assert.equal((await client.reply()).code, 226);
  await saw('the end', '"msg":"stopped"');
  assert.equal(Buffer.from(await cosd.inspect.bytes(cosd.bucket, 'last')).toString(), 'some bytes');
  assert.doesNotMatch(await log(), /"msg":"config reloaded"/);
});
