/**
 * What a running gateway can take over of a new configuration and what must wait for a restart, by
 * config word. Pure. It names words and users and must never carry a value outside `config`: what it
 * says is logged.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AccountConfig, GatewayConfig, LogConfig } from './model.ts';

/**
 * live: counts at once for what begins from then on · restart: bound or allocated at start ·
 * derived: no word of its own.
 */
type Effect = 'live' | 'restart' | 'derived';

/** A new word does not compile until it is decided here. */
const effects = {
  listen_address: 'restart',
  listen_port: 'restart',
  instance: 'restart',
  passive_port: 'restart',
  masquerade_address: 'live',
  masquerade_networks: 'live',
  masquerade_address_file: 'restart',
  admin_address: 'restart',
  admin_port: 'restart',
  admin_port_configured: 'derived',
  tls: 'restart',
  active_mode: 'live',
  data_peer: 'live',
  data_peer_networks: 'live',
  proxy_protocol: 'restart',
  // Those down to parts_in_flight reach sessions through their accounts.
  max_sessions_per_account: 'live',
  upload_bytes_per_second_per_account: 'live',
  download_bytes_per_second_per_account: 'live',
  filename_encoding: 'live',
  single_file_max_size: 'live',
  incomplete_uploads: 'live',
  content_types: 'live',
  storage_class: 'live',
  server_side_encryption: 'live',
  kms_key_id: 'live',
  metadata: 'live',
  min_part_size: 'live',
  parts_in_flight: 'live',
  upload_memory: 'restart',
  store_mtime: 'live',
  upload_bytes_per_second: 'live',
  download_bytes_per_second: 'live',
  max_sessions: 'live',
  max_sessions_per_address: 'live',
  login_seconds: 'live',
  idle_seconds: 'live',
  stall_seconds: 'live',
  data_connect_seconds: 'live',
  drain_seconds: 'live',
  drain_accept_seconds: 'live',
  fast_paths: 'restart',
} as const satisfies Record<Exclude<keyof GatewayConfig, 'log' | 'accounts'>, Effect>;

const logEffects = {
  level: 'live',
  directory: 'restart',
  rotate: 'restart',
  keep: 'restart',
} as const satisfies Record<keyof LogConfig, Effect>;

/** Words whose new value waits for a restart; those of the log block as `log.keep`. */
export const restartWords: readonly string[] = [
  ...namesOf(effects, 'restart'),
  ...namesOf(logEffects, 'restart').map((word) => `log.${word}`),
];

function namesOf(table: Readonly<Record<string, Effect>>, wanted: Effect): string[] {
  return Object.entries(table).flatMap(([word, effect]) => (effect === wanted ? [word] : []));
}

export interface AccountChange {
  readonly user: string;
  /** `prefix`, `cos.bucket`; a password of any form is `password`. */
  readonly words: readonly string[];
}

export interface ConfigDiff {
  /** The new configuration with the running values of the words that need a restart. */
  readonly config: GatewayConfig;
  /** Words whose new value counts. */
  readonly words: readonly string[];
  /** Words whose new value waits for a restart. */
  readonly restartWords: readonly string[];
  readonly usersAdded: readonly string[];
  readonly usersRemoved: readonly string[];
  readonly usersChanged: readonly AccountChange[];
}

export function compareConfigs(running: GatewayConfig, next: GatewayConfig): ConfigDiff {
  const { log: runningLog, accounts: runningAccounts, ...runningWords } = running;
  const { log: nextLog, accounts, ...nextWords } = next;
  const words = merge(runningWords, nextWords, effects);
  const log = merge(runningLog, nextLog, logEffects);
  return {
    config: { ...words.merged, log: log.merged, accounts },
    words: [...words.live, ...log.live.map((word) => `log.${word}`)],
    restartWords: [...words.waiting, ...log.waiting.map((word) => `log.${word}`)],
    ...compareAccounts(runningAccounts, accounts),
  };
}

/**
 * Whether files that a session sees and names it knows mean the same in both: the same jail in the same
 * bucket, spelt alike.
 */
export function isSamePlace(one: AccountConfig, other: AccountConfig): boolean {
  const place = ({ prefix, filename_encoding, cos }: AccountConfig) => {
    const { bucket, region, endpoint } = cos;
    return [prefix, filename_encoding, bucket, region, endpoint];
  };
  return isDeepStrictEqual(place(one), place(other));
}

interface Merged<Block> {
  readonly merged: Block;
  readonly live: readonly string[];
  readonly waiting: readonly string[];
}

/** An optional word that is absent on one side is a change like any other. */
function merge<Block extends object>(
  running: Block,
  next: Block,
  effectOf: Readonly<Record<keyof Block, Effect>>,
): Merged<Block> {
  const words = Object.keys(effectOf) as (keyof Block & string)[];
  const changed = words.filter((word) => !isDeepStrictEqual(running[word], next[word]));
  const merged: Block = { ...next };
  for (const word of words) {
    if (effectOf[word] === 'live') continue;
    if (running[word] === undefined) delete merged[word];
    else merged[word] = running[word];
  }
  return {
    merged,
    live: changed.filter((word) => effectOf[word] === 'live'),
    waiting: changed.filter((word) => effectOf[word] === 'restart'),
  };
}

function compareAccounts(running: readonly AccountConfig[], next: readonly AccountConfig[]) {
  const before = new Map(running.map((account) => [account.user, account]));
  const after = new Set(next.map(({ user }) => user));
  const usersChanged = next.flatMap((account) => {
    const { user } = account;
    const words = changedWords(before.get(user) ?? account, account);
    return words.length === 0 ? [] : [{ user, words }];
  });
  return {
    usersAdded: next.map(({ user }) => user).filter((user) => !before.has(user)),
    usersRemoved: running.map(({ user }) => user).filter((user) => !after.has(user)),
    usersChanged,
  };
}

function changedWords({ cos: oneCos, ...one }: AccountConfig, other: AccountConfig): string[] {
  const { cos: otherCos, ...rest } = other;
  return [...changedKeys(one, rest), ...changedKeys(oneCos, otherCos).map((word) => `cos.${word}`)];
}

function changedKeys<Block extends object>(one: Block, other: Block): string[] {
  const words = Object.keys({ ...one, ...other }) as (keyof Block & string)[];
  return words.filter((word) => !isDeepStrictEqual(one[word], other[word]));
}
