/**
 * From files, environment and arguments to one configuration, or to everything that is wrong with them
 * at once. `parseConfigText` is the whole of it without I/O; `loadConfig` only adds reading the file.
 */

import { checkWords, type Issue } from './check.ts';
import { type ConfigText, configTextOf, readConfigFile } from './config-text.ts';
import type { CredentialRole } from './cos-rules.ts';
import type { GatewayConfig } from './model.ts';
import { formatPath, isBlock, newBlock, Origins, type Path, type Tree } from './origin.ts';
import { applyOverrides, type Environment } from './overrides.ts';
import { placeDefaults, placeOf, placeProblems } from './place.ts';
import { ConfigError, type Notice, type Problem } from './problem.ts';
import { resolveConfig } from './resolve.ts';
import { ruleIssues } from './rules.ts';
import type { WrittenConfig } from './schema.ts';
import { readVsftpdConf } from './vsftpd-reader.ts';
import { readYaml } from './yaml-reader.ts';

export interface LoadedConfig {
  readonly config: GatewayConfig;
  /** What is worth telling at start, in the order it was found. */
  readonly notices: readonly Notice[];
  /** Where a word was written: `file:line:column`, `COSFTP_WORD` or `--set word`; else the file. */
  readonly placeOf: (path: Path) => string;
}

export interface ConfigSources {
  /** Undefined: only environment and arguments. */
  readonly source?: ConfigText | undefined;
  readonly env?: Environment;
  readonly set?: readonly string[];
  readonly cwd: string;
}

const problemsMax = 200;

/**
 * @throws ConfigError `invalid` with every problem of every source.
 */
export function parseConfigText(sources: ConfigSources): LoadedConfig {
  const { source, env = {}, set = [], cwd } = sources;
  const read = source === undefined ? readNothing(cwd) : readSource(source, cwd);
  const tree = isBlock(read.tree) ? read.tree : newBlock();
  const applied = applyOverrides(tree, read.origins, { env, set, cwd });
  const problems = [...read.problems, ...applied.problems, ...placeProblems(env)];
  const notices = [...read.notices, ...applied.notices];
  if (read.tree === undefined) throw invalid(problems, notices);
  const { origins } = read;
  const checked = checkWords(tree, (path) => origins.find(path).directory);
  const issues = [...checked.issues, ...ruleIssues(checked.written, tree)];
  const untold = issues.filter(({ path }) => {
    const word = formatPath(path);
    return !read.told.has(word) && !applied.told.has(word);
  });
  problems.push(...untold.map((issue) => toProblem(issue, origins)));
  if (problems.length > 0) throw invalid(inReadingOrder(problems, source?.name), notices);
  // No issue was found, so nothing of the whole is missing.
  const written = checked.written as WrittenConfig;
  const isVsftpd = source?.format === 'vsftpd';
  const withoutKey = isVsftpd ? roleOf(env) : 'environment';
  const defaults = placeDefaults[placeOf(env)];
  const config = resolveConfig(written, { tree, cwd, withoutKey, defaults });
  notices.push(...portNotices(config, origins));
  if (isVsftpd) notices.push(...roleNotices(config, origins));
  return { config, notices, placeOf: (path) => origins.find(path).place };
}

export interface LoadOptions {
  /** Path against `cwd`; `*.conf` and `*.ini` are the original INI, `*.yaml`, `*.yml`, `*.json` ours. */
  readonly file?: string | undefined;
  /** What the file holds, when it was read already. */
  readonly bytes?: Uint8Array | undefined;
  readonly env?: Environment;
  readonly set?: readonly string[];
  readonly cwd: string;
}

