/**
 * Everything the plan looks at, as it was read: the gateway and what lives under its label. Only the
 * fields that are used are named; the objects may hold more.
 */
import type { FtpGateway } from '#operator/api/ftp-gateway.ts';

export interface ObservedMetadata {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly uid?: string | undefined;
  readonly generation?: number | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly creationTimestamp?: string | undefined;
  readonly deletionTimestamp?: string | undefined;
}

export interface LoadBalancerIngress {
  readonly ip?: string | undefined;
  readonly hostname?: string | undefined;
  readonly ports?:
    | readonly { readonly port: number; readonly error?: string | undefined }[]
    | undefined;
}

export interface ObservedServicePort {
  readonly name?: string | undefined;
  readonly port: number;
  readonly protocol?: string | undefined;
}

export interface ObservedService {
  readonly metadata: ObservedMetadata;
  readonly spec?:
    | {
        readonly type?: string | undefined;
        readonly clusterIP?: string | undefined;
        readonly ports?: readonly ObservedServicePort[] | undefined;
        readonly allocateLoadBalancerNodePorts?: boolean | undefined;
        readonly loadBalancerClass?: string | undefined;
      }
    | undefined;
  readonly status?:
    | {
        readonly loadBalancer?:
          | { readonly ingress?: readonly LoadBalancerIngress[] | undefined }
          | undefined;
      }
    | undefined;
}

export interface ObservedConfigMap {
  readonly metadata: ObservedMetadata;
  readonly data?: Readonly<Record<string, string>> | undefined;
}

export interface ObservedStatefulSet {
  readonly metadata: ObservedMetadata;
  readonly status?:
    | {
        readonly observedGeneration?: number | undefined;
        readonly replicas?: number | undefined;
        readonly readyReplicas?: number | undefined;
      }
    | undefined;
}

export interface ObservedContainer {
  readonly state?: ContainerState | undefined;
  readonly lastState?: ContainerState | undefined;
}

interface ContainerState {
  readonly waiting?: { readonly reason?: string | undefined } | undefined;
  readonly terminated?:
    | { readonly exitCode: number; readonly reason?: string | undefined }
    | undefined;
}

export interface ObservedPod {
  readonly metadata: ObservedMetadata;
  readonly spec?:
    | {
        readonly containers?:
          | readonly {
              readonly ports?:
                | readonly { readonly name?: string | undefined; readonly containerPort: number }[]
                | undefined;
            }[]
          | undefined;
      }
    | undefined;
  readonly status?:
    | {
        readonly phase?: string | undefined;
        readonly hostIP?: string | undefined;
        readonly containerStatuses?: readonly ObservedContainer[] | undefined;
        readonly conditions?:
          | readonly {
              readonly type: string;
              readonly status: string;
              readonly lastTransitionTime?: string | undefined;
            }[]
          | undefined;
      }
    | undefined;
}

export interface Observed {
  readonly gateway: FtpGateway;
  /** The Service clients connect to: names.service. */
  readonly service?: ObservedService | undefined;
  /** The gateway's configuration: names.configMap. */
  readonly configMap?: ObservedConfigMap | undefined;
  /** The Service of the embedded COS: names.cosd. */
  readonly cosdService?: ObservedService | undefined;
  /** All with the label cosftp.io/gateway of this gateway, that of the embedded COS included. */
  readonly statefulSets: readonly ObservedStatefulSet[];
  readonly pods: readonly ObservedPod[];
  /** IPv4 addresses of the host names in the Service's ingress, as far as they could be resolved. */
  readonly resolvedHosts: Readonly<Record<string, readonly string[]>>;
  /** Sentences from Events about pods that cannot be made or do not begin to run, newest first. */
  readonly podProblems: readonly string[];
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}
