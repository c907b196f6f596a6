/** A certificate that is replaced while the gateway runs. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { TLSSocket } from 'node:tls';
import { Certificates } from '#gateway/run/certificates.ts';
import { type TestCertificate, testCertificate } from '#test/support/certificate.ts';
import { until } from '#test/support/condition.ts';
import { fakeClock } from '#test/support/fake-clock.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { recordingLog } from '#test/support/recording-log.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';
import { pairIn, startTlsGateway, type TlsGateway, writePair } from '#test/support/tls-gateway.ts';

const first = testCertificate({ commonName: 'first' });
const second = testCertificate({
  commonName: 'second',
  notAfter: new Date('2033-05-18T03:33:20Z'),
});
const notAfter = 'cosftp_tls_certificate_not_after_timestamp_seconds';
const loads = (result: string) => `cosftp_tls_certificate_loads_total{result="${result}"}`;

/** Common name of the certificate that new sessions get. */
async function served(ftp: TlsGateway): Promise<string> {
  await using client = await FtpClient.connect(ftp.port);
  await client.secure();
  assert.ok(client.socket instanceof TLSSocket);
  return String(client.socket.getPeerCertificate().subject.CN);
}

const subjects = (ftp: TlsGateway) =>
  ftp.lines.filter(({ msg }) => msg === 'certificate loaded').map((line) => line['subject']);

test('new sessions get the new pair, running ones go on with theirs, data connections too', async () => {
  await using ftp = await startTlsGateway({ certificate: first });
  assert.equal(await served(ftp), 'first');
  await using running = await FtpClient.logInSecurely(ftp.port);
  const data = await running.beginStore('file');
  await once(data, 'secureConnect');

  await writePair(ftp.directory, second);
  await until('the new pair', () => subjects(ftp).length === 2);
  assert.equal(await served(ftp), 'second');
  assert.equal(await ftp.metric(notAfter), 2_000_000_000);
  assert.equal(await ftp.metric(loads('success')), 2);

  data.end('begun before');
  assert.equal((await running.reply()).code, 226);
  const wire = await running.openData();
  await running.expect(150, 'STOR later');
  const later = running.protect(wire);
  assert.ok(later instanceof TLSSocket);
  await once(later, 'secureConnect');
  assert.equal(later.isSessionReused(), true, 'the session of before is resumed');
  later.end('x');
  assert.equal((await running.reply()).code, 226);
});

test('a volume of Kubernetes, which swaps a link named ..data, is followed', async () => {
  await using ftp = await startTlsGateway({ certificate: first });
  const mount = async (name: string, pair: TestCertificate) => {
    await mkdir(join(ftp.directory, name));
    await writeFile(join(ftp.directory, name, 'tls.crt'), pair.certificate);
    await writeFile(join(ftp.directory, name, 'tls.key'), pair.key);
    await symlink(name, join(ftp.directory, '..data_tmp'));
    await rename(join(ftp.directory, '..data_tmp'), join(ftp.directory, '..data'));
  };
  await mount('..2026_1', first);
  for (const file of ['tls.crt', 'tls.key']) {
    await rm(join(ftp.directory, file));
    await symlink(`..data/${file}`, join(ftp.directory, file));
  }
  await mount('..2026_2', second);
  await until('the new pair', () => subjects(ftp).length === 2);
  assert.equal(await served(ftp), 'second');
});

test('a pair that cannot be used keeps the one before, with one error', async () => {
  await using ftp = await startTlsGateway({ certificate: first });
  const errors = () => ftp.lines.filter(({ level }) => level === 'error');
  await writeFile(join(ftp.directory, 'tls.key'), second.key);
  await until('the complaint', () => errors().length === 1, 15_000);
  assert.match(String(errors()[0]?.['reason']), /tls.key: this key does not belong to/);
  assert.equal(await served(ftp), 'first');
  assert.equal(await ftp.metric(loads('failure')), 1);
  await writePair(ftp.directory, second);
  await until('the new pair', () => subjects(ftp).length === 2);
  assert.equal(await served(ftp), 'second');
  assert.equal(errors().length, 1);
});

test('a pair that does not belong together is complained about after 5 s, once', async () => {
  await using directory = await temporaryDirectory();
  await writePair(directory.path, first);
  const clock = fakeClock();
  const log = recordingLog();
  const observer = { certificateLoaded: () => undefined, certificateRefused: () => undefined };
  const certificates = new Certificates({ tls: pairIn(directory.path), clock, log, observer });
  const complaints = async (advanceMs: number) => {
    await clock.advance(advanceMs);
    await certificates.look();
    return log.messages('error').length;
  };
  await writeFile(join(directory.path, 'tls.crt'), second.certificate);
  assert.equal(await complaints(0), 0);
  assert.equal(await complaints(4_999), 0);
  assert.equal(await complaints(1), 1);
  assert.equal(await complaints(60_000), 1);
  await rm(join(directory.path, 'tls.key'));
  assert.equal(await complaints(0), 1, 'another reason has its own time');
  assert.equal(await complaints(5_000), 2);
  await writePair(directory.path, first);
  await writeFile(join(directory.path, 'tls.crt'), second.certificate);
  assert.equal(await complaints(4_999), 2);
  await writePair(directory.path, second);
  assert.equal(await complaints(60_000), 2, 'the key came in time');
});
