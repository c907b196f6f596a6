/**
 * What load balancers of different clouds have to be told. Only what is documented by their makers and
 * needed for passive ports; everything else is the user's annotations, which win.
 */
import type { ExposureProfile, FtpGatewaySpec } from '#operator/api/ftp-gateway.ts';
import { listenerCount } from '#operator/api/rules.ts';

interface Profile {
  readonly annotations?: (passivePorts: readonly number[]) => Record<string, string>;
  /** Ports one balancer can have. */
  readonly listenersMax?: number;
  /** Whether the balancer goes through node ports; default it does. */
  readonly nodePorts?: 'not needed';
}

const profiles: Record<ExposureProfile, Profile> = {
  generic: {},
  /** CLB use limits, document 214/6187. */
  tke: { listenersMax: 50 },
  /** A passive port has its only target in one zone. Quota L-57A373D6. */
  aws: {
    listenersMax: 50,
    annotations: () => ({
      'service.beta.kubernetes.io/aws-load-balancer-attributes':
        'load_balancing.cross_zone.enabled=true',
    }),
  },
  gke: {},
  /** Its default is one health probe per port and node; cloud-provider-azure, "Custom load balancer health probe". */
  azure: {
    annotations: (passivePorts) =>
      Object.fromEntries(
        passivePorts.map((port) => [
          `service.beta.kubernetes.io/port_${port}_no_probe_rule`,
          'true',
        ]),
      ),
  },
  metallb: { nodePorts: 'not needed' },
  k3s: {},
  cilium: { nodePorts: 'not needed' },
};

/** Annotations of the Service, the user's over the profile's. */
export function serviceAnnotations(
  { exposure }: FtpGatewaySpec,
  passivePorts: readonly number[],
): Record<string, string> {
  return { ...profiles[exposure.profile].annotations?.(passivePorts), ...exposure.annotations };
}

export function needsNodePorts({ exposure }: FtpGatewaySpec): boolean {
  return profiles[exposure.profile].nodePorts === undefined;
}

/** Why the profile's balancer cannot have that many ports; undefined when it can. */
export function listenerProblem(spec: FtpGatewaySpec): string | undefined {
  const { profile, listenerLimit, type } = spec.exposure;
  const max = listenerLimit ?? profiles[profile].listenersMax;
  const needed = listenerCount(spec);
  if (type !== 'Shared' || max === undefined || needed <= max) return undefined;
  return `needs ${needed} ports on the load balancer, and one of ${profile} has ${max}: lower replicas or passivePorts.perShard, or set exposure.listenerLimit to what yours has`;
}
