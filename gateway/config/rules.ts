/**
 * What the words of a configuration say about each other. Each rule looks at the words that are good by
 * themselves and at what was written at all, so that a refused word causes no second complaint. Pure.
 */

import type { Issue, PartialConfig } from './check.ts';
import { cosIssues } from './cos-rules.ts';
import { tlsVersions } from './model.ts';
import { objectIssues } from './object-words.ts';
import { type Block, isBlock, isWritten, writtenAccounts } from './origin.ts';
import { quote } from './problem.ts';

type Rule = (config: PartialConfig, written: Block) => Issue[];

const rules: readonly Rule[] = [
  portsApart,
  tlsVersionsInOrder,
  trustedBalancersNamed,
  partFitsMemory,
  drainInOrder,
  someAccount,
  usersUnique,
  onePasswordEach,
  somePermission,
  objectIssues,
  cosIssues,
];

/** Everything the rules object to, in the order of the rules. */
export function ruleIssues(config: PartialConfig, written: Block): Issue[] {
  const issues = rules.flatMap((rule) => rule(config, written));
  const told = new Set<string>();
  return issues.filter((issue) => {
    const key = JSON.stringify([issue.path, issue.message]);
    return !told.has(key) && Boolean(told.add(key));
  });
}

/** The default admin port moves away when it is taken, so only a written one can be in the way. */
function portsApart(config: PartialConfig, written: Block): Issue[] {
  const ports = [
    { path: ['listen_port'], port: config.listen_port },
    { path: ['tls', 'implicit_port'], port: config.tls?.implicit_port },
    { path: ['admin_port'], port: isWritten(written['admin_port']) ? config.admin_port : 0 },
  ].filter((entry) => entry.port !== undefined && entry.port !== 0);
  const twice = ports.flatMap(({ path, port }, index) => {
    const other = ports.slice(0, index).find((earlier) => earlier.port === port);
    if (other === undefined) return [];
    return [{ path, message: `${port} is already ${other.path.join('.')}` }];
  });
  const { first = 0, last = 0 } = config.passive_port ?? {};
  const inside = ports
    .filter(({ port = 0 }) => port >= first && port <= last)
    .map(({ path, port }) => {
      const message = `${first}-${last} takes in ${path.join('.')} (${port})`;
      return { path: ['passive_port'], message };
    });
  return [...twice, ...inside];
}

function tlsVersionsInOrder({ tls }: PartialConfig): Issue[] {
  const { min_version: min, max_version: max } = tls ?? {};
  if (min === undefined || max === undefined) return [];
  if (tlsVersions.indexOf(min) <= tlsVersions.indexOf(max)) return [];
  const message = `${min} is above max_version ${max}`;
  return [{ path: ['tls', 'min_version'], message, hint: `set max_version: "${min}" as well` }];
}

function trustedBalancersNamed(config: PartialConfig, written: Block): Issue[] {
  const mode = config.proxy_protocol?.mode;
  if (mode === undefined || mode === 'disabled') return [];
  const block = written['proxy_protocol'];
  const trusted = isBlock(block) ? block['trusted'] : undefined;
  if (isWritten(trusted) && !(Array.isArray(trusted) && trusted.length === 0)) return [];
  return [
    {
      path: ['proxy_protocol', 'trusted'],
      message: `is empty, and mode is ${mode}`,
      hint: 'name the networks of the balancers; anybody else could claim any address',
    },
  ];
}

function partFitsMemory({ min_part_size, upload_memory }: PartialConfig): Issue[] {
  if (min_part_size === undefined || upload_memory === undefined) return [];
  if (min_part_size <= upload_memory) return [];
  return [{ path: ['min_part_size'], message: 'is more than upload_memory holds' }];
}

/** Without its own word the time to accept follows drain_seconds (resolve.ts). */
function drainInOrder(config: PartialConfig, written: Block): Issue[] {
  const { drain_accept_seconds: accept, drain_seconds: drain } = config;
  if (!isWritten(written['drain_accept_seconds'])) return [];
  if (accept === undefined || drain === undefined || accept <= drain) return [];
  return [
    { path: ['drain_accept_seconds'], message: `${accept} is more than drain_seconds (${drain})` },
  ];
}

function someAccount(_config: PartialConfig, written: Block): Issue[] {
  const accounts = written['accounts'];
  if (!Array.isArray(accounts) || accounts.length > 0) return [];
  return [{ path: ['accounts'], message: 'is empty: nobody could log in' }];
}

function usersUnique(_config: PartialConfig, written: Block): Issue[] {
  const seen = new Map<string, number>();
  return writtenAccounts(written).flatMap(({ account, index }) => {
    const user = account['user'];
    if (typeof user !== 'string') return [];
    const earlier = seen.get(user);
    if (earlier === undefined) {
      seen.set(user, index);
      return [];
    }
    const message = `${quote(user)} is the user of another account already`;
    const other = ['accounts', earlier, 'user'];
    return [{ path: ['accounts', index, 'user'], message, other }];
  });
}

const passwordWords = ['password', 'password_hash', 'password_file'];

function onePasswordEach(_config: PartialConfig, written: Block): Issue[] {
  return writtenAccounts(written).flatMap(({ account, index }) => {
    const used = passwordWords.filter((word) => isWritten(account[word]));
    if (used.length === 1) return [];
    const path = ['accounts', index];
    if (used.length === 0) {
      return [{ path, message: `has none of ${passwordWords.join(', ')}` }];
    }
    return [{ path: [...path, used[1] ?? ''], message: `stands beside ${used[0]}: keep one` }];
  });
}

function somePermission(_config: PartialConfig, written: Block): Issue[] {
  return writtenAccounts(written).flatMap(({ account, index }) => {
    const listed = account['permissions'];
    if (!Array.isArray(listed) || listed.length > 0) return [];
    const path = ['accounts', index, 'permissions'];
    return [{ path, message: 'is empty', hint: 'leave the word out to allow everything' }];
  });
}
