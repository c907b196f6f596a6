/**
 * The gateway's configuration from its resource, in the gateway's own words, and checked by the gateway's
 * own schema. Holds no secret: passwords and the key to COS are files of mounted Secrets. The embedded
 * COS has a key pair that everybody may know: it guards nothing, and only gateway pods reach it.
 */
import { restartWords } from '#gateway/config/diff.ts';
import { parseConfigText } from '#gateway/config/load.ts';
import type { ServerSideEncryptionWord } from '#gateway/config/model.ts';
import { ConfigError } from '#gateway/config/problem.ts';
import type { BandwidthSpec, FtpGatewaySpec, ObjectsSpec } from '#operator/api/ftp-gateway.ts';
import { shortHash } from './hash.ts';
import { ports } from './names.ts';
import { formatSlice, portSlice } from './shards.ts';

/** Where the shards' pods find what they are given. */
export const podPaths = {
  configFolder: '/etc/cosftp',
  config: '/etc/cosftp/gateway.json',
  accounts: '/etc/cosftp/accounts',
  cos: '/etc/cosftp/cos',
  tls: '/etc/cosftp/tls',
  podInfo: '/etc/podinfo',
  addressFile: '/etc/podinfo/masquerade-address',
  log: '/var/log/cosftp',
  temporary: '/tmp',
} as const;

export const configKey = 'gateway.json';

/** Known to everybody, on purpose; see above. */
export const embeddedCos = {
  bucket: 'embedded-1250000000',
  secretId: 'AKIDembedded',
  secretKey: 'embedded-cos-for-trying-out',
} as const;

export interface ConfigSources {
  readonly spec: FtpGatewaySpec;
  /** Told in 227 until the pod's annotation says something else. */
  readonly address: string | undefined;
  /** ClusterIP of the embedded COS, when there is one. */
  readonly cosdAddress: string | undefined;
}

type Config = Readonly<Record<string, unknown>>;

export function gatewayConfig({ spec, address, cosdAddress }: ConfigSources): Config {
  return {
    admin_address: '::',
    admin_port: ports.admin,
    ...(address && { masquerade_address: address }),
    masquerade_address_file: podPaths.addressFile,
    ...(spec.tls && { tls: tlsBlock(spec.tls) }),
    data_peer: dataPeer(spec).toLowerCase(),
    ...(spec.dataPeerNetworks && { data_peer_networks: spec.dataPeerNetworks }),
    proxy_protocol: {
      mode: spec.proxyProtocol.mode.toLowerCase(),
      trusted: spec.proxyProtocol.trusted,
    },
    single_file_max_size: spec.singleFileMaxSize,
    incomplete_uploads: spec.incompleteUploads.toLowerCase(),
    ...bandwidthWords(spec.bandwidth),
    ...objectWords(spec.objects),
    store_mtime: spec.storeMtime,
    drain_seconds: spec.drainSeconds,
    log: { directory: podPaths.log, keep: 2 },
    cos: cosBlock(spec.cos, cosdAddress),
    accounts: spec.accounts.map(accountBlock),
  };
}

function accountBlock(account: FtpGatewaySpec['accounts'][number]): Config {
  const { user, prefix, permissions, bandwidth, objects } = account;
  const password_file = `${podPaths.accounts}/${user}`;
  const words = { ...bandwidthWords(bandwidth), ...objectWords(objects) };
  return { user, password_file, prefix, permissions, ...words };
}

function bandwidthWords(bandwidth: BandwidthSpec | undefined): Config {
  const { uploadBytesPerSecond, downloadBytesPerSecond } = bandwidth ?? {};
  return {
    ...(uploadBytesPerSecond && { upload_bytes_per_second: uploadBytesPerSecond }),
    ...(downloadBytesPerSecond && { download_bytes_per_second: downloadBytesPerSecond }),
  };
}

const encryptionWords = {
  BucketDefault: 'bucket_default',
  AES256: 'AES256',
  KMS: 'cos/kms',
} as const satisfies Record<
  NonNullable<ObjectsSpec['serverSideEncryption']>,
  ServerSideEncryptionWord
>;

