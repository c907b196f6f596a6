/**
 * The words of our configuration: every word, its kind, its default and its description, once. The YAML
 * reader, the environment, `--set`, the help and the documentation all follow this table. It says what a
 * single word may be; what words say about each other is in rules.ts.
 *
 * No word may take a value that YAML 1.1 reads as a boolean (yes, no, on, off): other tools write these
 * files too.
 */

import * as z from 'zod';
import { GiB, MiB } from '#gateway/kit/bytes.ts';
import * as fields from './fields.ts';
import {
  activeModes,
  closeNotifies,
  dataPeers,
  fastPathChoices,
  incompleteUploadPolicies,
  logLevels,
  logRotations,
  permissions,
  proxyProtocolModes,
  sessionReuses,
  tlsVersions,
} from './model.ts';
import { accountObjectWords, objectWords } from './object-words.ts';

/** COS's largest object: 10,000 parts of 5 GiB, which it calls 48.8 TB (COS page 436/14518). */
export const objectBytesMax: number = 10_000 * 5 * GiB;
/** COS's smallest part except the last one (COS page 436/7750). */
export const partBytesMin: number = MiB;
/**
 * The most all uploads may hold: they live in one WebAssembly.Memory, whose addresses end at 4 GiB.
 */
export const uploadMemoryBytesMax: number = 4000 * MiB;
/** The least with which several uploads make progress at once. */
export const uploadMemoryBytesMin: number = 8 * MiB;

/** Private networks, carrier-grade NAT (RFC 6598) and unique local addresses (RFC 4193). */
export const privateNetworks = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  'fc00::/7',
] as const;

/** Marks a word whose value is a path, for {@link holdsPath}. */
const filePath = fields.filePath.meta({ holds: 'path' });

const sessionCount = fields.integer({ min: 0, max: 1_000_000, what: 'a number of sessions' });

const objectSize = fields.size({ min: 1, max: objectBytesMax });

const tlsBlock = z.strictObject({
  certificate_file: filePath.describe(
    'PEM: the certificate, then its chain; followed while running',
  ),
  key_file: filePath.describe('PEM: the private key; followed while running'),
  required: fields.flag.default(false).describe('refuse logins and transfers in clear'),
  implicit_port: fields.port
    .exactOptional()
    .describe('port for implicit FTPS, usually 990 or 9990; 0 = any free one; left out = none'),
  min_version: fields
    .choice(tlsVersions)
    .default('1.2')
    .describe(
      'lowest TLS version, 1.0 to 1.3; below 1.2 only for devices that know nothing better',
    ),
  max_version: fields
    .choice(tlsVersions)
    .default('1.2')
    .describe('highest TLS version; with 1.3, uploads of clients that never read can be lost'),
  session_reuse: fields
    .choice(sessionReuses)
    .default('optional')
    .describe('required = data connections must resume the TLS session of the control connection'),
  close_notify: fields
    .choice(closeNotifies)
    .default('required')
    .describe('optional = take uploads of clients that end them without TLS close_notify'),
});

const proxyProtocolBlock = z.strictObject({
  mode: fields
    .choice(proxyProtocolModes)
    .default('disabled')
    .describe('PROXY protocol before control and data connections: disabled, optional or required'),
  trusted: z
    .array(fields.network)
    .default([])
    .describe('networks of the balancers that are believed; nobody else is'),
});

const logBlock = z.strictObject({
  level: fields.choice(logLevels).default('info').describe('debug, info, warn or error'),
  directory: filePath
    .exactOptional()
    .describe('where cos_v5.log is written; default log, in the image standard output only'),
  rotate: fields
    .choice(logRotations)
    .default('daily')
    .describe('never, daily, hourly, every_minute or every_second; the active file keeps its name'),
  keep: fields
    .integer({ min: 0, max: 100_000, what: 'a number of files' })
    .default(14)
    .describe('rotated files kept; 0 = all'),
});

export const cosBlock = z.strictObject({
  region: fields.region.exactOptional().describe('for example ap-guangzhou'),
  bucket: fields.bucket.exactOptional().describe('name-appid'),
  endpoint: fields.endpoint
    .exactOptional()
    .describe(
      'host or host:port instead of the region’s own; {bucket} and {region} are filled in; otherwise ' +
        'the virtual host is <bucket>.<endpoint>; an IP literal or localhost is connected to as it is',
    ),
  protocol: fields.choice(['https', 'http']).exactOptional().describe('https (default) or http'),
  credentials: fields
    .choice(['static', 'environment', 'cvm_role', 'tke_pod_identity'])
    .exactOptional()
    .describe(
      'static (secretid, secretkey), environment (TENCENTCLOUD_SECRET_ID …), cvm_role or ' +
        'tke_pod_identity; default: static when a key stands beside it, else environment',
    ),
  secretid: fields.keySecret.exactOptional().describe('SecretId of a permanent or temporary key'),
  secretkey: fields.keySecret.exactOptional().describe('SecretKey of that key'),
  token: fields.keySecret.exactOptional().describe('token of a temporary key'),
  secretid_file: filePath.exactOptional().describe('file holding the SecretId'),
  secretkey_file: filePath.exactOptional().describe('file holding the SecretKey'),
});

