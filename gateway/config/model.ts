/**
 * The configuration as the rest of the gateway sees it: checked, complete, with the words of the file.
 * Sizes are bytes, durations are seconds, paths are absolute, an optional word that nobody wrote is
 * absent. Every reader (our YAML, the original INI, environment, --set) ends here. Never log one whole:
 * it holds passwords and keys.
 */

export const permissions = ['list', 'read', 'write', 'overwrite', 'delete'] as const;
/**
 * What an account may do. `write` creates, `overwrite` replaces, appends, resumes and renames onto an
 * existing name, `delete` removes.
 */
export type Permission = (typeof permissions)[number];

export const incompleteUploadPolicies = ['discard', 'complete'] as const;
/** What becomes of an upload that the client's side cut: nothing is stored, or what was received is. */
export type IncompleteUploads = (typeof incompleteUploadPolicies)[number];

/** In order. */
export const tlsVersions = ['1.0', '1.1', '1.2', '1.3'] as const;
export type TlsVersion = (typeof tlsVersions)[number];

export const dataPeers = ['same', 'network', 'any'] as const;
/** Who may open a data connection: the control peer's address, one of its networks, anybody. */
export type DataPeer = (typeof dataPeers)[number];

export const activeModes = ['disabled', 'enabled'] as const;
/** Whether clients may have us connect to them (PORT, EPRT). */
export type ActiveMode = (typeof activeModes)[number];

/** Of means that are cheaper than Node's or the SDK's own: data sockets, bodies to and from COS, checksums. */
export const fastPathChoices = ['auto', 'off'] as const;
export type FastPaths = (typeof fastPathChoices)[number];

export const proxyProtocolModes = ['disabled', 'optional', 'required'] as const;
export type ProxyProtocolMode = (typeof proxyProtocolModes)[number];

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

export const logRotations = ['never', 'daily', 'hourly', 'every_minute', 'every_second'] as const;
/** When `cos_v5.log` is renamed and begun anew. */
export type LogRotation = (typeof logRotations)[number];

export const closeNotifies = ['required', 'optional'] as const;
/** Whether an upload over TLS that ends without close_notify is a cut. */
export type CloseNotifyRule = (typeof closeNotifies)[number];

export const sessionReuses = ['optional', 'required'] as const;
/** Whether a data connection must resume the control connection's TLS session. */
export type SessionReuse = (typeof sessionReuses)[number];

/** COS page 436/33417. */
export const storageClasses = [
  'STANDARD',
  'STANDARD_IA',
  'INTELLIGENT_TIERING',
  'ARCHIVE',
  'DEEP_ARCHIVE',
  'MAZ_STANDARD',
  'MAZ_STANDARD_IA',
  'MAZ_INTELLIGENT_TIERING',
  'MAZ_ARCHIVE',
] as const;
export type StorageClass = (typeof storageClasses)[number];

export const serverSideEncryptions = ['bucket_default', 'AES256', 'cos/kms'] as const;
/** SSE-COS is AES256, SSE-KMS is cos/kms; by default the bucket's own setting decides. */
export type ServerSideEncryptionWord = (typeof serverSideEncryptions)[number];

/** What new files carry besides their bytes. */
export interface ObjectWords {
  /** By extension in lower case; `*` is every other file. Empty: the known ones alone. */
  readonly content_types: Readonly<Record<string, string>>;
  /** Absent: the bucket's. */
  readonly storage_class?: StorageClass;
  readonly server_side_encryption: ServerSideEncryptionWord;
  /** Only with cos/kms; absent: the default key. */
  readonly kms_key_id?: string;
  /** Names without `x-cos-meta-`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Inclusive, first ≤ last. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export interface MasqueradeNetwork {
  /** Which clients: an address or CIDR, either family. */
  readonly clients: string;
  /** IPv4 address told to them in 227. */
  readonly address: string;
}

export interface TlsConfig {
  readonly certificate_file: string;
  readonly key_file: string;
  readonly required: boolean;
  /** Absent: no implicit FTPS. 0: any free port. */
  readonly implicit_port?: number;
  readonly min_version: TlsVersion;
  readonly max_version: TlsVersion;
  readonly session_reuse: SessionReuse;
  readonly close_notify: CloseNotifyRule;
}

