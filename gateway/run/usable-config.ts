/**
 * Refuses a configuration that is correct by itself and cannot be served on this machine. A gateway that
 * started without its certificate would teach its clients to go on in clear.
 */
import type { LoadedConfig } from '#gateway/config/load.ts';
import type { TlsConfig } from '#gateway/config/model.ts';
import { ConfigError, type Problem } from '#gateway/config/problem.ts';
import { CertificateError, readCertificate } from './certificate.ts';

/** @throws ConfigError `invalid` with the place of each word that cannot be honoured. */
export function requireUsable<T extends LoadedConfig>(loaded: T): T {
  const { config, placeOf, notices } = loaded;
  const problems = config.tls ? certificateProblems(config.tls, placeOf) : [];
  if (problems.length > 0) throw new ConfigError('invalid', problems, notices);
  return loaded;
}

function certificateProblems(tls: TlsConfig, placeOf: LoadedConfig['placeOf']): Problem[] {
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
