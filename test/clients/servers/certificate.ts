/** A certificate authority of one test run and what it signed for 127.0.0.1. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../command.ts';

export interface Certificate {
  /** What clients verify with. */
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

const newKey = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';
const extensions = 'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n';

/** PEM files in a directory that must exist. */
export async function makeCertificate(directory: string): Promise<Certificate> {
  const path = (name: string) => join(directory, name);
  const openssl = (words: string) => runCommand('openssl', words.split(' '), { cwd: directory });
  await writeFile(path('server.ext'), extensions);
  await openssl(`req -x509 ${newKey} -subj /CN=client-suite -days 2 -keyout ca.key -out ca.crt`);
  await openssl(`req ${newKey} -subj /CN=127.0.0.1 -keyout server.key -out server.csr`);
  await openssl(
    'x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile server.ext -days 2 -out server.crt',
  );
  return {
    caFile: path('ca.crt'),
    certificateFile: path('server.crt'),
    keyFile: path('server.key'),
  };
}
