/** FtpGateway resources for tests: a small good one, and specs that are good or refused for one reason. */
import { type FtpGateway, type FtpGatewaySpec, specSchema } from '#operator/api/ftp-gateway.ts';

/** What a user writes. */
export const writtenSpec = {
  cos: {
    bucket: 'inbox-1250000000',
    region: 'ap-guangzhou',
    credentialsSecret: { name: 'inbox-key' },
  },
  accountsSecret: { name: 'inbox-accounts' },
  accounts: [{ user: 'alice', prefix: 'incoming/alice/' }],
};

/** As the API server stores it, with some words changed. */
export function storedSpec(changes: Readonly<Record<string, unknown>> = {}): FtpGatewaySpec {
  return specSchema.parse({ ...writtenSpec, ...changes });
}

export function storedGateway(changes: Readonly<Record<string, unknown>> = {}): FtpGateway {
  return {
    apiVersion: 'cosftp.io/v1alpha1',
    kind: 'FtpGateway',
    metadata: { name: 'inbox', namespace: 'ftp', uid: 'uid-of-inbox', generation: 1 },
    spec: storedSpec(changes),
  };
}

export interface SpecExample {
  readonly title: string;
  readonly changes: Readonly<Record<string, unknown>>;
  /** Absent: it is good. */
  readonly refusal?: RegExp;
}

const { cos } = writtenSpec;
const { bucket, region } = cos;

/** The API server and the operator have to agree about each of these. */
export const specExamples: readonly SpecExample[] = [
  { title: 'the small one', changes: {} },
  { title: 'no shard at all', changes: { replicas: 0 } },
  { title: 'the embedded COS', changes: { cos: { embedded: {} } } },
  { title: 'the pod identity', changes: { cos: { bucket, region, podIdentity: {} } } },
  {
    title: 'no source of a key',
    changes: { cos: { bucket, region } },
    refusal: /exactly one of credentialsSecret/,
  },
  {
    title: 'two sources of a key',
    changes: { cos: { ...cos, cvmRole: {} } },
    refusal: /exactly one of credentialsSecret/,
  },
  {
    title: 'no bucket',
    changes: { cos: { region, cvmRole: {} } },
    refusal: /cos\.bucket is missing/,
  },
  {
    title: 'neither region nor endpoint',
    changes: { cos: { bucket, cvmRole: {} } },
    refusal: /cos\.region is missing/,
  },
  {
    title: 'an endpoint in place of a region',
    changes: { cos: { bucket, cvmRole: {}, endpoint: '10.0.0.1:9000', protocol: 'http' } },
  },
  {
    title: 'objects of everybody and of one user',
    changes: {
      objects: {
        contentTypes: { edi: 'application/edifact', '*': 'application/octet-stream' },
        storageClass: 'MAZ_STANDARD_IA',
        serverSideEncryption: 'KMS',
        kmsKeyID: '48ba38aa-26c5-11ea-855c-52540085',
        metadata: { origin: 'ftp' },
      },
      accounts: [
        {
          user: 'alice',
          objects: { serverSideEncryption: 'BucketDefault', metadata: { origin: '' } },
        },
      ],
    },
  },
  {
    title: 'bandwidth of a shard and of one user',
    changes: {
      bandwidth: { uploadBytesPerSecond: '100Mi', downloadBytesPerSecond: '0' },
      accounts: [{ user: 'alice', bandwidth: { uploadBytesPerSecond: '10Mi' } }],
    },
  },
  {
    title: 'passive ports up to 65535',
    changes: { replicas: 1, passivePorts: { start: 65504, perShard: 16 } },
  },
  {
    title: 'passive ports up to 65536',
    changes: { replicas: 1, passivePorts: { start: 65505, perShard: 16 } },
    refusal: /end above 65535/,
  },
  {
    title: '1,024 passive ports',
    changes: { replicas: 3, passivePorts: { start: 20000, perShard: 256 } },
  },
  {
    title: '1,280 passive ports',
    changes: { replicas: 4, passivePorts: { start: 20000, perShard: 256 } },
    refusal: /may be 1024 at most/,
  },
  {
    title: 'passive ports below the listening ones',
    changes: { passivePorts: { start: 2089, perShard: 16 } },
  },
  {
    title: 'passive ports over the listening ones',
    changes: { passivePorts: { start: 2090, perShard: 16 } },
    refusal: /take in 2121/,
  },
  {
    title: 'as many listeners as the balancer has',
    changes: { exposure: { listenerLimit: 33 } },
  },
  {
    title: 'one listener too many',
    changes: { exposure: { listenerLimit: 32 } },
    refusal: /listenerLimit/,
  },
  {
    title: 'one listener too many by implicit TLS',
    changes: { exposure: { listenerLimit: 33 }, tls: { secretName: 'cert', implicit: true } },
    refusal: /listenerLimit/,
  },
  {
    title: 'node ports in their range',
    changes: {
      exposure: { type: 'NodePort' },
      passivePorts: { start: 32736, perShard: 16 },
    },
  },
  {
    title: 'node ports out of their range',
    changes: {
      exposure: { type: 'NodePort' },
      passivePorts: { start: 32737, perShard: 16 },
    },
    refusal: /30000-32767/,
  },
  {
    title: 'PROXY protocol from named balancers',
    changes: { proxyProtocol: { mode: 'Required', trusted: ['10.0.0.0/8'] } },
  },
  {
    title: 'PROXY protocol from anybody',
    changes: { proxyProtocol: { mode: 'Optional' } },
    refusal: /trusted is empty/,
  },
];
