/** What check-config and a start say of a certificate that cannot be served. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TlsConfig } from '#gateway/config/model.ts';
import {
  CertificateError,
  type CertificateErrorKind,
  readCertificate,
  validityProblem,
} from '#gateway/run/certificate.ts';
import { type TestCertificate, testCertificate } from '#test/support/certificate.ts';
import { runProgram } from '#test/support/program.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';
import { pairIn } from '#test/support/tls-gateway.ts';

const pair = testCertificate({ commonName: 'ftp.example.com' });
const other = testCertificate();

async function write(directory: string, { certificate, key }: TestCertificate): Promise<TlsConfig> {
  const words = pairIn(directory);
  await writeFile(words.certificate_file, certificate);
  await writeFile(words.key_file, key);
  return words;
}

test('a pair is read with what the log tells of it', async () => {
  await using directory = await temporaryDirectory();
  const certificate = readCertificate(await write(directory.path, pair));
  assert.equal(certificate.subject, 'CN=ftp.example.com');
  assert.equal(certificate.fingerprint, new X509Certificate(pair.certificate).fingerprint256);
  assert.equal(validityProblem(certificate, Date.now()), undefined);
});

for (const keyType of ['ec', 'rsa'] as const) {
  test(`${keyType} keys, a chain behind the certificate, and text around PEM are accepted`, async () => {
    await using directory = await temporaryDirectory();
    const own = testCertificate({ keyType });
    const certificate = `subject=CN = localhost\n${own.certificate}\n${other.certificate}`;
    const found = readCertificate(await write(directory.path, { ...own, certificate }));
    assert.equal(found.fingerprint, new X509Certificate(own.certificate).fingerprint256);
  });
}

describe('refused, by kind, word and sentence:', () => {
  interface Refusal {
    readonly what: string;
    readonly pair: TestCertificate;
    readonly kind: CertificateErrorKind;
    readonly word: string;
    readonly sentence: RegExp;
  }
  const refusals: readonly Refusal[] = [
    {
      what: 'a key of another certificate',
      pair: { ...pair, key: other.key },
      kind: 'mismatch',
      word: 'key_file',
      sentence: /tls.key: this key does not belong to .*tls.crt$/,
    },
    {
      what: 'a chain in front of the certificate',
      pair: { ...pair, certificate: other.certificate + pair.certificate },
      kind: 'mismatch',
      word: 'key_file',
      sentence: /does not belong/,
    },
    {
      what: 'an encrypted key',
      pair: testCertificate({ passphrase: 'secret' }),
      kind: 'encrypted-key',
      word: 'key_file',
      sentence: /tls.key: the key is encrypted$/,
    },
    {
      what: 'files the wrong way round',
      pair: { certificate: pair.key, key: pair.certificate },
      kind: 'no-certificate',
      word: 'certificate_file',
      sentence: /tls.crt: holds no certificate in PEM$/,
    },
    {
      what: 'a damaged certificate',
      pair: { ...pair, certificate: pair.certificate.replace(/MII/, 'MIX') },
      kind: 'no-certificate',
      word: 'certificate_file',
      sentence: /holds no certificate/,
    },
    {
      what: 'an empty certificate',
      pair: { ...pair, certificate: '' },
      kind: 'no-certificate',
      word: 'certificate_file',
      sentence: /holds no certificate/,
    },
    {
      what: 'a key that is none',
      pair: { ...pair, key: 'ssh-ed25519 AAAA' },
      kind: 'no-key',
      word: 'key_file',
      sentence: /holds no private key/,
    },
    {
      what: 'a key too short for TLS 1.2',
      pair: testCertificate({ keyType: 'rsa', keyBits: 1024 }),
      kind: 'refused',
      word: 'certificate_file',
      sentence: /OpenSSL does not serve with it: ee key too small$/,
    },
  ];
  for (const refusal of refusals) {
    test(refusal.what, async () => {
      await using directory = await temporaryDirectory();
      const words = await write(directory.path, refusal.pair);
      assert.throws(
        () => readCertificate(words),
        (error) => {
          assert.ok(error instanceof CertificateError);
          assert.deepEqual([error.kind, error.word], [refusal.kind, refusal.word]);
          assert.match(error.message, refusal.sentence);
          assert.ok(error.hint);
          return true;
        },
      );
    });
  }

  test('files that are missing, unreadable or directories', async () => {
    await using directory = await temporaryDirectory();
    const words = pairIn(directory.path);
    const unreadable = (sentence: RegExp) =>
      assert.throws(
        () => readCertificate(words),
        (error) =>
          error instanceof CertificateError &&
          error.kind === 'unreadable' &&
          sentence.test(error.message),
      );
    unreadable(/tls.crt: there is no such file/);
    await write(directory.path, pair);
    await chmod(words.key_file, 0o000);
    if (process.getuid?.() !== 0) unreadable(/tls.key: may not be read by this user/);
    await using folder = await temporaryDirectory();
    await mkdir(join(folder.path, 'tls.crt'));
    assert.throws(() => readCertificate(pairIn(folder.path)), /is a directory/);
  });
});

test('validity begins and ends on the millisecond', async () => {
  await using directory = await temporaryDirectory();
  const notBefore = new Date('2030-01-01T00:00:00Z');
  const notAfter = new Date('2031-01-01T00:00:00Z');
  const found = readCertificate(
    await write(directory.path, testCertificate({ notBefore, notAfter })),
  );
  const at = (time: Date, plusMs: number) => validityProblem(found, time.getTime() + plusMs);
  assert.deepEqual([at(notBefore, -1), at(notBefore, 0)], ['not valid yet', undefined]);
  assert.deepEqual([at(notAfter, -1), at(notAfter, 0)], [undefined, 'expired']);
});

describe('check-config', () => {
  const run = async (directory: string, command: 'check-config' | 'serve') => {
    const words = {
      tls: { certificate_file: 'tls.crt', key_file: 'tls.key' },
      cos: { bucket: 'inbox-1250000000', region: 'ap-guangzhou', secretid: 'a', secretkey: 'b' },
      accounts: [{ user: 'alice', password: 'secret' }],
    };
    await writeFile(join(directory, 'gateway.json'), JSON.stringify(words));
    return runProgram({ args: [command, '--config', 'gateway.json'], cwd: directory });
  };

  for (const command of ['check-config', 'serve'] as const) {
    test(`names file, word and cure of a pair that cannot be used; ${command} is exit 2`, async () => {
      await using directory = await temporaryDirectory();
      await write(directory.path, { ...pair, key: other.key });
      const { code, stderr } = await run(directory.path, command);
      assert.equal(code, 2);
      assert.match(
        stderr,
        /^gateway.json:1:\d+: tls.key_file: .*does not belong to .*\(.*comes first/m,
      );
      assert.doesNotMatch(stderr, /PRIVATE KEY/);
    });
  }

  test('warns of a certificate that has expired', async () => {
    await using directory = await temporaryDirectory();
    const expired = { notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') };
    await write(directory.path, testCertificate(expired));
    const { code, stdout } = await run(directory.path, 'check-config');
    assert.equal(code, 0);
    assert.match(stdout, /warn: tls.certificate_file: .*is expired \(2021-01-01/);
  });
});
