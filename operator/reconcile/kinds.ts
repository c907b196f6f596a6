/**
 * The kinds of objects the operator reads and writes, as the API server calls them. The rights to do so
 * are in operator/api/permissions.ts.
 */
import type { ResourceKind } from '#operator/runtime/client.ts';

function namespacedKind(group: string, plural: string, kind: string, version = 'v1'): ResourceKind {
  return { group, version, plural, kind, namespaced: true };
}

export const gatewayKind = namespacedKind('cosftp.io', 'ftpgateways', 'FtpGateway', 'v1alpha1');
export const eventKind = namespacedKind('', 'events', 'Event');

/** Kinds of objects made for a gateway, by their name in manifests. */
export const childKinds = {
  ServiceAccount: namespacedKind('', 'serviceaccounts', 'ServiceAccount'),
  ConfigMap: namespacedKind('', 'configmaps', 'ConfigMap'),
  Service: namespacedKind('', 'services', 'Service'),
  StatefulSet: namespacedKind('apps', 'statefulsets', 'StatefulSet'),
  PodDisruptionBudget: namespacedKind('policy', 'poddisruptionbudgets', 'PodDisruptionBudget'),
  NetworkPolicy: namespacedKind('networking.k8s.io', 'networkpolicies', 'NetworkPolicy'),
} as const satisfies Record<string, ResourceKind>;

export const podKind = namespacedKind('', 'pods', 'Pod');

export type ChildKind = keyof typeof childKinds;

/** @throws for a kind the operator does not make: a mistake of the plan. */
export function childKindOf(name: string): ResourceKind {
  if (!Object.hasOwn(childKinds, name)) throw new Error(`no kind ${name} among the children`);
  return childKinds[name as ChildKind];
}
