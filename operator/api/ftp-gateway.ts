/**
 * The FtpGateway resource: every field, its bounds, default and description, once. The CRD is generated
 * from this schema, so it uses only what a structural schema can say; what fields say about each other
 * stands beside it as CEL (rules.ts). Nothing here may name a namespace, a ServiceAccount, a volume, an
 * environment variable or a container: whoever writes the resource gets no more than a gateway.
 */
import * as z from 'zod';
import { storageClasses } from '#gateway/config/model.ts';

export const apiGroup = 'cosftp.io';
export const apiVersion = 'cosftp.io/v1alpha1';
export const gatewayKindName = 'FtpGateway';

/** More shards than this need another LoadBalancer anyway: each takes its own slice of ports. */
export const replicasMax = 32;
/** Passive ports of all slices together; CEL and the API server handle each one by one. */
export const passivePortsMax = 1024;

const objectName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);

const secretReference = (keys: string) =>
  z.strictObject({ name: objectName }).describe(`Secret of the same namespace; ${keys}`);

const marker = (meaning: string) => z.strictObject({}).exactOptional().describe(meaning);

const network = z
  .string()
  .max(64)
  .regex(/^[0-9a-fA-F:.]+\/[0-9]{1,3}$/)
  .describe('for example 10.0.0.0/8');

const networks = z.array(network).max(64);

const cos = z
  .strictObject({
    bucket: z
      .string()
      .max(64)
      .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?-[0-9]{5,12}$/)
      .exactOptional()
      .describe('the whole name with the APPID: inbox-1250000000'),
    region: z
      .string()
      .max(40)
      .regex(/^[a-z0-9-]+$/)
      .exactOptional()
      .describe('for example ap-guangzhou'),
    endpoint: z
      .string()
      .max(253)
      .exactOptional()
      .describe(
        "host or host:port instead of the region's own; {bucket} and {region} are filled in",
      ),
    protocol: z.enum(['https', 'http']).default('https').describe('how COS is spoken to'),
    credentialsSecret: secretReference(
      'its keys secretid and secretkey are the key to COS',
    ).exactOptional(),
    podIdentity: marker('the key comes from the TKE pod identity of the gateway’s ServiceAccount'),
    cvmRole: marker('the key comes from the role of the machine'),
    embedded: marker(
      'a COS of its own in one pod, for trying out: its files are lost with that pod',
    ),
  })
  .describe('where files go; exactly one of credentialsSecret, podIdentity, cvmRole, embedded');

export const accountPermissions = ['list', 'read', 'write', 'overwrite', 'delete'] as const;

/** The gateway checks names and values; here are only bounds, which CRDs must have. */
const entries = (bytesMax: number) =>
  z.record(z.string(), z.string().max(bytesMax)).meta({ maxProperties: 64 });

const objectFields = {
  contentTypes: entries(255)
    .exactOptional()
    .describe('content type by file extension, over the common ones; "*": every other file'),
  storageClass: z
    .enum(storageClasses)
    .exactOptional()
    .describe('left out: the bucket’s; archive classes cannot be read or renamed'),
  serverSideEncryption: z
    .enum(['BucketDefault', 'AES256', 'KMS'])
    .exactOptional()
    .describe('AES256 is SSE-COS, KMS is SSE-KMS; left out: the bucket’s setting'),
  kmsKeyID: z
    .string()
    .max(128)
    .regex(/^[-_a-zA-Z0-9]+$/)
    .exactOptional()
    .describe('for KMS; left out: the default key'),
  metadata: entries(2048).exactOptional().describe('x-cos-meta-… without the prefix'),
};

const objects = z
  .strictObject(objectFields)
  .exactOptional()
  .describe('what new files carry in COS besides their bytes');

const rate = z
  .string()
  .max(20)
  .regex(/^(0|[1-9][0-9]{0,14}(Ki|Mi|Gi)?)$/)
  .exactOptional();

const bandwidth = z
  .strictObject({
    uploadBytesPerSecond: rate.describe('10Mi; 0 or left out: no limit'),
    downloadBytesPerSecond: rate.describe('in the same way'),
  })
  .exactOptional();

const account = z.strictObject({
  user: z
    .string()
    .min(1)
    .max(128)
    .regex(/^[-._a-zA-Z0-9]+$/)
    .describe('login name; the key of accountsSecret that holds the password or its hash'),
  prefix: z.string().max(512).default('').describe('all this user ever sees of the bucket'),
  permissions: z
    .array(z.enum(accountPermissions))
    .min(1)
    .max(accountPermissions.length)
    .default([...accountPermissions])
    .describe('write creates, overwrite replaces'),
  bandwidth: bandwidth.describe('of all sessions of this user on one shard together'),
  objects: objects.describe('for this user: maps over those of spec.objects, the rest instead'),
});

const passivePorts = z
  .strictObject({
    start: z.int().min(1024).max(65535).default(61000).describe('first port of the first shard'),
    perShard: z.int().min(1).max(256).default(16).describe('ports of each shard'),
  })
  .prefault({})
  .describe('shard k takes start + k x perShard; one slice more is kept for replacements');

export const exposureTypes = ['Shared', 'NodePort', 'ClusterIP'] as const;
export const exposureProfiles = [
  'generic',
  'tke',
  'aws',
  'gke',
  'azure',
  'metallb',
  'k3s',
  'cilium',
] as const;
export type ExposureProfile = (typeof exposureProfiles)[number];