const accountBlock = z.strictObject({
  user: fields.userName.describe('login name'),
  password: fields.password.exactOptional().describe('plain password (a hash is better)'),
  password_hash: fields.passwordHash.exactOptional().describe('what hash-password printed'),
  password_file: filePath
    .exactOptional()
    .describe('file holding a hash or a plain password; followed while running'),
  prefix: fields.prefix.default('').describe('the account’s jail inside the bucket'),
  permissions: z
    .array(fields.choice(permissions))
    .default([...permissions])
    .describe('of list, read, write, overwrite, delete; default all'),
  single_file_max_size: objectSize.exactOptional().describe('instead of the gateway’s'),
  incomplete_uploads: fields
    .choice(incompleteUploadPolicies)
    .exactOptional()
    .describe('instead of the gateway’s'),
  filename_encoding: fields.encoding.exactOptional().describe('instead of the gateway’s'),
  max_sessions: sessionCount.exactOptional().describe('instead of max_sessions_per_account'),
  upload_bytes_per_second: fields.rate
    .exactOptional()
    .describe('instead of upload_bytes_per_second_per_account'),
  download_bytes_per_second: fields.rate
    .exactOptional()
    .describe('instead of download_bytes_per_second_per_account'),
  ...accountObjectWords,
  cos: cosBlock.prefault({}).describe('what differs from the shared cos block'),
});

const masqueradeNetworkBlock = z.strictObject({
  clients: fields.network.describe('network of the clients'),
  address: fields.masqueradeNetworkAddress.describe('IPv4 address they are told'),
});

