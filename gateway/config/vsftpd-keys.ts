/**
 * The keys of the original tool's configuration, one row each: the word of ours it becomes, and where
 * its value reads differently. Defaults the tool had and ours are not stand in `vsftpdDefaults`.
 */

import { KiB, parseBytes } from '#gateway/kit/bytes.ts';
import { isAddressPlaceholder } from './fields.ts';
import type { LogRotation, Permission } from './model.ts';
import type { Path, Tree } from './origin.ts';
import { quote } from './problem.ts';
import { partBytesMin } from './schema.ts';

/** What a row may do with the value of its key; the value is one line and not empty. */
export interface KeyContext {
  readonly text: string;
  /** Value of another key of the section, '' when absent. */
  sibling(key: string): string;
  /** Sets a word of ours, relative to the gateway or to the account. */
  set(path: Path, value: Tree): void;
  refuse(message: string, hint?: string): void;
  notice(level: 'info' | 'warn', message: string, hint?: string): void;
}

export interface KeyRule {
  /** The word of ours, relative to the gateway or to the account. Absent: the key sets none. */
  readonly word?: Path;
  readonly isRequired?: true;
  /** A comment behind such a value may be a part of it. */
  readonly isSecret?: true;
  /** Default: the text goes to `word` as it is. */
  readonly read?: (key: KeyContext) => void;
}

export type KeyTable = Readonly<Record<string, KeyRule>>;

/** Keys of [COS_ACCOUNT…] sections. */
export const accountKeys: KeyTable = {
  cos_secretid: { word: ['cos', 'secretid'] },
  cos_secretkey: { word: ['cos', 'secretkey'], isSecret: true },
  cos_bucket: { word: ['cos', 'bucket'] },
  cos_region: { word: ['cos', 'region'] },
  cos_endpoint: { word: ['cos', 'endpoint'] },
  cos_protocol: { word: ['cos', 'protocol'] },
  // The tool wants a local directory and finds the bucket by it; we need neither.
  home_dir: { read: () => undefined },
  ftp_login_user_name: { word: ['user'] },
  ftp_login_user_password: { word: ['password'], isSecret: true, isRequired: true },
  authority: { word: ['permissions'], isRequired: true, read: readAuthority },
  delete_enable: { read: readDeleteEnable },
};

/** Keys of the other sections, by section. */
export const sectionKeys: Readonly<Record<string, KeyTable>> = {
  NETWORK: {
    masquerade_address: { word: ['masquerade_address'], read: readMasqueradeAddress },
    listen_port: { word: ['listen_port'] },
    passive_port: { word: ['passive_port'], read: readPassivePort },
  },
  FILE_OPTION: {
    single_file_max_size: { word: ['single_file_max_size'] },
  },
  OPTIONAL: {
    config_check_enable: { read: readConfigCheck },
    min_part_size: { word: ['min_part_size'], read: readMinPartSize },
    upload_thread_num: { word: ['parts_in_flight'], read: readUploadThreads },
    max_connection_num: { word: ['max_sessions'], read: readMaxConnections },
    max_list_file: { read: readMaxListFile },
    // The next are vsftpd's own, which people bring along with the file's name.
    max_clients: { word: ['max_sessions'] },
    local_max_rate: {
      word: ['upload_bytes_per_second_per_account'],
      read: readMaxRate,
    },
    max_per_ip: { word: ['max_sessions_per_address'] },
    idle_session_timeout: { word: ['idle_seconds'] },
    data_connection_timeout: { word: ['stall_seconds'] },
    accept_timeout: { word: ['data_connect_seconds'] },
    port_enable: { word: ['active_mode'], read: readPortEnable },
    log_level: { word: ['log', 'level'], read: readLogLevel },
    log_dir: { word: ['log', 'directory'] },
    log_rotate_enabled: { word: ['log', 'rotate'], read: readLogRotation },
    log_rotate_when: { read: checkLogRotateWhen },
    log_backup_count: { word: ['log', 'keep'] },
  },
};

/** What the tool does when a key is absent and we would do something else. */
export const vsftpdDefaults: readonly (readonly [Path, Tree])[] = [
  [['passive_port'], '60000-65535'],
  [['active_mode'], 'enabled'],
  [['incomplete_uploads'], 'complete'],
  [['max_sessions'], '255'],
  [['log', 'rotate'], 'never'],
  [['log', 'keep'], '100'],
];

/** R = read and list, W = write, anywhere in the text. What W may delete is delete_enable's word. */
function readAuthority(key: KeyContext): void {
  const mayDelete = pythonBoolean(key.sibling('delete_enable')) !== false;
  const permissions: Permission[] = [];
  if (/r/i.test(key.text)) permissions.push('list', 'read');
  if (/w/i.test(key.text)) permissions.push('write', 'overwrite');
  if (/w/i.test(key.text) && mayDelete) permissions.push('delete');
  if (permissions.length > 0) key.set(['permissions'], permissions);
  else key.refuse(`${quote(key.text)} holds neither R nor W`, 'R reads, W writes, RW does both');
}