function objectWords(objects: ObjectsSpec | undefined): Config {
  const { contentTypes, storageClass, serverSideEncryption, kmsKeyID, metadata } = objects ?? {};
  return {
    ...(contentTypes && { content_types: contentTypes }),
    ...(storageClass && { storage_class: storageClass }),
    ...(serverSideEncryption && { server_side_encryption: encryptionWords[serverSideEncryption] }),
    ...(kmsKeyID && { kms_key_id: kmsKeyID }),
    ...(metadata && { metadata }),
  };
}

/**
 * Behind the traffic policy Cluster every connection arrives with the address of some node, another one
 * for each: the address proves nothing and often differs within one session.
 */
function dataPeer({ dataPeer: wished, exposure, proxyProtocol }: FtpGatewaySpec): string {
  if (wished !== undefined) return wished;
  const isKept =
    exposure.type === 'ClusterIP' ||
    exposure.externalTrafficPolicy === 'Local' ||
    proxyProtocol.mode === 'Required';
  return isKept ? 'Same' : 'Any';
}

function tlsBlock({ required, implicit }: NonNullable<FtpGatewaySpec['tls']>): Config {
  return {
    certificate_file: `${podPaths.tls}/tls.crt`,
    key_file: `${podPaths.tls}/tls.key`,
    required,
    ...(implicit && { implicit_port: ports.ftps }),
  };
}

function cosBlock(cos: FtpGatewaySpec['cos'], cosdAddress: string | undefined): Config {
  if (cos.embedded) {
    const host = cosdAddress?.includes(':') ? `[${cosdAddress}]` : (cosdAddress ?? '127.0.0.1');
    return {
      bucket: cos.bucket ?? embeddedCos.bucket,
      endpoint: `${host}:${ports.cosd}`,
      protocol: 'http',
      secretid: embeddedCos.secretId,
      secretkey: embeddedCos.secretKey,
    };
  }
  const { bucket, region, endpoint, protocol } = cos;
  return {
    bucket,
    ...(region && { region }),
    ...(endpoint && { endpoint }),
    protocol,
    ...credentials(cos),
  };
}

function credentials({ podIdentity, cvmRole }: FtpGatewaySpec['cos']): Config {
  if (podIdentity) return { credentials: 'tke_pod_identity' };
  if (cvmRole) return { credentials: 'cvm_role' };
  return {
    secretid_file: `${podPaths.cos}/secretid`,
    secretkey_file: `${podPaths.cos}/secretkey`,
  };
}

/**
 * How a shard is told its own ports, and a name that no shard of another gateway has, be it in another
 * namespace or cluster; everything else is shared.
 */
export function shardEnvironment(spec: FtpGatewaySpec, uid: string, slice: number) {
  return [
    { name: 'COSFTP_INSTANCE', value: `${uid}-${slice}` },
    { name: 'COSFTP_PASSIVE_PORT', value: formatSlice(portSlice(spec, slice)) },
  ];
}

/** Changes only when running gateways cannot take the change over: the gateway itself says which words. */
export function restartHash(config: Config): string {
  const words = restartWords.map((word) => [word, valueOf(config, word)] as const);
  // So that a word a later version knows changes nothing where nobody wrote it.
  return shortHash(words.filter(([, value]) => value !== undefined));
}

/** @param word `log.keep` is the word `keep` of the block `log`. */
function valueOf(config: Config, word: string): unknown {
  const [block = '', ...inside] = word.split('.');
  const value = config[block];
  return inside.length === 0 ? value : valueOf((value ?? {}) as Config, inside.join('.'));
}

/** No UID can be a reason for a problem. */
const anyUid = '00000000-0000-0000-0000-000000000000';

/** What the gateway itself would object to, in its words. Empty: nothing. */
export function configProblems(spec: FtpGatewaySpec, config: Config): string[] {
  const env = Object.fromEntries(
    shardEnvironment(spec, anyUid, 0).map(({ name, value }) => [name, value] as const),
  );
  const source = {
    format: 'yaml',
    name: configKey,
    text: JSON.stringify(config, null, 2),
    directory: podPaths.configFolder,
  } as const;
  try {
    parseConfigText({ source, env, cwd: '/' });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ message, hint }) => (hint ? `${message} (${hint})` : message));
  }
}