export const gatewayBlock = z.strictObject({
  listen_address: fields.listenAddress.default('::').describe('where FTP listens'),
  listen_port: fields.port.default(2121).describe('FTP port; 0 = any free one'),
  instance: fields.instanceName
    .exactOptional()
    .describe(
      'its name among the gateways of one bucket and prefix; default host name and listen_port',
    ),
  passive_port: fields.portRange
    .default({ first: 61000, last: 61015 })
    .describe('passive ports first-last, both included; outside Linux’s ephemeral range'),
  masquerade_address: fields.masqueradeAddress
    .exactOptional()
    .describe('IPv4 address or DNS name told in 227; left out = the server’s own address'),
  masquerade_networks: z
    .array(masqueradeNetworkBlock)
    .default([])
    .describe('other addresses for clients of these networks; the first match wins'),
  masquerade_address_file: filePath
    .exactOptional()
    .describe(
      'file holding the address; followed while running; wins over the word when not empty',
    ),
  admin_address: fields.listenAddress
    .exactOptional()
    .describe(
      'where /metrics, /livez, /readyz and /statusz listen; default 127.0.0.1, in the image all addresses',
    ),
  admin_port: fields.port
    .default(9121)
    .describe('their port; the default moves to a free one when it is taken'),
  tls: tlsBlock.exactOptional().describe('FTPS; left out = no TLS'),
  active_mode: fields
    .choice(activeModes)
    .default('disabled')
    .describe('enabled = PORT and EPRT: connect to clients that ask, at their own address only'),
  data_peer: fields
    .choice(dataPeers)
    .default('same')
    .describe('who may open a data connection: same address, same network, or any'),
  data_peer_networks: z
    .array(fields.network)
    .default([...privateNetworks])
    .describe('for network: both peers inside one entry; never counted by per-address limits'),
  proxy_protocol: proxyProtocolBlock
    .prefault({})
    .describe('how balancers tell whose connection it is'),
  filename_encoding: fields.encoding
    .default('utf-8')
    .describe('encoding of file names of clients that do not speak UTF-8'),
  single_file_max_size: objectSize
    .default(200 * GiB)
    .describe('larger uploads are refused with 552'),
  upload_memory: fields
    .size({ min: uploadMemoryBytesMin, max: uploadMemoryBytesMax })
    .exactOptional()
    .describe('memory of all uploads together; default from the container’s limit, 16Mi to 1Gi'),
  min_part_size: fields
    .size({ min: partBytesMin, max: uploadMemoryBytesMax })
    .default(partBytesMin)
    .describe('size of an upload’s first parts; later parts grow'),
  parts_in_flight: fields
    .integer({ min: 1, max: 512, what: 'a number of parts' })
    .exactOptional()
    .describe('parts one upload sends at a time, as far as memory allows'),
  max_sessions: sessionCount
    .default(5000)
    .describe('sessions in all, logged-in or not; 0 = no limit'),
  max_sessions_per_address: sessionCount
    .default(1000)
    .describe('of one client address; not for this machine and data_peer_networks; 0 = no limit'),
  max_sessions_per_account: sessionCount
    .default(0)
    .describe('logged in to one account; 0 = no limit'),
  upload_bytes_per_second: fields.rate
    .default(0)
    .describe('of all uploads together, the same share for each session: 10Mi; 0 = no limit'),
  download_bytes_per_second: fields.rate
    .default(0)
    .describe('of all downloads together, in the same way; 0 = no limit'),
  upload_bytes_per_second_per_account: fields.rate
    .default(0)
    .describe('of one account’s uploads together, within the limit of all; 0 = no limit'),
  download_bytes_per_second_per_account: fields.rate
    .default(0)
    .describe('of one account’s downloads together, in the same way; 0 = no limit'),
  login_seconds: fields
    .seconds({ min: 5, max: 3600 })
    .default(60)
    .describe('how long a client may take to log in'),
  idle_seconds: fields
    .seconds({ min: 10, max: 7 * 86_400 })
    .default(600)
    .describe('how long a session may be without a command and without a transfer'),
  stall_seconds: fields
    .seconds({ min: 5, max: 86_400 })
    .default(120)
    .describe('how long a transfer may wait for its client without a byte'),
  data_connect_seconds: fields
    .seconds({ min: 1, max: 3600 })
    .default(30)
    .describe('how long a transfer waits for its data connection'),
  incomplete_uploads: fields
    .choice(incompleteUploadPolicies)
    .default('discard')
    .describe('what becomes of a cut upload: discard, or complete = store what was received'),
  ...objectWords,
  store_mtime: fields.flag
    .default(false)
    .describe(
      'MFMT keeps the time clients give their files, as x-cos-meta-mtime, for MDTM and MLST; lists ' +
        'show COS’s own time',
    ),
  drain_seconds: fields
    .seconds({ min: 0, max: 7 * 86_400 })
    .default(3600)
    .describe('how long transfers may go on after SIGTERM'),
  fast_paths: fields
    .choice(fastPathChoices)
    .default('auto')
    .describe('off = only the means of Node and the SDK, to see whether a cheaper one is at fault'),
  drain_accept_seconds: fields
    .seconds({ min: 0, max: 3600 })
    .default(10)
    .describe('how long new sessions are still served after SIGTERM; at most drain_seconds'),
  log: logBlock.prefault({}).describe('log lines go to standard output and to cos_v5.log'),
  cos: cosBlock.prefault({}).describe('shared by the accounts; each may override any word of it'),
  accounts: z.array(accountBlock).describe('who may log in'),
});

/** The words as they were read, each alone correct; rules.ts and resolve.ts make the model of it. */
export type WrittenConfig = z.output<typeof gatewayBlock>;
export type WrittenAccount = z.output<typeof accountBlock>;
export type WrittenCos = z.output<typeof cosBlock>;

/** The schema inside `.default()`, `.exactOptional()` and `.prefault()`. */
export function bareSchema(schema: z.core.$ZodType): z.core.$ZodType {
  const wrapped =
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodExactOptional;
  return wrapped ? bareSchema(schema.def.innerType) : schema;
}

/** Whether a word's value is a path of this machine. */
export function holdsPath(schema: z.core.$ZodType): boolean {
  const bare = bareSchema(schema);
  return bare instanceof z.ZodType && bare.meta()?.['holds'] === 'path';
}

export interface ConfigWord {
  /** Dotted; `accounts[].user` for words of list entries. */
  readonly word: string;
  readonly description: string;
}

/** Every word with its description, in the order of the schema: for help texts and documentation. */
export function configWords(): readonly ConfigWord[] {
  return wordsOf(gatewayBlock, '');
}

function wordsOf(block: z.ZodObject, above: string): ConfigWord[] {
  return Object.entries(block.shape).flatMap(([name, schema]) => {
    const word = `${above}${name}`;
    const description = schema instanceof z.ZodType ? (schema.description ?? '') : '';
    return [{ word, description }, ...wordsInside(bareSchema(schema), word)];
  });
}

function wordsInside(schema: z.core.$ZodType, word: string): ConfigWord[] {
  if (schema instanceof z.ZodObject) return wordsOf(schema, `${word}.`);
  if (schema instanceof z.ZodArray && schema.element instanceof z.ZodObject) {
    return wordsOf(schema.element, `${word}[].`);
  }
  return [];
}