/**
 * Reads the file and parses it, blocking: it is done once at start and on a change.
 * @throws ConfigError `unreadable` for a file that is missing, no file, too large, not text or of an
 *   unknown kind; `invalid` with every problem.
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const { file, bytes, ...rest } = options;
  if (file === undefined) return parseConfigText(rest);
  const source = configTextOf(file, bytes ?? readConfigFile(file, rest.cwd), rest.cwd);
  return parseConfigText({ ...rest, source });
}

function invalid(problems: readonly Problem[], notices: readonly Notice[]): ConfigError {
  const [first] = problems;
  if (problems.length <= problemsMax || first === undefined) {
    return new ConfigError('invalid', problems, notices);
  }
  const message = `and ${problems.length - problemsMax} more problems`;
  const shown = [...problems.slice(0, problemsMax), { place: first.place, message }];
  return new ConfigError('invalid', shown, notices);
}

/** What environment and arguments hold first, then the file from top to bottom, then all of it. */
function inReadingOrder(problems: readonly Problem[], name: string | undefined): Problem[] {
  const rank = ({ place }: Problem) => {
    const [, line = '0', column = '0'] = /:(\d+)(?::(\d+))?$/.exec(place) ?? [];
    return place === name ? Number.MAX_SAFE_INTEGER : Number(line) * 1e6 + Number(column);
  };
  return problems.toSorted((one, other) => rank(one) - rank(other));
}

function toProblem(issue: Issue, origins: Origins): Problem {
  const mark = origins.find(issue.path);
  const place = issue.aboutWord ? (mark.wordPlace ?? mark.place) : mark.place;
  const message = issue.aboutWord
    ? issue.message
    : `${origins.wordAt(issue.path)}: ${issue.message}`;
  const other = issue.other === undefined ? '' : `, see ${origins.find(issue.other).place}`;
  const problem = { place, message: `${message}${other}` };
  return issue.hint === undefined ? problem : { ...problem, hint: issue.hint };
}

/** What a reader of any format hands over. */
interface Read {
  /** Undefined when the text is too bad to look at words. */
  readonly tree: Tree | undefined;
  readonly origins: Origins;
  readonly problems: readonly Problem[];
  readonly notices: readonly Notice[];
  /** Paths of which the reader already told what is wrong. */
  readonly told: ReadonlySet<string>;
}

function readNothing(cwd: string): Read {
  const origins = new Origins({ place: 'configuration', directory: cwd });
  return { tree: newBlock(), origins, problems: [], notices: [], told: new Set() };
}

function readSource(source: ConfigText, cwd: string): Read {
  const { name, text, directory } = source;
  const plain = text.startsWith('\uFEFF') ? text.slice(1) : text;
  if (source.format === 'vsftpd') return readVsftpdConf(plain, name, cwd);
  const read = { ...readYaml(plain, name, directory), notices: [], told: new Set<string>() };
  if (read.tree === undefined || isBlock(read.tree)) return read;
  const message = 'expected words and values: `listen_port: 2121`';
  return {
    ...read,
    tree: undefined,
    problems: [...read.problems, { place: `${name}:1:1`, message }],
  };
}

/**
 * What an empty cos_secretid means: the key of the environment, else the pod's identity when the TKE
 * webhook gave it one, else the role of the machine.
 */
function roleOf(env: Environment): CredentialRole {
  if (env['TENCENTCLOUD_SECRET_ID']) return 'environment';
  return env['TKE_WEB_IDENTITY_TOKEN_FILE'] ? 'tke_pod_identity' : 'cvm_role';
}

function roleNotices({ accounts }: GatewayConfig, origins: Origins): Notice[] {
  return accounts.flatMap(({ cos: { credentials } }, index) => {
    if (credentials.kind === 'static' || credentials.kind === 'static-files') return [];
    const path = ['accounts', index, 'cos', 'secretid'];
    const message = `${origins.wordAt(path)}: is empty: the key comes from ${credentials.kind}`;
    const hint = 'COSFTP_COS__CREDENTIALS chooses another source';
    return [{ level: 'info', place: origins.find(path).place, message, hint }];
  });
}

/** Linux's default range for outgoing connections (ip-sysctl: ip_local_port_range). */
const ephemeral = { first: 32768, last: 60999 };

function portNotices({ passive_port }: GatewayConfig, origins: Origins): Notice[] {
  const { first, last } = passive_port;
  if (first > ephemeral.last || last < ephemeral.first) return [];
  const { place } = origins.find(['passive_port']);
  const range = `${ephemeral.first}-${ephemeral.last}`;
  const message = `${origins.wordAt(['passive_port'])}: ${first}-${last} reaches into ${range}`;
  const hint =
    'Linux takes outgoing ports from there: one that is taken is skipped and tried again';
  return [{ level: 'info', place, message, hint }];
}
