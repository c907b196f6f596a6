/** Which cluster, with which credentials: the kubeconfig, or inside a pod its ServiceAccount. */
import { KubeConfig } from '@kubernetes/client-node';
import { describeError } from '#gateway/kit/errors.ts';
import { KubeError } from './errors.ts';

export interface Cluster {
  readonly config: KubeConfig;
  /** URL of the API server, for the log. */
  readonly server: string;
  /** Of the pod, or of the kubeconfig's context. Default `default`. */
  readonly namespace: string;
}

/**
 * KUBECONFIG, else ~/.kube/config, else the pod's ServiceAccount.
 * @throws KubeError `protocol` with a hint when there is none of them.
 */
export function loadCluster(): Cluster {
  const config = new KubeConfig();
  const hint = 'set KUBECONFIG, or run inside a cluster with a ServiceAccount';
  try {
    config.loadFromDefault();
  } catch (cause) {
    throw new KubeError('protocol', `no kubeconfig: ${describeError(cause)}`, { cause, hint });
  }
  const server = config.getCurrentCluster()?.server;
  // The library's last resort, which is nobody's cluster.
  if (server === undefined || server === 'http://localhost:8080') {
    throw new KubeError('protocol', 'no cluster to work in', { hint });
  }
  const { namespace = 'default' } = config.getContextObject(config.getCurrentContext()) ?? {};
  return { config, server, namespace };
}
