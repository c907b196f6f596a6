/** `listen_address: "::"` on a machine without IPv6, and on one with it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testCertificate } from '#test/support/certificate.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway } from '#test/support/gateway.ts';
import { startGatewayProgram } from '#test/support/gateway-program.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';
import { pairIn, writePair } from '#test/support/tls-gateway.ts';

const script = fileURLToPath(new URL('../support/without-ipv6.py', import.meta.url));
const notice = 'no ipv6 here: listening on ipv4 addresses only';

test('without IPv6 all listeners take IPv4 and one line says so', async (t) => {
  const isPossible = spawnSync('python3', [script, 'true']).status === 0;
  if (!isPossible) return t.skip('needs python3, Linux on x86-64 or arm64, and seccomp');
  await using directory = await temporaryDirectory();
  await writePair(directory.path, testCertificate());
  await using gateway = await startGatewayProgram(
    { listen_address: '::', tls: { ...pairIn(directory.path), implicit_port: 0 } },
    { under: ['python3', script] },
  );
  const { port, program } = gateway;
  await using client = await FtpClient.logIn(port);
  assert.equal((await client.store('file', Buffer.from('x'))).code, 226);
  assert.match((await client.command('PASV')).text, /^227 .*\(127,0,0,1,/);
  const ftpsPort = Number(program.listening['ftps_port']);
  await using secure = await FtpClient.connectImplicitly(ftpsPort);
  await secure.authenticate();
  assert.equal((await secure.read('NLST')).reply.code, 226);
  assert.equal(program.stdout.split(notice).length - 1, 1);
  assert.doesNotMatch(program.stdout, /passive port not bound/);
});

test('with IPv6 the same word takes both, and nothing is said', async (t) => {
  await using ftp = await startTestGateway({ words: { listen_address: '::' } });
  assert.ok(!ftp.lines.some(({ msg }) => msg === notice));
  await using four = await FtpClient.logIn(ftp.port);
  assert.equal((await four.store('four', Buffer.from('x'))).code, 226);
  const six = await FtpClient.connect(ftp.port, '::1').catch(() => undefined);
  if (!six) return t.skip('there is no ::1 here');
  await using client = six;
  await client.authenticate();
  assert.equal((await client.store('six', Buffer.from('x'))).code, 226);
});
