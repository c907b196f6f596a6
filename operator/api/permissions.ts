/**
 * Every right the operator needs, and why: the chart's roles are made from this table, and a test holds
 * the operator to it. No right to read Secrets: they are mounted by name and never read.
 */

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'patch' | 'update' | 'delete';

/** Where the right holds: in the namespaces whose gateways are served, or in the operator's own. */
export type PermissionScope = 'watched' | 'own';

export interface Permission {
  readonly group: string;
  /** Plural, with its subresource. */
  readonly resource: string;
  readonly verbs: readonly Verb[];
  readonly scope: PermissionScope;
  readonly reason: string;
}

const child = ['get', 'list', 'watch', 'create', 'patch', 'delete'] as const;

function childOf(group: string, resource: string, reason: string): Permission {
  return { group, resource, verbs: child, scope: 'watched', reason };
}

export const permissions: readonly Permission[] = [
  {
    group: 'cosftp.io',
    resource: 'ftpgateways',
    verbs: ['get', 'list', 'watch'],
    scope: 'watched',
    reason: 'what is wished',
  },
  {
    group: 'cosftp.io',
    resource: 'ftpgateways/status',
    verbs: ['get', 'patch', 'update'],
    scope: 'watched',
    reason: 'address, shards and conditions',
  },
  {
    group: 'cosftp.io',
    resource: 'ftpgateways/finalizers',
    verbs: ['update'],
    scope: 'watched',
    reason: 'children whose owner may not go before them (blockOwnerDeletion)',
  },
  childOf('', 'serviceaccounts', 'one without token per gateway'),
  childOf('', 'configmaps', "the gateway's configuration"),
  childOf('', 'services', 'its ports, and the address the cloud gives'),
  childOf('apps', 'statefulsets', 'one per shard'),
  childOf('policy', 'poddisruptionbudgets', 'node drains take one shard at a time'),
  childOf('networking.k8s.io', 'networkpolicies', 'only its own ports are open'),
  {
    group: '',
    resource: 'pods',
    verbs: ['get', 'list', 'watch', 'patch'],
    scope: 'watched',
    reason: 'readiness, drains, and the address as an annotation',
  },
  {
    group: '',
    resource: 'events',
    verbs: ['get', 'list', 'watch'],
    scope: 'watched',
    reason: 'why pods were refused shows only there',
  },
  {
    group: 'events.k8s.io',
    resource: 'events',
    verbs: ['create', 'patch', 'update'],
    scope: 'watched',
    reason: 'tells what it did',
  },
  {
    group: 'coordination.k8s.io',
    resource: 'leases',
    verbs: ['get', 'create', 'update', 'patch'],
    scope: 'own',
    reason: 'one operator works at a time',
  },
  {
    group: 'events.k8s.io',
    resource: 'events',
    verbs: ['create', 'patch', 'update'],
    scope: 'own',
    reason: 'who became leader',
  },
];
