/**
 * Refuses a configuration that is correct by itself and cannot be served on this machine. A gateway that
 * started without its certificate would teach its clients to go on in clear. One that runs has its pair in
 * memory, so there the same is only worth saying: it must never keep an account from being taken away.
 */
import type { LoadedConfig } from '#gateway/config/load.ts';
import { ConfigError, type Notice, type Problem } from '#gateway/config/problem.ts';
import { CertificateError, readCertificate } from './certificate.ts';

/** @throws ConfigError `invalid` with the place of each word that cannot be honoured. */
export function requireUsable<T extends LoadedConfig>(loaded: T): T {
  const problems = certificateProblems(loaded);
  if (problems.length > 0) throw new ConfigError('invalid', problems, loaded.notices);
  return loaded;
}

/** For a reload, which leaves `tls` as it is: what `requireUsable` refuses, among the notices. */
export function noteUnusable(loaded: LoadedConfig): LoadedConfig {
  const trouble = certificateProblems(loaded).map(
    (problem): Notice => ({ ...problem, level: 'warn' }),
  );
  return { ...loaded, notices: [...loaded.notices, ...trouble] };
}

function certificateProblems({ config: { tls }, placeOf }: LoadedConfig): Problem[] {
  if (!tls) return [];
  try {
    readCertificate(tls);
    return [];
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    const place = placeOf(['tls', error.word]);
    const message = `tls.${error.word}: ${error.message}`;
    return [error.hint === undefined ? { place, message } : { place, message, hint: error.hint }];
  }
}