function readDeleteEnable(key: KeyContext): void {
  const isEnabled = pythonBoolean(key.text);
  if (isEnabled === undefined) return refuseBoolean(key);
  if (isEnabled || !/w/i.test(key.sibling('authority'))) return;
  key.notice(
    'warn',
    'forbids DELE and RMD only; STOR, APPE and RNTO may still replace files, as in the original tool',
    'in YAML, permissions without overwrite keeps them',
  );
}

function readMasqueradeAddress(key: KeyContext): void {
  if (!isAddressPlaceholder(key.text)) return key.set(['masquerade_address'], key.text);
  const message = `${quote(key.text)} is the sample's placeholder: taken as none`;
  key.notice('warn', message, 'write the address clients use, or leave the value empty');
}

/** The tool leaves the upper port out; we take it in. One number means from there on. */
function readPassivePort(key: KeyContext): void {
  const [, first, last = '65535'] = /^(\d+)\s*(?:[,-]\s*(\d+)\s*)?$/.exec(key.text) ?? [];
  if (first !== undefined) return key.set(['passive_port'], `${first}-${last}`);
  key.refuse(`${quote(key.text)} is not a range of ports`, 'write first,last: 60000,65535');
}

function readConfigCheck(key: KeyContext): void {
  if (pythonBoolean(key.text) === undefined) return refuseBoolean(key);
  key.notice(
    'info',
    'has no effect: all uploads share one bounded memory (upload_memory), nothing needs estimating',
  );
}

function readMinPartSize(key: KeyContext): void {
  if (isDefault(key.text)) return;
  const bytes = parseBytes(key.text);
  if (bytes === undefined || bytes >= partBytesMin) return key.set(['min_part_size'], key.text);
  key.set(['min_part_size'], partBytesMin);
  key.notice('warn', `${quote(key.text)} is less than COS takes: ${partBytesMin} is used`);
}

function readUploadThreads(key: KeyContext): void {
  if (!isDefault(key.text)) key.set(['parts_in_flight'], key.text);
}

/** Connections of both kinds: one listener, and two for each client. */
function readMaxConnections(key: KeyContext): void {
  if (isDefault(key.text)) return;
  const connections = /^\d{1,9}$/.test(key.text) ? Number(key.text) : undefined;
  if (connections === undefined) {
    return key.refuse(`${quote(key.text)} is not a number of connections`, '0 = no limit');
  }
  const sessions = Math.floor((connections - 1) / 2);
  if (connections === 0) key.set(['max_sessions'], 0);
  else if (sessions > 0) key.set(['max_sessions'], sessions);
  else
    key.refuse(`${connections} lets nobody in`, 'a client takes two: at least 3, or 0 = no limit');
}

/** vsftpd's is of each session and of both directions. */
function readMaxRate(key: KeyContext): void {
  const bytes = /^\d{1,15}$/.test(key.text) ? Number(key.text) : undefined;
  if (bytes === undefined || (bytes > 0 && bytes < KiB)) {
    return key.refuse(
      `${quote(key.text)} is not a rate`,
      'bytes a second, 1024 or more; 0 = no limit',
    );
  }
  key.set(['upload_bytes_per_second_per_account'], key.text);
  key.set(['download_bytes_per_second_per_account'], key.text);
  if (bytes === 0) return;
  key.notice(
    'info',
    'is shared here by all sessions of an account; vsftpd gives it to each of them',
  );
}

function readPortEnable(key: KeyContext): void {
  const isEnabled = pythonBoolean(key.text);
  if (isEnabled === undefined) return refuseBoolean(key);
  key.set(['active_mode'], isEnabled ? 'enabled' : 'disabled');
}

function readMaxListFile(key: KeyContext): void {
  key.notice('info', 'has no effect: listings are sent whole, however long they are');
}

function readLogLevel(key: KeyContext): void {
  const level = key.text.toLowerCase();
  key.set(['log', 'level'], level === 'warning' ? 'warn' : key.text);
}

const rotations: Readonly<Record<string, LogRotation>> = {
  S: 'every_second',
  M: 'every_minute',
  H: 'hourly',
  D: 'daily',
};

function readLogRotation(key: KeyContext): void {
  const isEnabled = pythonBoolean(key.text);
  if (isEnabled === undefined) return refuseBoolean(key);
  const when = key.sibling('log_rotate_when').toUpperCase();
  const rotation = Object.hasOwn(rotations, when) ? rotations[when] : 'hourly';
  key.set(['log', 'rotate'], isEnabled ? (rotation ?? 'hourly') : 'never');
}

function checkLogRotateWhen(key: KeyContext): void {
  if (Object.hasOwn(rotations, key.text.toUpperCase())) return;
  key.refuse(`${quote(key.text)} is not one of ${Object.keys(rotations).join(', ')}`);
}

function refuseBoolean(key: KeyContext): void {
  key.refuse(`${quote(key.text)} is neither true nor false`);
}

/** The words Python's getboolean knows. */
function pythonBoolean(text: string): boolean | undefined {
  const word = text.toLowerCase();
  if (['true', 'yes', 'on', '1'].includes(word)) return true;
  return ['false', 'no', 'off', '0'].includes(word) ? false : undefined;
}

function isDefault(text: string): boolean {
  return text.toLowerCase() === 'default';
}
