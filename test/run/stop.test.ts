/** The program while its address changes and after SIGTERM, as a process with a configuration of its own. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '#test/support/condition.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { freePassivePort } from '#test/support/port-range.ts';
import { startProgram } from '#test/support/program.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';

const yaml = (passivePort: string) => `
listen_address: 127.0.0.1
listen_port: 0
passive_port: ${passivePort}
masquerade_address_file: address
admin_port: 0
drain_accept_seconds: 1
cos: {region: ap-guangzhou, bucket: inbox-1250000000, endpoint: "127.0.0.1:1", protocol: http, secretid: a, secretkey: b}
accounts: [{user: alice, password: secret}]
`;

test('a session gets each new address of the file, and outlives SIGTERM for as long as it works', async () => {
  await using directory = await temporaryDirectory();
  await writeFile(join(directory.path, 'gateway.yaml'), yaml(await freePassivePort(4)));
  await using program = await startProgram({
    args: ['serve', '--config', 'gateway.yaml'],
    cwd: directory.path,
  });
  const port = Number(program.listening['ftp_port']);
  await using client = await FtpClient.logIn(port);
  await client.expect(425, 'PASV');
  await client.expect(229, 'EPSV');
  for (const address of ['203.0.113.1', '203.0.113.2']) {
    await writeFile(join(directory.path, 'new'), address);
    await rename(join(directory.path, 'new'), join(directory.path, 'address'));
    const told = `(${address.replaceAll('.', ',')},`;
    await until(`227 with ${address}`, async () => {
      return (await client.command('PASV')).text.includes(told);
    });
  }
  program.process.kill('SIGTERM');
  await until('the drain', () => program.stdout.includes('"msg":"stopping"'));
  await using late = await FtpClient.logIn(port);
  await until('the end of new sessions', () => program.stdout.includes('new sessions are refused'));
  await using refused = await FtpClient.connect(port);
  assert.equal(refused.greeting.code, 421);
  assert.equal((await client.expect(227, 'PASV')).text.includes('(203,0,113,2,'), true);
  await late.expect(229, 'EPSV');
  for (const leaving of [client, late]) leaving.send('QUIT');
  await once(program.process, 'close');
  assert.equal(program.process.exitCode, 0);
});

test('COSFTP_DEFAULTS=container opens the admin port to all and writes no file; words go before', async () => {
  await using directory = await temporaryDirectory();
  await writeFile(
    join(directory.path, 'gateway.yaml'),
    yaml(await freePassivePort(4)).replace('masquerade_address_file: address', ''),
  );
  const args = ['serve', '--config', 'gateway.yaml', '--set', 'drain_accept_seconds=0'];
  const env = { COSFTP_DEFAULTS: 'container' };
  const livez = async (port: unknown, host: string) => {
    const url = `http://${host}:${Number(port)}/livez`;
    return fetch(url).then(
      (response) => response.status,
      () => 'refused',
    );
  };
  await using open = await startProgram({ args, env, cwd: directory.path });
  assert.equal(await livez(open.listening['admin_port'], '127.0.0.2'), 200);
  assert.deepEqual(await open.stop(), { code: 0, signal: null });
  assert.doesNotMatch(open.stdout, /cos_v5\.log/);
  const narrowed = { ...env, COSFTP_ADMIN_ADDRESS: '127.0.0.1' };
  await using narrow = await startProgram({ args, env: narrowed, cwd: directory.path });
  assert.equal(await livez(narrow.listening['admin_port'], '127.0.0.2'), 'refused');
});
