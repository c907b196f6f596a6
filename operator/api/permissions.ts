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
  /** Only over this one object; its name is an option of the operator. */
  readonly only?: 'lease';
  readonly scope: PermissionScope;
  readonly reason: string;
}

const kept = ['get', 'list', 'watch', 'create', 'patch'] as const;

/** Applied and watched; the garbage collector removes it. `get` is for names that may be somebody else's. */
function childOf(group: string, resource: string, reason: string): Permission {
  return { group, resource, verbs: kept, scope: 'watched', reason };
}

/** A child that the operator itself removes in a gateway's life. */
function passingChildOf(group: string, resource: string, reason: string): Permission {
  return { group, resource, verbs: [...kept, 'delete'], scope: 'watched', reason };
}

export const permissions: readonly Permission[] = [
  {
    group: 'cosftp.io',
    resource: 'ftpgateways',
    verbs: ['list', 'watch'],
    scope: 'watched',
    reason: 'what is wished',
  },
  {
    group: 'cosftp.io',
    resource: 'ftpgateways/status',
    verbs: ['patch'],
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
  passingChildOf('', 'services', 'its ports, and the address the cloud gives'),
  passingChildOf('apps', 'statefulsets', 'one per shard'),
  childOf('policy', 'poddisruptionbudgets', 'node drains take one shard at a time'),
  passingChildOf('networking.k8s.io', 'networkpolicies', 'only its own ports are open'),
  {
    group: '',
    resource: 'pods',
    verbs: ['list', 'watch', 'patch'],
    scope: 'watched',
    reason: 'readiness, drains, and news for running gateways as annotations',
  },
  {
    group: '',
    resource: 'events',
    verbs: ['list'],
    scope: 'watched',
    reason: 'why pods were refused shows only there',
  },
  {
    group: 'events.k8s.io',
    resource: 'events',
    verbs: ['create', 'patch'],
    scope: 'watched',
    reason: 'tells what it did',
  },
  {
    group: 'coordination.k8s.io',
    resource: 'leases',
    verbs: ['get', 'update'],
    only: 'lease',
    scope: 'own',
    reason: 'one operator works at a time',
  },
  {
    group: 'coordination.k8s.io',
    resource: 'leases',
    verbs: ['create'],
    scope: 'own',
    reason: 'the lease of the first start; what does not exist yet has no name to allow',
  },
];
