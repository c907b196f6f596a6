/**
 * One shard: a StatefulSet of one pod with a slice of the passive ports as named container ports, because
 * the Service finds the owner of a port by its name. A StatefulSet, because a slice may never have two
 * owners at once. Nothing of the resource reaches a pod but names of Secrets and the image. Pure.
 */
import type { FtpGateway, FtpGatewaySpec } from '#operator/api/ftp-gateway.ts';
import { podPaths, shardEnvironment } from './desired-config.ts';
import { shortHash } from './hash.ts';
import { type KubernetesObject, manifest } from './manifest.ts';
import {
  annotations,
  childLabels,
  childNames,
  labels,
  passivePortName,
  podLabels,
  ports,
} from './names.ts';
import { containerSecurity, podSecurity } from './restricted.ts';
import type { OperatorSettings } from './settings.ts';
import { portSlice, portsOf } from './shards.ts';

export interface ShardSources {
  readonly gateway: FtpGateway;
  readonly spec: FtpGatewaySpec;
  readonly image: string;
  readonly settings: OperatorSettings;
  /** Of the configuration; see desired-config.ts. */
  readonly restartHash: string;
}

export function shardStatefulSet(sources: ShardSources, slice: number): KubernetesObject {
  const { gateway } = sources;
  const { name } = gateway.metadata;
  const shardLabels = { ...podLabels(name, 'gateway'), [labels.shard]: String(slice) };
  return manifest(
    gateway,
    { apiVersion: 'apps/v1', kind: 'StatefulSet' },
    {
      name: childNames(name).shard(slice),
      component: 'gateway',
      labels: { [labels.shard]: String(slice) },
      annotations: { [annotations.templateHash]: templateHash(sources) },
      body: {
        spec: {
          replicas: 1,
          serviceName: childNames(name).service,
          selector: { matchLabels: shardLabels },
          updateStrategy: { type: 'RollingUpdate' },
          template: podTemplate(sources, slice),
        },
      },
    },
  );
}

/** The same for every slice, so that a shard can be told outdated whichever it holds. */
export function templateHash(sources: ShardSources): string {
  return shortHash(podTemplate(sources, 0));
}

/** Time beyond drainSeconds for closing what is left. */
const graceBeyondDrainSeconds = 30;

function podTemplate(sources: ShardSources, slice: number) {
  const { gateway, spec, restartHash } = sources;
  const { name } = gateway.metadata;
  return {
    metadata: {
      labels: { ...childLabels(name, 'gateway'), [labels.shard]: String(slice) },
      annotations: {
        [annotations.restartHash]: restartHash,
        'prometheus.io/scrape': 'true',
        'prometheus.io/port': String(ports.admin),
        'prometheus.io/path': '/metrics',
      },
    },
    spec: {
      serviceAccountName: childNames(name).serviceAccount,
      automountServiceAccountToken: false,
      // Variables of Services named COSFTP_… would be read as configuration.
      enableServiceLinks: false,
      terminationGracePeriodSeconds: spec.drainSeconds + graceBeyondDrainSeconds,
      securityContext: podSecurity,
      topologySpreadConstraints: ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map(
        (topologyKey) => ({
          maxSkew: 1,
          topologyKey,
          whenUnsatisfiable: 'ScheduleAnyway',
          labelSelector: { matchLabels: podLabels(name, 'gateway') },
        }),
      ),
      containers: [container(sources, slice)],
      volumes: volumes(sources),
    },
  };
}

function container({ gateway, spec, image, settings }: ShardSources, slice: number) {
  const passive = portsOf(portSlice(spec, slice));
  return {
    name: 'gateway',
    image,
    imagePullPolicy: settings.gatewayImagePullPolicy,
    args: ['serve', '--config', podPaths.config],
    env: shardEnvironment(spec, gateway.metadata.uid, slice),
    ports: [
      containerPort('ftp', ports.ftp),
      ...(spec.tls?.implicit ? [containerPort('ftps', ports.ftps)] : []),
      containerPort('admin', ports.admin),
      ...passive.map((port) => containerPort(passivePortName(port), port)),
    ],
    startupProbe: { ...probe('/livez'), periodSeconds: 1, failureThreshold: 60 },
    // Stays true while draining: the slice's passive ports have nobody else to serve them.
    readinessProbe: { ...probe('/readyz'), periodSeconds: 2, failureThreshold: 3 },
    livenessProbe: { ...probe('/livez'), periodSeconds: 10, failureThreshold: 6 },
    resources: { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '1Gi' } },
    securityContext: containerSecurity,
    volumeMounts: mounts(spec),
  };
}

function containerPort(name: string, port: number) {
  return { name, containerPort: port, protocol: 'TCP' };
}

function probe(path: string) {
  return { httpGet: { path, port: 'admin' }, timeoutSeconds: 3 };
}

function mounts(spec: FtpGatewaySpec) {
  const readOnly = (name: string, mountPath: string) => ({ name, mountPath, readOnly: true });
  return [
    readOnly('config', podPaths.configFolder),
    readOnly('accounts', podPaths.accounts),
    ...(spec.cos.credentialsSecret ? [readOnly('cos', podPaths.cos)] : []),
    ...(spec.tls ? [readOnly('tls', podPaths.tls)] : []),
    readOnly('podinfo', podPaths.podInfo),
    { name: 'log', mountPath: podPaths.log },
    { name: 'tmp', mountPath: podPaths.temporary },
  ];
}

function volumes({ gateway, spec }: ShardSources) {
  const { configMap } = childNames(gateway.metadata.name);
  const { credentialsSecret } = spec.cos;
  return [
    { name: 'config', configMap: { name: configMap } },
    // Optional and whole: a new user's key appears in running pods.
    { name: 'accounts', secret: { secretName: spec.accountsSecret.name, optional: true } },
    ...(credentialsSecret
      ? [
          {
            name: 'cos',
            secret: {
              secretName: credentialsSecret.name,
              items: ['secretid', 'secretkey'].map((key) => ({ key, path: key })),
            },
          },
        ]
      : []),
    ...(spec.tls ? [{ name: 'tls', secret: { secretName: spec.tls.secretName } }] : []),
    // This one annotation: the file is its plain value, in running pods within a second.
    {
      name: 'podinfo',
      downwardAPI: {
        items: [
          {
            path: 'masquerade-address',
            fieldRef: { fieldPath: `metadata.annotations['${annotations.masqueradeAddress}']` },
          },
        ],
      },
    },
    { name: 'log', emptyDir: {} },
    { name: 'tmp', emptyDir: {} },
  ];
}
