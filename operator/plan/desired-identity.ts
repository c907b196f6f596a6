/** What a gateway runs with: a ServiceAccount without token, and its configuration. Pure. */
import type { FtpGateway } from '#operator/api/ftp-gateway.ts';
import { configKey } from './desired-config.ts';
import { type KubernetesObject, manifest } from './manifest.ts';
import { childNames } from './names.ts';

/**
 * The gateway never speaks to the Kubernetes API. Image pull secrets and the role of the TKE pod identity
 * may be added to it by hand: they are left there.
 */
export function serviceAccount(gateway: FtpGateway): KubernetesObject {
  return manifest(
    gateway,
    { apiVersion: 'v1', kind: 'ServiceAccount' },
    {
      name: childNames(gateway.metadata.name).serviceAccount,
      component: 'gateway',
      body: { automountServiceAccountToken: false },
    },
  );
}

export function configMap(gateway: FtpGateway, config: object): KubernetesObject {
  return manifest(
    gateway,
    { apiVersion: 'v1', kind: 'ConfigMap' },
    {
      name: childNames(gateway.metadata.name).configMap,
      component: 'gateway',
      body: { data: { [configKey]: `${JSON.stringify(config, null, 2)}\n` } },
    },
  );
}
