/**
 * What the fields of a spec say about each other, each rule twice: as CEL for the API server and as a
 * function for the operator, which may meet resources older than a rule. A test runs both over the same
 * examples. Messages are plain: a messageExpression that joins numbers is over the server's budget.
 */
import { type FtpGatewaySpec, passivePortsMax } from './ftp-gateway.ts';

export interface SpecRule {
  /** Over the spec as `self`. */
  readonly cel: string;
  readonly message: string;
  /** Below spec; where the server shows the message. */
  readonly fieldPath: string;
  readonly holds: (spec: FtpGatewaySpec) => boolean;
}

const slicePorts = '(self.replicas + 1) * self.passivePorts.perShard';

/** Ports of all slices, the spare one included. */
export function passivePortCount({ replicas, passivePorts }: FtpGatewaySpec): number {
  return (replicas + 1) * passivePorts.perShard;
}

/** Listeners the load balancer needs. */
export function listenerCount(spec: FtpGatewaySpec): number {
  return (spec.tls?.implicit ? 2 : 1) + passivePortCount(spec);
}

export const specRules: readonly SpecRule[] = [
  {
    cel: '[has(self.cos.credentialsSecret), has(self.cos.podIdentity), has(self.cos.cvmRole), has(self.cos.embedded)].filter(x, x).size() == 1',
    message: 'cos needs exactly one of credentialsSecret, podIdentity, cvmRole and embedded',
    fieldPath: '.cos',
    holds: ({ cos }) =>
      [cos.credentialsSecret, cos.podIdentity, cos.cvmRole, cos.embedded].filter(
        (given) => given !== undefined,
      ).length === 1,
  },
  {
    cel: 'has(self.cos.embedded) || has(self.cos.bucket)',
    message: 'cos.bucket is missing: the whole name with the APPID, like inbox-1250000000',
    fieldPath: '.cos',
    holds: ({ cos }) => cos.embedded !== undefined || cos.bucket !== undefined,
  },
  {
    cel: 'has(self.cos.embedded) || has(self.cos.region) || has(self.cos.endpoint)',
    message: 'cos.region is missing, and there is no cos.endpoint either',
    fieldPath: '.cos',
    holds: ({ cos }) =>
      cos.embedded !== undefined || cos.region !== undefined || cos.endpoint !== undefined,
  },
  {
    cel: `self.passivePorts.start + ${slicePorts} <= 65536`,
    message:
      'the passive ports end above 65535: passivePorts.start + (replicas + 1) x perShard may be 65536 at most',
    fieldPath: '.passivePorts',
    holds: (spec) => spec.passivePorts.start + passivePortCount(spec) <= 65536,
  },
  {
    cel: `${slicePorts} <= ${passivePortsMax}`,
    message: `(replicas + 1) x passivePorts.perShard may be ${passivePortsMax} at most`,
    fieldPath: '.passivePorts',
    holds: (spec) => passivePortCount(spec) <= passivePortsMax,
  },
  {
    cel: `self.passivePorts.start > 9990 || self.passivePorts.start + ${slicePorts} <= 2121`,
    message: 'the passive ports take in 2121, 9121 or 9990, which the gateway itself listens on',
    fieldPath: '.passivePorts',
    holds: (spec) =>
      spec.passivePorts.start > 9990 || spec.passivePorts.start + passivePortCount(spec) <= 2121,
  },
  {
    cel: `!has(self.exposure.listenerLimit) || 1 + (has(self.tls) && self.tls.implicit ? 1 : 0) + ${slicePorts} <= self.exposure.listenerLimit`,
    message:
      'needs more ports than exposure.listenerLimit: 1 + (replicas + 1) x passivePorts.perShard, one more with tls.implicit',
    fieldPath: '.exposure',
    holds: (spec) =>
      spec.exposure.listenerLimit === undefined ||
      listenerCount(spec) <= spec.exposure.listenerLimit,
  },
  {
    cel: `self.exposure.type != 'NodePort' || (self.passivePorts.start >= 30000 && self.passivePorts.start + ${slicePorts} <= 32768)`,
    message: 'with exposure.type NodePort the passive ports have to lie within 30000-32767',
    fieldPath: '.passivePorts',
    holds: (spec) =>
      spec.exposure.type !== 'NodePort' ||
      (spec.passivePorts.start >= 30000 &&
        spec.passivePorts.start + passivePortCount(spec) <= 32768),
  },
  {
    cel: "self.proxyProtocol.mode == 'Disabled' || size(self.proxyProtocol.trusted) > 0",
    message:
      'proxyProtocol.trusted is empty: name the networks of the balancers, or anybody could claim any address',
    fieldPath: '.proxyProtocol',
    holds: ({ proxyProtocol }) =>
      proxyProtocol.mode === 'Disabled' || proxyProtocol.trusted.length > 0,
  },
];

/** Longest name: with `-shard-32` and a revision hash it still is a label value of 63 characters. */
export const nameLengthMax = 40;
const namePattern = '^[a-z]([-a-z0-9]*[a-z0-9])?$';

/** Over the whole resource, because the name is part of it. */
export const nameRule = {
  cel: `size(self.metadata.name) <= ${nameLengthMax} && self.metadata.name.matches('${namePattern}')`,
  message: `the name may have ${nameLengthMax} characters at most, begins with a small letter, and has no dots: a Service is named after it`,
  holds: (name: string): boolean =>
    name.length <= nameLengthMax && new RegExp(namePattern).test(name),
};

/** Only the server knows the old value; the operator needs no counterpart. */
export const passivePortsTransition = {
  cel: 'self == oldSelf',
  message:
    'passivePorts cannot be changed: running shards hold those ports. Make a second gateway and move clients',
};
