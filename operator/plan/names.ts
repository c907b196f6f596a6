/** Names, labels, annotations and ports of everything made for a gateway, in one place. Pure. */

export const labels = {
  name: 'app.kubernetes.io/name',
  instance: 'app.kubernetes.io/instance',
  managedBy: 'app.kubernetes.io/managed-by',
  component: 'app.kubernetes.io/component',
  gateway: 'cosftp.io/gateway',
  shard: 'cosftp.io/shard',
} as const;

export const managerName = 'cos-ftp-gateway-operator';

export const annotations = {
  /** On pods: the address told in 227; see the downwardAPI volume. */
  masqueradeAddress: 'cosftp.io/masquerade-address',
  /** On StatefulSets: of the wished pod template, the shard's own ports left out. */
  templateHash: 'cosftp.io/template-hash',
  /** On pod templates: of what a running gateway cannot take over from its ConfigMap. */
  restartHash: 'cosftp.io/restart-hash',
  /** On pods: of the ConfigMap they were last told of; see pod-annotations.ts. */
  configHash: 'cosftp.io/config-hash',
} as const;

export const ports = { ftp: 2121, ftps: 9990, admin: 9121, cosd: 9000 } as const;
export const servicePorts = { ftp: 21, ftps: 990 } as const;

export type Component = 'gateway' | 'cosd';

export interface ChildNames {
  readonly serviceAccount: string;
  readonly configMap: string;
  readonly service: string;
  readonly disruptionBudget: string;
  readonly networkPolicy: string;
  /** StatefulSet, Service and NetworkPolicy of the embedded COS. */
  readonly cosd: string;
  shard(slice: number): string;
}

export function childNames(gateway: string): ChildNames {
  return {
    serviceAccount: gateway,
    configMap: gateway,
    service: gateway,
    disruptionBudget: gateway,
    networkPolicy: gateway,
    cosd: `${gateway}-cosd`,
    shard: (slice) => `${gateway}-shard-${slice}`,
  };
}

/** Label by which everything that belongs to a gateway is found. */
export function gatewaySelector(gateway: string): string {
  return `${labels.gateway}=${gateway}`;
}

/** What a pod must carry to get the gateway's clients. */
export function podLabels(gateway: string, component: Component): Record<string, string> {
  return { [labels.gateway]: gateway, [labels.component]: component };
}

export function childLabels(gateway: string, component: Component): Record<string, string> {
  return {
    [labels.name]: 'cos-ftp-gateway',
    [labels.instance]: gateway,
    [labels.managedBy]: managerName,
    ...podLabels(gateway, component),
  };
}

/** Name of a container port and Service port; at most 15 characters (RFC 6335 section 5.1). */
export function passivePortName(port: number): string {
  return `pasv-${port}`;
}