const exposure = z
  .strictObject({
    type: z
      .enum(exposureTypes)
      .default('Shared')
      .describe('Shared: one LoadBalancer address for all shards'),
    profile: z.enum(exposureProfiles).default('generic').describe('whose load balancer it is'),
    annotations: z
      .record(z.string(), z.string().max(4096))
      .meta({ maxProperties: 64 })
      .exactOptional()
      .describe('for the Service; they win over those of the profile'),
    loadBalancerClass: z.string().max(253).exactOptional(),
    sourceRanges: networks.exactOptional().describe('who may connect; left out: everybody'),
    externalTrafficPolicy: z
      .enum(['Cluster', 'Local'])
      .default('Cluster')
      .describe('Local keeps client addresses and is for one replica only'),
    listenerLimit: z
      .int()
      .min(2)
      .max(65535)
      .exactOptional()
      .describe('ports the load balancer can have; more are refused'),
  })
  .prefault({})
  .describe('how clients reach the gateway');

const tls = z
  .strictObject({
    secretName: objectName.describe('Secret of type kubernetes.io/tls'),
    required: z.boolean().default(false).describe('refuse logins and transfers in clear'),
    implicit: z.boolean().default(false).describe('FTPS from the first byte on port 990 as well'),
  })
  .exactOptional()
  .describe('FTPS; left out: none');

const proxyProtocol = z
  .strictObject({
    mode: z.enum(['Disabled', 'Optional', 'Required']).default('Disabled'),
    trusted: networks.default([]).describe('networks of the balancers that are believed'),
  })
  .prefault({})
  .describe('PROXY protocol in front of every connection');

export const specSchema = z.strictObject({
  replicas: z.int().min(0).max(replicasMax).default(1).describe('shards; 0 stops the gateway'),
  image: z
    .string()
    .min(1)
    .max(512)
    .exactOptional()
    .describe("instead of the operator's; only from repositories the operator allows"),
  cos,
  accountsSecret: secretReference('one key per user: a password, better its hash'),
  accounts: z
    .array(account)
    .min(1)
    .max(500)
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['user'] })
    .describe('who may log in'),
  passivePorts,
  masqueradeAddress: z
    .string()
    .max(253)
    .regex(/^[-a-zA-Z0-9.]*$/)
    .default('')
    .describe('IPv4 address or DNS name clients are told; empty: that of the load balancer'),
  exposure,
  tls,
  dataPeer: z
    .enum(['Same', 'Network', 'Any'])
    .exactOptional()
    .describe(
      'who may open a data connection; left out: Same where client addresses are kept, else Any',
    ),
  dataPeerNetworks: networks
    .exactOptional()
    .describe('for Network: both addresses inside one entry; has to cover nodes and pods'),
  proxyProtocol,
  singleFileMaxSize: z
    .string()
    .max(20)
    .regex(/^[1-9][0-9]{0,14}(Ki|Mi|Gi|Ti)?$/)
    .default('200Gi')
    .describe('larger uploads are refused with 552'),
  incompleteUploads: z
    .enum(['Discard', 'Complete'])
    .default('Discard')
    .describe('what becomes of a cut upload: nothing, or what was received is stored'),
  bandwidth: bandwidth.describe(
    'of all sessions of one shard together, in equal shares; with n shards n times as much',
  ),
  objects,
  storeMtime: z
    .boolean()
    .default(false)
    .describe(
      'clients may store the times of their files (MFMT); directory listings do not show them',
    ),
  drainSeconds: z
    .int()
    .min(0)
    .max(604_800)
    .default(3600)
    .describe('how long transfers may go on when a shard is to end'),
});

const condition = z.strictObject({
  type: z.string().max(316),
  status: z.enum(['True', 'False', 'Unknown']),
  observedGeneration: z.int().exactOptional(),
  lastTransitionTime: z.string().max(64).meta({ format: 'date-time' }),
  reason: z.string().max(1024),
  message: z.string().max(32768),
});

const shardStatus = z.strictObject({
  name: z.string().max(253),
  ports: z.string().max(32).describe('passive ports of this shard'),
  phase: z.enum(['Starting', 'Ready', 'Outdated', 'Draining']),
});

export const statusSchema = z.strictObject({
  observedGeneration: z.int().exactOptional(),
  address: z.string().max(253).exactOptional().describe('what clients connect to'),
  replicas: z.int().exactOptional().describe('shards that are there, draining ones left out'),
  readyReplicas: z.int().exactOptional(),
  selector: z.string().max(512).exactOptional().describe('of the gateway’s pods'),
  conditions: z
    .array(condition)
    .max(16)
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
    .exactOptional(),
  shards: z.array(shardStatus).max(128).exactOptional(),
});

export type BandwidthSpec = NonNullable<z.output<typeof bandwidth>>;
export type ObjectsSpec = NonNullable<z.output<typeof objects>>;
/** With all defaults filled in, as the API server stores it. */
export type FtpGatewaySpec = z.output<typeof specSchema>;
export type FtpGatewayStatus = z.output<typeof statusSchema>;
export type FtpGatewayCondition = z.output<typeof condition>;
export type ShardStatus = z.output<typeof shardStatus>;

export interface FtpGateway {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly generation?: number | undefined;
    readonly deletionTimestamp?: string | undefined;
  };
  /** Unchecked: an older CRD may have let anything in. */
  readonly spec: unknown;
  readonly status?: FtpGatewayStatus | undefined;
}
