/**
 * Makes the gateway's configuration of words that were all found good: defaults that depend on other
 * words, the shared cos block under each account's own, passwords by kind. Pure; whoever calls this has
 * seen no issue.
 */

import { resolve } from 'node:path';
import { claimsPasswordHash } from '#gateway/kit/password-hash.ts';
import { type CredentialRole, mergeCos } from './cos-rules.ts';
import type { AccountConfig, AccountPassword, GatewayConfig } from './model.ts';
import { mergeObjectWords } from './object-words.ts';
import { type Block, isWritten } from './origin.ts';
import type { PlaceDefaults } from './place.ts';
import type { WrittenAccount, WrittenConfig } from './schema.ts';

export interface ResolveOptions {
  /** The same configuration as it was written: tells a default from a choice. */
  readonly tree: Block;
  /** What the default log directory is relative to. */
  readonly cwd: string;
  /** Where keys come from when no block says so. */
  readonly withoutKey: CredentialRole;
  readonly defaults: PlaceDefaults;
}

export function resolveConfig(written: WrittenConfig, options: ResolveOptions): GatewayConfig {
  const { tree, cwd, withoutKey, defaults } = options;
  const { cos, accounts, log, ...words } = written;
  const { directory = defaults.logDirectory, ...logWords } = log;
  return {
    ...words,
    ...mergeObjectWords(words),
    admin_address: words.admin_address ?? defaults.adminAddress,
    admin_port_configured: isWritten(tree['admin_port']),
    drain_accept_seconds: Math.min(words.drain_accept_seconds, words.drain_seconds),
    log: { ...logWords, ...(directory !== undefined && { directory: resolve(cwd, directory) }) },
    accounts: accounts.map((account) => ({
      ...resolveAccount(account, written),
      cos: mergeCos(cos, account.cos, withoutKey),
    })),
  };
}

function resolveAccount(
  account: WrittenAccount,
  gateway: WrittenConfig,
): Omit<AccountConfig, 'cos'> {
  return {
    user: account.user,
    password: passwordOf(account),
    prefix: account.prefix,
    permissions: [...new Set(account.permissions)],
    single_file_max_size: account.single_file_max_size ?? gateway.single_file_max_size,
    incomplete_uploads: account.incomplete_uploads ?? gateway.incomplete_uploads,
    filename_encoding: account.filename_encoding ?? gateway.filename_encoding,
    max_sessions: account.max_sessions ?? gateway.max_sessions_per_account,
    upload_bytes_per_second:
      account.upload_bytes_per_second ?? gateway.upload_bytes_per_second_per_account,
    download_bytes_per_second:
      account.download_bytes_per_second ?? gateway.download_bytes_per_second_per_account,
    ...mergeObjectWords(gateway, account),
  };
}

function passwordOf(account: WrittenAccount): AccountPassword {
  if (account.password_file !== undefined) return { kind: 'file', path: account.password_file };
  const value = account.password_hash ?? account.password ?? '';
  return { kind: claimsPasswordHash(value) ? 'hash' : 'plain', value };
}
