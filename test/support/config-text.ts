/**
 * Configurations as texts: a smallest one that is good, to be spoilt line by line, and the problems or
 * notices a text earns, one string each, the way they are printed.
 */
import { type ConfigSources, type LoadedConfig, parseConfigText } from '#gateway/config/load.ts';
import type { GatewayConfig } from '#gateway/config/model.ts';
import { ConfigError, formatProblem } from '#gateway/config/problem.ts';

type Rest = Omit<ConfigSources, 'source' | 'cwd'>;

export const accountLines: readonly string[] = [
  'cos: {region: ap-guangzhou, bucket: inbox-1250000000}',
  'accounts: [{user: alice, password: wonderland}]',
];

/** The YAML of `words`, with an account and a COS place where it names none. */
export function minimalYaml(words: string): string {
  const missing = accountLines.filter((line) => !words.includes(`${line.split(':')[0]}:`));
  return [words, ...missing].join('\n');
}

export function loadYaml(text: string, rest: Rest = {}): LoadedConfig {
  const source = { format: 'yaml', name: 'gateway.yaml', text, directory: '/etc/gateway' } as const;
  return parseConfigText({ source, cwd: '/srv', ...rest });
}

const minimalAccount = {
  cos_secretid: 'AKIDexample',
  cos_secretkey: 'example-key',
  cos_bucket: 'inbox-1250000000',
  cos_region: 'ap-guangzhou',
  ftp_login_user_name: 'user0',
  ftp_login_user_password: 'pass0',
  authority: 'RW',
};

/** An INI with one good account; `account` replaces or, by '', leaves out keys of it. */
export function minimalIni(more = '', account: Readonly<Record<string, string>> = {}): string {
  const keys = Object.entries({ ...minimalAccount, ...account });
  const lines = keys.filter(([, value]) => value !== '').map(([key, value]) => `${key} = ${value}`);
  return ['[COS_ACCOUNT_0]', ...lines, more].join('\n');
}

export function loadIni(text: string, rest: Rest = {}): LoadedConfig {
  const source = { format: 'vsftpd', name: 'vsftpd.conf', text, directory: '/etc/cos' } as const;
  return parseConfigText({ source, cwd: '/srv', ...rest });
}

/** What is wrong, as printed; [] when nothing is. Anything else thrown is a bug and goes through. */
export function problemsOf(load: () => LoadedConfig): string[] {
  try {
    load();
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(formatProblem);
  }
}

/** Notices as printed, with their level. */
export function noticesOf(loaded: LoadedConfig): string[] {
  return loaded.notices.map((notice) => `${notice.level} ${formatProblem(notice)}`);
}

export function onlyAccount(config: GatewayConfig): GatewayConfig['accounts'][number] {
  const [account, ...others] = config.accounts;
  if (account === undefined || others.length > 0) throw new Error('expected exactly one account');
  return account;
}
