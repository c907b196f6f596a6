/**
 * How clients reach the shards: one Service with every passive port by name, the policy that keeps other
 * ports shut, and the budget that lets a node drain take one shard at a time. Pure.
 */
import type { FtpGateway, FtpGatewaySpec } from '#operator/api/ftp-gateway.ts';
import { type KubernetesObject, manifest } from './manifest.ts';
import { childNames, passivePortName, podLabels, ports, servicePorts } from './names.ts';
import type { ObservedService } from './observed.ts';
import { needsNodePorts, serviceAnnotations } from './profiles.ts';
import { portSlice, portsOf } from './shards.ts';

export interface ServiceSources {
  readonly gateway: FtpGateway;
  readonly spec: FtpGatewaySpec;
  /** Wanted ones, and those of shards that still serve. */
  readonly slices: readonly number[];
  readonly live: ObservedService | undefined;
}

const serviceTypes = {
  Shared: 'LoadBalancer',
  NodePort: 'NodePort',
  ClusterIP: 'ClusterIP',
} as const;

export function clientService(sources: ServiceSources): KubernetesObject {
  const { gateway, spec, slices, live } = sources;
  const { name } = gateway.metadata;
  const { exposure } = spec;
  const passive = slices.flatMap((slice) => portsOf(portSlice(spec, slice)));
  return manifest(
    gateway,
    { apiVersion: 'v1', kind: 'Service' },
    {
      name: childNames(name).service,
      component: 'gateway',
      annotations: serviceAnnotations(spec, passive),
      body: {
        spec: {
          type: serviceTypes[exposure.type],
          selector: podLabels(name, 'gateway'),
          // Affinity is kept per port: it would not bring data to the control connection's shard.
          sessionAffinity: 'None',
          ...(exposure.type !== 'ClusterIP' && {
            externalTrafficPolicy: exposure.externalTrafficPolicy,
          }),
          ...(exposure.type === 'Shared' && loadBalancerFields(spec, live)),
          ports: [
            servicePort('ftp', servicePorts.ftp),
            ...(spec.tls?.implicit ? [servicePort('ftps', servicePorts.ftps)] : []),
            ...passive.map((port) => ({
              ...servicePort(passivePortName(port), port),
              ...(exposure.type === 'NodePort' && { nodePort: port }),
            })),
          ],
        },
      },
    },
  );
}

/** Node ports can be decided on only once: an apply without them leaves them where they are. */
function loadBalancerFields(spec: FtpGatewaySpec, live: ObservedService | undefined) {
  const { loadBalancerClass, sourceRanges } = spec.exposure;
  return {
    allocateLoadBalancerNodePorts:
      live?.spec?.allocateLoadBalancerNodePorts ?? needsNodePorts(spec),
    ...(loadBalancerClass && { loadBalancerClass }),
    ...(sourceRanges && { loadBalancerSourceRanges: sourceRanges }),
  };
}

/** The protocol is part of a port's identity in server-side apply: always said. */
function servicePort(name: string, port: number) {
  return { name, port, targetPort: name, protocol: 'TCP' };
}

/** Ports that somebody else put into a Service: each takes a listener, and a forced apply leaves it. */
export interface StrayPorts {
  readonly service: string;
  readonly ports: readonly { readonly port: number; readonly protocol: string }[];
}

export function strayServicePorts(
  wished: KubernetesObject,
  live: ObservedService | undefined,
): StrayPorts | undefined {
  const spec = wished['spec'] as { ports: readonly { port: number; protocol: string }[] };
  const known = new Set(spec.ports.map(({ port, protocol }) => `${protocol} ${port}`));
  const strangers = (live?.spec?.ports ?? [])
    .map(({ port, protocol = 'TCP' }) => ({ port, protocol }))
    .filter(({ port, protocol }) => !known.has(`${protocol} ${port}`));
  if (strangers.length === 0) return undefined;
  return { service: wished.metadata.name, ports: strangers };
}

/**
 * `minAvailable: replicas - 1` counts a replacement on the spare slice; `maxUnavailable: 1` would refuse
 * the next eviction until the first shard has drained, replacement or not.
 */
export function disruptionBudget(gateway: FtpGateway, spec: FtpGatewaySpec): KubernetesObject {
  const { name } = gateway.metadata;
  return manifest(
    gateway,
    { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' },
    {
      name: childNames(name).disruptionBudget,
      component: 'gateway',
      body: {
        spec: {
          minAvailable: Math.max(0, spec.replicas - 1),
          selector: { matchLabels: podLabels(name, 'gateway') },
        },
      },
    },
  );
}

/**
 * Ingress only: in active mode the gateway connects to whatever port its client names, so there is no
 * list of where it may go.
 */
export function networkPolicy(
  gateway: FtpGateway,
  spec: FtpGatewaySpec,
  slices: readonly number[],
): KubernetesObject {
  const { name } = gateway.metadata;
  const first = portSlice(spec, Math.min(...slices)).first;
  const last = portSlice(spec, Math.max(...slices)).last;
  return manifest(
    gateway,
    { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' },
    {
      name: childNames(name).networkPolicy,
      component: 'gateway',
      body: {
        spec: {
          podSelector: { matchLabels: podLabels(name, 'gateway') },
          policyTypes: ['Ingress'],
          ingress: [
            {
              ports: [
                { port: ports.ftp, protocol: 'TCP' },
                ...(spec.tls?.implicit ? [{ port: ports.ftps, protocol: 'TCP' }] : []),
                { port: first, endPort: last, protocol: 'TCP' },
                { port: ports.admin, protocol: 'TCP' },
              ],
            },
          ],
        },
      },
    },
  );
}
