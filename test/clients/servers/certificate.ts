/** A certificate for 127.0.0.1 that signs itself, as files of a server and its clients. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { testCertificate } from '#test/support/certificate.ts';

export interface CertificateFiles {
  /** What clients verify with: the same. */
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** PEM files in a directory that must exist. */
export async function makeCertificate(directory: string): Promise<CertificateFiles> {
  const { certificate, key } = testCertificate();
  const certificateFile = join(directory, 'server.crt');
  const keyFile = join(directory, 'server.key');
  await writeFile(certificateFile, certificate);
  await writeFile(keyFile, key, { mode: 0o600 });
  return { caFile: certificateFile, certificateFile, keyFile };
}
