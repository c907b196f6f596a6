/**
 * A ServiceAccount on a control plane that may do what operator/api/permissions.ts says and nothing else,
 * as the chart would make it for all namespaces.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { type PermissionScope, permissions } from '#operator/api/permissions.ts';
import type { ControlPlane } from './control-plane.ts';

const name = 'operator';
/** The operator's default. */
const leaseName = 'cos-ftp-gateway-operator';
const rbac = '/apis/rbac.authorization.k8s.io/v1';
const roleGroup = 'rbac.authorization.k8s.io';

export interface OperatorAccount {
  /** Its own. */
  readonly namespace: string;
  /** Of 127.0.0.1, where it finds the API server. */
  readonly port: number;
}

/** @returns a kubeconfig file of that account. */
export async function grantOperator(
  plane: ControlPlane,
  { namespace, port }: OperatorAccount,
): Promise<string> {
  const inNamespace = `/namespaces/${namespace}`;
  const subjects = [{ kind: 'ServiceAccount', name, namespace }];
  const roleRef = (kind: string) => ({ apiGroup: roleGroup, kind, name });
  const metadata = { name };
  await plane.call('POST', `/api/v1${inNamespace}/serviceaccounts`, { metadata });
  await plane.call('POST', `${rbac}/clusterroles`, { metadata, rules: rulesFor('watched') });
  await plane.call('POST', `${rbac}/clusterrolebindings`, {
    metadata,
    subjects,
    roleRef: roleRef('ClusterRole'),
  });
  await plane.call('POST', `${rbac}${inNamespace}/roles`, { metadata, rules: rulesFor('own') });
  await plane.call('POST', `${rbac}${inNamespace}/rolebindings`, {
    metadata,
    subjects,
    roleRef: roleRef('Role'),
  });
  const { status } = await plane.call<{ status: { token: string } }>(
    'POST',
    `/api/v1${inNamespace}/serviceaccounts/${name}/token`,
    { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
  );
  const config = JSON.parse(await readFile(plane.kubeconfig, 'utf8')) as Kubeconfig;
  const file = `${plane.kubeconfig}.operator`;
  const server = `https://127.0.0.1:${port}`;
  const own = {
    clusters: config.clusters.map(({ name: known, cluster }) => {
      return { name: known, cluster: { ...cluster, server } };
    }),
    users: [{ name, user: { token: status.token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: name, namespace } }],
  };
  await writeFile(file, JSON.stringify({ ...config, ...own }), { mode: 0o600 });
  return file;
}

interface Kubeconfig {
  readonly clusters: readonly { readonly name: string; readonly cluster: object }[];
}

function rulesFor(scope: PermissionScope) {
  return permissions
    .filter((permission) => permission.scope === scope)
    .map(({ group, resource, verbs, only }) => ({
      apiGroups: [group],
      resources: [resource],
      ...(only === 'lease' && { resourceNames: [leaseName] }),
      verbs,
    }));
}