export interface LogConfig {
  readonly level: LogLevel;
  /** Absent: standard output only. */
  readonly directory?: string;
  readonly rotate: LogRotation;
  /** Rotated files kept. 0: all of them. */
  readonly keep: number;
}

export type AccountPassword =
  | { readonly kind: 'plain'; readonly value: string }
  | { readonly kind: 'hash'; readonly value: string }
  /** The file's content is a hash or a plain password; read at login, so that it may change. */
  | { readonly kind: 'file'; readonly path: string };

export type CosCredentials =
  | {
      readonly kind: 'static';
      readonly secretid: string;
      readonly secretkey: string;
      readonly token?: string;
    }
  | {
      readonly kind: 'static-files';
      readonly secretid_file: string;
      readonly secretkey_file: string;
    }
  | { readonly kind: 'environment' }
  | { readonly kind: 'cvm_role' }
  | { readonly kind: 'tke_pod_identity' };

export interface CosConfig {
  /** `name-appid`. */
  readonly bucket: string;
  /** '' when only an endpoint was given; ap-guangzhou when that endpoint is an IP literal or localhost. */
  readonly region: string;
  /** As written: host, host:port or a template with {bucket} and {region}; '' for the region's own. */
  readonly endpoint: string;
  readonly protocol: 'http' | 'https';
  readonly credentials: CosCredentials;
}

export interface AccountConfig extends ObjectWords {
  readonly user: string;
  readonly password: AccountPassword;
  /** '' or ends with '/', never begins with one: the account's jail. */
  readonly prefix: string;
  readonly permissions: readonly Permission[];
  readonly single_file_max_size: number;
  readonly incomplete_uploads: IncompleteUploads;
  readonly filename_encoding: string;
  /** Logged in at once. 0: no limit. */
  readonly max_sessions: number;
  /** Of all its sessions in this process together. 0: no limit. */
  readonly upload_bytes_per_second: number;
  readonly download_bytes_per_second: number;
  readonly cos: CosConfig;
}

export interface GatewayConfig extends ObjectWords {
  readonly listen_address: string;
  /** 0: any free port, as for admin_port and implicit_port. */
  readonly listen_port: number;
  /** Absent: host name and listen_port. */
  readonly instance?: string;
  readonly passive_port: PortRange;
  /** IPv4 address or DNS name. */
  readonly masquerade_address?: string;
  readonly masquerade_networks: readonly MasqueradeNetwork[];
  readonly masquerade_address_file?: string;
  readonly admin_address: string;
  readonly admin_port: number;
  /** Whether somebody wrote admin_port: then a taken port is an error instead of a reason to move. */
  readonly admin_port_configured: boolean;
  readonly tls?: TlsConfig;
  readonly active_mode: ActiveMode;
  readonly data_peer: DataPeer;
  readonly data_peer_networks: readonly string[];
  readonly proxy_protocol: {
    readonly mode: ProxyProtocolMode;
    readonly trusted: readonly string[];
  };
  readonly filename_encoding: string;
  readonly single_file_max_size: number;
  /** Absent: chosen at start from the memory the process may use. */
  readonly upload_memory?: number;
  readonly min_part_size: number;
  /** Absent: chosen by the transfer room. */
  readonly parts_in_flight?: number;
  /** 0: no limit, for all three. */
  readonly max_sessions: number;
  readonly max_sessions_per_address: number;
  readonly max_sessions_per_account: number;
  /** Of all sessions of this process together, and of one account's. 0: no limit. */
  readonly upload_bytes_per_second: number;
  readonly download_bytes_per_second: number;
  readonly upload_bytes_per_second_per_account: number;
  readonly download_bytes_per_second_per_account: number;
  readonly login_seconds: number;
  readonly idle_seconds: number;
  readonly stall_seconds: number;
  readonly data_connect_seconds: number;
  readonly incomplete_uploads: IncompleteUploads;
  /** Whether MFMT keeps a file's time as metadata, and MDTM and MLST tell it. */
  readonly store_mtime: boolean;
  readonly drain_seconds: number;
  /** Never above drain_seconds. */
  readonly drain_accept_seconds: number;
  readonly fast_paths: FastPaths;
  readonly log: LogConfig;
  readonly accounts: readonly AccountConfig[];
}
