/**
 * Which address clients are told: the resource's own word, else the current one while it is still listed,
 * else the lowest IPv4 address the load balancer has, else what its host name means. Sticky, because a
 * changed address reaches only replies to come. Pure.
 */
import { isIPv4 } from 'node:net';
import type { FtpGatewaySpec } from '#operator/api/ftp-gateway.ts';
import type { LoadBalancerIngress, Observed } from './observed.ts';

export interface AddressChoice {
  /** IPv4 address, or the DNS name of the resource. */
  readonly address?: string;
  readonly reason: 'FromSpec' | 'FromLoadBalancer' | 'FromService' | 'FromNode' | 'Waiting';
  /** For people. */
  readonly message: string;
  /** Whether a host name stands behind it, whose meaning may change without any report. */
  readonly isResolved: boolean;
}

/** How often the meaning of a load balancer's host name is looked at again, in milliseconds. */
export const hostNameRefreshMs = 30_000;

export function chooseAddress(observed: Observed, spec: FtpGatewaySpec): AddressChoice {
  const { masqueradeAddress: address, exposure } = spec;
  if (address !== '') {
    const message = `${address} is what spec.masqueradeAddress says`;
    return { address, reason: 'FromSpec', message, isResolved: false };
  }
  switch (exposure.type) {
    case 'Shared':
      return fromLoadBalancer(observed);
    case 'ClusterIP':
      return fromClusterIp(observed);
    case 'NodePort':
      return fromNodes(observed);
  }
}

/**
 * For a resource that is not accepted now: still from where its address came when it last was, because
 * what runs goes on and its balancer can change meanwhile. Undefined when it never had one, or has its own
 * word for it.
 */
export function followAddress(observed: Observed): AddressChoice | undefined {
  const { conditions = [] } = observed.gateway.status ?? {};
  switch (conditions.find(({ type }) => type === 'AddressAssigned')?.reason) {
    case 'FromLoadBalancer':
    case 'Waiting':
      return fromLoadBalancer(observed);
    case 'FromService':
      return fromClusterIp(observed);
    case 'FromNode':
      return fromNodes(observed);
    default:
      return undefined;
  }
}

function fromLoadBalancer(observed: Observed): AddressChoice {
  const ingress = observed.service?.status?.loadBalancer?.ingress ?? [];
  const listed = ingress.flatMap(({ ip }) => (ip !== undefined && isIPv4(ip) ? [ip] : []));
  const hosts = ingress.flatMap(({ hostname }) => (hostname ? [hostname] : []));
  const resolved = hosts.flatMap((host) => observed.resolvedHosts[host] ?? []);
  const isResolved = listed.length === 0 && hosts.length > 0;
  const candidates = isResolved ? resolved : listed;
  const address = stickyLowest(candidates, observed.gateway.status?.address);
  if (address === undefined) {
    return { reason: 'Waiting', message: waitingMessage(ingress, hosts), isResolved };
  }
  const source = isResolved ? hosts.join(', ') : 'the load balancer';
  const others = candidates.length > 1 ? `, chosen from ${candidates.toSorted().join(', ')}` : '';
  const message = `${address} comes from ${source}${others}${portErrors(ingress)}`;
  return { address, reason: 'FromLoadBalancer', message, isResolved };
}

function waitingMessage(ingress: readonly LoadBalancerIngress[], hosts: readonly string[]): string {
  const known = 'passive mode answers 425 until then, extended passive mode works';
  if (hosts.length > 0) return `${hosts.join(', ')} has no IPv4 address yet; ${known}`;
  if (ingress.length > 0) return `the load balancer has no IPv4 address; ${known}`;
  return `the load balancer has no address yet; ${known}. Without one in this cluster, set exposure.type or spec.masqueradeAddress`;
}

/** A balancer may serve some ports and not others. */
function portErrors(ingress: readonly LoadBalancerIngress[]): string {
  const errors = ingress.flatMap(({ ports = [] }) =>
    ports.flatMap(({ port, error }) => (error ? [`port ${port}: ${error}`] : [])),
  );
  return errors.length > 0 ? `; the load balancer reports ${errors.join(', ')}` : '';
}

function fromClusterIp({ service }: Observed): AddressChoice {
  const address = service?.spec?.clusterIP ?? '';
  if (!isIPv4(address)) {
    const message = 'the Service has no IPv4 address yet';
    return { reason: 'Waiting', message, isResolved: false };
  }
  const message = `${address} is that of the Service, inside the cluster`;
  return { address, reason: 'FromService', message, isResolved: false };
}

function fromNodes({ pods, gateway }: Observed): AddressChoice {
  const nodes = pods.flatMap(({ status }) => (status?.hostIP ? [status.hostIP] : []));
  const address = stickyLowest(nodes.filter(isIPv4), gateway.status?.address);
  if (address === undefined) {
    const message = 'no pod is on a node yet';
    return { reason: 'Waiting', message, isResolved: false };
  }
  const message = `${address} is the node of a shard; set spec.masqueradeAddress when clients need another one`;
  return { address, reason: 'FromNode', message, isResolved: false };
}

function stickyLowest(candidates: readonly string[], current: string | undefined) {
  if (current !== undefined && candidates.includes(current)) return current;
  return candidates.toSorted((one, other) => numberOf(one) - numberOf(other))[0];
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}
