/**
 * What a correct configuration still lacks on this machine: keys in the environment, files with
 * passwords and keys. Never an error: files may come later, and a configuration may be checked on another
 * machine than it runs on.
 */

import { accessSync, constants } from 'node:fs';
import type { AccountConfig, GatewayConfig, TlsConfig } from '#gateway/config/model.ts';
import type { Notice } from '#gateway/config/problem.ts';
import { systemClock } from '#gateway/kit/clock.ts';
import { systemCode } from '#gateway/kit/errors.ts';
import { CertificateError, readCertificate, validityProblem } from './certificate.ts';

export function machineNotices(
  { accounts, tls }: Pick<GatewayConfig, 'accounts' | 'tls'>,
  env: NodeJS.ProcessEnv,
): Notice[] {
  const isKeyThere = env['TENCENTCLOUD_SECRET_ID'] && env['TENCENTCLOUD_SECRET_KEY'];
  const needing = accounts.filter(({ cos }) => cos.credentials.kind === 'environment');
  return [
    ...(needing.length > 0 && !isKeyThere ? [keyMissing(needing)] : []),
    ...accounts.flatMap((account) => filesOf(account).flatMap(unreadable)),
    ...(tls ? certificateNotices(tls) : []),
  ];
}

function keyMissing(accounts: readonly AccountConfig[]): Notice {
  const users = accounts.map(({ user }) => user).join(', ');
  return {
    level: 'warn',
    place: 'cos.credentials',
    message: `environment: it holds no key here, so transfers of ${users} will answer 451`,
    hint: 'set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY where the gateway runs',
  };
}

interface NamedFile {
  readonly place: string;
  readonly path: string;
  readonly hint: string;
}

function filesOf({ user, password, cos: { credentials } }: AccountConfig): NamedFile[] {
  const files: NamedFile[] = [];
  if (password.kind === 'file') {
    const hint = `until it is there, ${user} cannot log in`;
    files.push({ place: `password_file of ${user}`, path: password.path, hint });
  }
  if (credentials.kind === 'static-files') {
    const hint = `until it is there, transfers of ${user} will answer 451`;
    files.push({ place: `secretid_file of ${user}`, path: credentials.secretid_file, hint });
    files.push({ place: `secretkey_file of ${user}`, path: credentials.secretkey_file, hint });
  }
  return files;
}

function unreadable({ place, path, hint }: NamedFile): Notice[] {
  try {
    accessSync(path, constants.R_OK);
    return [];
  } catch (error) {
    const code = systemCode(error) ?? 'unknown';
    const reason = code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`;
    return [{ level: 'warn', place, message: `${path}: ${reason}`, hint }];
  }
}

/** What makes the pair unusable is told by usable-config.ts. */
function certificateNotices(tls: TlsConfig): Notice[] {
  try {
    const certificate = readCertificate(tls);
    const problem = validityProblem(certificate, systemClock.now());
    if (!problem) return [];
    const when = (
      problem === 'expired' ? certificate.notAfter : certificate.notBefore
    ).toISOString();
    const message = `${tls.certificate_file}: the certificate is ${problem} (${when})`;
    const hint = 'clients that check it will refuse; a new pair is taken while the gateway runs';
    return [{ level: 'warn', place: 'tls.certificate_file', message, hint }];
  } catch (error) {
    if (error instanceof CertificateError) return [];
    throw error;
  }
}
