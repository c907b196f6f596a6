/**
 * Refuses a configuration that is correct and cannot be served: words this version does nothing with, a
 * certificate that cannot be used. Serving without them would be worse than not to start.
 */
import type { LoadedConfig } from '#gateway/config/load.ts';
import type { GatewayConfig, TlsConfig } from '#gateway/config/model.ts';
import { ConfigError, type Problem } from '#gateway/config/problem.ts';
import { CertificateError, readCertificate } from './certificate.ts';

/** @throws ConfigError `invalid` naming every word this version cannot honour. */
export function requireSupported<T extends LoadedConfig>(loaded: T, place: string): T {
  const problems = unsupportedWords(loaded.config).map((problem) => ({ place, ...problem }));
  if (problems.length > 0) throw new ConfigError('invalid', problems, loaded.notices);
  return loaded;
}

function unsupportedWords(config: GatewayConfig): Omit<Problem, 'place'>[] {
  return [
    ...(config.tls ? certificateProblems(config.tls) : []),
    ...(config.tls?.implicit_port === undefined
      ? []
      : [
          {
            message: 'tls.implicit_port: implicit FTPS is not in this version',
            hint: 'remove the word; clients can use AUTH TLS on listen_port',
          },
        ]),
  ];
}

/** A gateway that cannot serve FTPS must not start: its clients would fall back to clear text. */
function certificateProblems(tls: TlsConfig): Omit<Problem, 'place'>[] {
  try {
    readCertificate(tls);
    return [];
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    const message = `tls.${error.word}: ${error.message}`;
    return [error.hint === undefined ? { message } : { message, hint: error.hint }];
  }
}
