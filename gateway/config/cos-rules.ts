/**
 * How an account's `cos` block and the shared one become one, and what is wrong with the result. The
 * words that say who we are to COS form one group: a block that has any of them replaces the whole
 * group of the shared block, so that half a key of one is never joined with half a key of another.
 * Pure.
 */

import { isIP } from 'node:net';
import type { Issue, PartialConfig } from './check.ts';
import { splitEndpoint } from './fields.ts';
import type { CosConfig, CosCredentials } from './model.ts';
import { type Block, isBlock, isWritten, type Path, writtenAccounts } from './origin.ts';
import type { WrittenCos } from './schema.ts';

const keyWords = ['secretid', 'secretkey', 'token', 'secretid_file', 'secretkey_file'] as const;
const groupWords: readonly string[] = ['credentials', ...keyWords];

/** Where COS is when only an address to connect to was given: the embedded COS asks for no region. */
const regionOfLiteralEndpoint = 'ap-guangzhou';

/** What the accounts' cos blocks lack or contradict. */
export function cosIssues(config: PartialConfig, written: Block): Issue[] {
  const shared = blockOf(written['cos']);
  return writtenAccounts(written).flatMap(({ account, index }) => {
    if (isWritten(account['cos']) && !isBlock(account['cos'])) return [];
    const own = blockOf(account['cos']);
    const path = ['accounts', index, 'cos'];
    const group = hasGroup(own) ? { words: own, path } : { words: shared, path: ['cos'] };
    const checked = hasGroup(own) ? config.accounts?.[index]?.cos : config.cos;
    return [
      ...placeIssues({ ...shared, ...withoutEmpty(own) }, path),
      ...groupIssues(group.words, checked?.credentials, group.path),
    ];
  });
}

function placeIssues(merged: Block, path: Path): Issue[] {
  const issues: Issue[] = [];
  const { bucket, region, endpoint } = merged as Partial<Record<string, unknown>>;
  if (!bucket) issues.push({ path: [...path, 'bucket'], message: 'is missing' });
  if (!region && !endpoint) {
    const message = 'is missing, and there is no endpoint either';
    issues.push({ path: [...path, 'region'], message });
  }
  if (!region && typeof endpoint === 'string' && endpoint.includes('{region}')) {
    const message = 'is missing, and the endpoint asks for it';
    issues.push({ path: [...path, 'region'], message });
  }
  return issues;
}

function groupIssues(words: Block, kind: WrittenCos['credentials'], path: Path): Issue[] {
  const has = (word: string) => isWritten(words[word]);
  const used = keyWords.filter(has);
  if (kind !== undefined && kind !== 'static') {
    const message = `takes no place beside credentials: ${kind}`;
    return used.map((word) => ({ path: [...path, word], message }));
  }
  if (used.length === 0) {
    if (kind === undefined) return [];
    const message = 'static needs secretid and secretkey, or both as files';
    return [{ path: [...path, 'credentials'], message }];
  }
  const asFiles = has('secretid_file') || has('secretkey_file');
  const asValues = has('secretid') || has('secretkey') || has('token');
  if (asFiles && asValues) {
    const message = 'keys stand here both as values and as files';
    return [{ path, message, hint: 'keep secretid and secretkey, or the two files' }];
  }
  const needed = asFiles ? ['secretid_file', 'secretkey_file'] : ['secretid', 'secretkey'];
  return needed
    .filter((word) => !has(word))
    .map((word) => {
      const message = `is missing beside ${used[0]}`;
      return { path: [...path, word], message };
    });
}

/** Sources of a key that need nothing written down. */
export type CredentialRole = 'environment' | 'cvm_role' | 'tke_pod_identity';

/** The account's own COS place and credentials, both blocks being free of issues. */
export function mergeCos(
  shared: WrittenCos,
  own: WrittenCos,
  withoutKey: CredentialRole,
): CosConfig {
  const group = hasGroup(own) ? own : shared;
  const endpoint = own.endpoint ?? shared.endpoint ?? '';
  return {
    bucket: own.bucket ?? shared.bucket ?? '',
    region: own.region ?? shared.region ?? (isLiteral(endpoint) ? regionOfLiteralEndpoint : ''),
    endpoint,
    protocol: own.protocol ?? shared.protocol ?? 'https',
    credentials: credentialsOf(group, withoutKey),
  };
}

function credentialsOf(words: WrittenCos, withoutKey: CredentialRole): CosCredentials {
  const { credentials, secretid, secretkey, token, secretid_file, secretkey_file } = words;
  if (secretid !== undefined && secretkey !== undefined) {
    const key = { kind: 'static', secretid, secretkey } as const;
    return token === undefined ? key : { ...key, token };
  }
  if (secretid_file !== undefined && secretkey_file !== undefined) {
    return { kind: 'static-files', secretid_file, secretkey_file };
  }
  return { kind: credentials === undefined || credentials === 'static' ? withoutKey : credentials };
}

/** An IP literal or localhost: an address to connect to, which says nothing about bucket or region. */
function isLiteral(endpoint: string): boolean {
  const host = splitEndpoint(endpoint)?.host.toLowerCase();
  return host !== undefined && (host === 'localhost' || isIP(host) !== 0);
}

function hasGroup(words: object): boolean {
  return Object.entries(words).some(([word, value]) => groupWords.includes(word) && value !== '');
}

function blockOf(tree: Block[string] | undefined): Block {
  return isBlock(tree) ? tree : {};
}

function withoutEmpty(block: Block): Block {
  return Object.fromEntries(Object.entries(block).filter(([, value]) => isWritten(value)));
}
