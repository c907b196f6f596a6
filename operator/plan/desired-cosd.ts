/**
 * The embedded COS for trying a gateway out: one pod for all shards, its files in the pod and gone with
 * it, reached by the Service's address because a name would become a virtual host. Pure.
 */
import type { FtpGateway } from '#operator/api/ftp-gateway.ts';
import { embeddedCos } from './desired-config.ts';
import {
  type KubernetesObject,
  type ManifestParts,
  manifest,
  type ObjectKind,
  type ObjectReference,
} from './manifest.ts';
import { childLabels, childNames, podLabels, ports } from './names.ts';
import { containerSecurity, podSecurity } from './restricted.ts';
import type { OperatorSettings } from './settings.ts';

export interface CosdSources {
  readonly gateway: FtpGateway;
  readonly image: string;
  readonly settings: OperatorSettings;
}

/** In order: the Service first, because the gateway's configuration holds its address. */
export function embeddedCosObjects(sources: CosdSources): KubernetesObject[] {
  const { gateway } = sources;
  const { name } = gateway.metadata;
  const object = (kind: ObjectKind, body: ManifestParts['body']) =>
    manifest(gateway, kind, { name: childNames(name).cosd, component: 'cosd', body });
  const selector = podLabels(name, 'cosd');
  return [
    object(
      { apiVersion: 'v1', kind: 'Service' },
      {
        spec: {
          type: 'ClusterIP',
          selector,
          ports: [{ name: 'cos', port: ports.cosd, targetPort: 'cos', protocol: 'TCP' }],
        },
      },
    ),
    object({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' }, networkPolicySpec(name)),
    object(
      { apiVersion: 'apps/v1', kind: 'StatefulSet' },
      {
        spec: {
          replicas: 1,
          serviceName: childNames(name).cosd,
          selector: { matchLabels: selector },
          template: podTemplate(sources),
        },
      },
    ),
  ];
}

/** For a gateway that moved on to a bucket. */
export function embeddedCosReferences(gateway: string): ObjectReference[] {
  const { cosd } = childNames(gateway);
  return (['StatefulSet', 'Service', 'NetworkPolicy'] as const).map((kind) => {
    return { kind, name: cosd };
  });
}

function networkPolicySpec(name: string) {
  return {
    spec: {
      podSelector: { matchLabels: podLabels(name, 'cosd') },
      policyTypes: ['Ingress'],
      ingress: [
        {
          from: [{ podSelector: { matchLabels: podLabels(name, 'gateway') } }],
          ports: [{ port: ports.cosd, protocol: 'TCP' }],
        },
      ],
    },
  };
}

const secretIdArgument = `--secretid=${embeddedCos.secretId}`;

function podTemplate({ gateway, image, settings }: CosdSources) {
  const { name } = gateway.metadata;
  return {
    metadata: { labels: childLabels(name, 'cosd') },
    spec: {
      serviceAccountName: childNames(name).serviceAccount,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 10,
      securityContext: podSecurity,
      containers: [
        {
          name: 'cosd',
          image,
          imagePullPolicy: settings.gatewayImagePullPolicy,
          args: ['cosd', '--host=::', `--port=${ports.cosd}`, '--data-dir=/data', secretIdArgument],
          // Known to everybody, on purpose: it guards nothing.
          env: [{ name: 'COSD_SECRET_KEY', value: embeddedCos.secretKey }],
          ports: [{ name: 'cos', containerPort: ports.cosd, protocol: 'TCP' }],
          readinessProbe: { tcpSocket: { port: 'cos' }, periodSeconds: 2 },
          resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '1Gi' } },
          securityContext: containerSecurity,
          volumeMounts: [
            { name: 'data', mountPath: '/data' },
            { name: 'tmp', mountPath: '/tmp' },
          ],
        },
      ],
      volumes: [
        { name: 'data', emptyDir: {} },
        { name: 'tmp', emptyDir: {} },
      ],
    },
  };
}
