/**
 * Refuses what the configuration language already has words for and this version does not do yet. A
 * gateway that took `tls: {required: true}` and let logins through in clear would be worse than none.
 */
import type { LoadedConfig } from '#gateway/config/load.ts';
import type { GatewayConfig } from '#gateway/config/model.ts';
import { ConfigError, type Problem } from '#gateway/config/problem.ts';

/** @throws ConfigError `invalid` naming every word this version cannot honour. */
export function requireSupported<T extends LoadedConfig>(loaded: T, place: string): T {
  const problems = unsupportedWords(loaded.config).map((problem) => ({ place, ...problem }));
  if (problems.length > 0) throw new ConfigError('invalid', problems, loaded.notices);
  return loaded;
}

function unsupportedWords(config: GatewayConfig): Omit<Problem, 'place'>[] {
  if (!config.tls) return [];
  return [
    {
      message: 'tls: FTPS is not in this version',
      hint: 'remove the tls block and keep the gateway inside a trusted network',
    },
  ];
}
