/**
 * What the FTP server needs from the rest of the gateway, as one value the composition root provides.
 * Nothing here knows configuration files or metrics libraries.
 */
import type { SecureContext } from 'node:tls';
import type { Permission } from '#gateway/config/model.ts';
import type { ActiveOutcome } from '#gateway/ftp/active-connection.ts';
import type { DataReading } from '#gateway/ftp/data-connection.ts';
import type { TextCodec } from '#gateway/ftp/filename-encoding.ts';
import type { PassivePorts } from '#gateway/ftp/passive-ports.ts';
import type { ProxyDoor } from '#gateway/ftp/proxy-door.ts';
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import type { Jail } from '#gateway/storage/keys.ts';
import type { NewObjectRules } from '#gateway/storage/new-object.ts';
import type { ObjectStore } from '#gateway/storage/object-store.ts';
import type { BandwidthLimits } from '#gateway/transfer/bandwidth.ts';
import type { PartPool } from '#gateway/transfer/budget.ts';
import type { TransferObserver } from '#gateway/transfer/observer.ts';
import type { PartPlan } from '#gateway/transfer/plan.ts';
import type { ReachedLimit, SessionLimits } from './session-limits.ts';

/** Everything a logged-in session may touch. */
export interface SessionAccount {
  readonly user: string;
  readonly jail: Jail;
  readonly store: ObjectStore;
  readonly permissions: ReadonlySet<Permission>;
  /** Of names on the control and data connection; names in COS are always UTF-8. */
  readonly codec: TextCodec;
  /** Largest file this account may store. */
  readonly limitBytes: number;
  readonly plan: PartPlan;
  readonly partsInFlight: number;
  readonly incompleteUploads: 'discard' | 'complete';
  /** What its new files carry besides their bytes. */
  readonly newObjects: NewObjectRules;
  /** Logged in at once; 0: no limit. */
  readonly sessionsMax: number;
  /** Shared by all sessions of the user; the same object after a change of the account. */
  readonly bandwidth: BandwidthLimits;
}

export interface SessionTimeouts {
  /** From the greeting to a completed login. */
  readonly loginMs: number;
  /** Without a command and without a transfer. */
  readonly idleMs: number;
  /** Without a byte on a data connection while the client is the one to move. */
  readonly stallMs: number;
  /** From 150 to the client's data connection. */
  readonly dataConnectMs: number;
  /** For one TLS handshake, on either connection. */
  readonly tlsHandshakeMs: number;
}

/** FTPS as it is configured. */
export interface TlsService {
  /** Logins and data connections in clear are refused. */
  readonly required: boolean;
  /** `required`: data connections must resume the TLS session of their own control connection. */
  readonly sessionReuse: 'optional' | 'required';
  /** `required`: an upload that ends without close_notify is a cut. */
  readonly closeNotify: 'optional' | 'required';
  /** For one control connection and its data connections; with the certificate in force now. */
  contextForSession(): SecureContext;
}

export type TlsChannel = 'control' | 'data';
/** timeout: late, or the client left · not_resumed: refused by `session_reuse: required`. */
export type HandshakeResult = 'success' | 'failed' | 'timeout' | 'not_resumed';

export type TransferDirection = 'upload' | 'download' | 'listing';

/**
 * completed: whole and verified · truncated: cut, and a prefix was stored by policy · discarded: cut,
 * nothing stored · rejected: refused before or during data (limit, name, permission) · failed: our or
 * COS's side.
 */
export type TransferResult = 'completed' | 'truncated' | 'discarded' | 'rejected' | 'failed';

export interface TransferSummary {
  readonly direction: TransferDirection;
  readonly result: TransferResult;
  /** A CutReason or the kind of an error; absent when completed. */
  readonly reason?: string;
  readonly seconds: number;
  readonly bytes: number;
}

/** By which word of the configuration, or state, a session was refused. */
export type SessionRefusal =
  | ReachedLimit
  | 'max_sessions_per_account'
  | 'tls_handshakes'
  | 'draining';

/** Counters of the server; `observe` satisfies it. */
export interface SessionObserver {
  sessionOpened(): void;
  /** @param protection of the control connection. */
  sessionClosed(seconds: number, protection: 'none' | 'explicit' | 'implicit'): void;
  tlsHandshake(channel: TlsChannel, result: HandshakeResult): void;
  sessionRefused(reason: SessionRefusal): void;
  /** limited: the password was right, but the account has all its sessions. */
  login(result: 'success' | 'failure' | 'throttled' | 'limited'): void;
  command(verb: string): void;
  reply(code: number): void;
  /** What becomes of reserved ports is told by the ports. @param waitSeconds from 150 on. */
  dataConnection(
    mode: 'pasv' | 'port' | 'eprt',
    outcome: 'no-address' | ActiveOutcome,
    waitSeconds?: number,
  ): void;
  transferStarted(direction: TransferDirection): void;
  transferBytes(direction: TransferDirection, bytes: number): void;
  transferEnded(summary: TransferSummary): void;
  /** A transfer did not read or write because of a bandwidth limit. */
  bandwidthWaited(direction: 'upload' | 'download', seconds: number): void;
}

export type LoginOutcome =
  | { readonly kind: 'accepted'; readonly account: SessionAccount }
  | { readonly kind: 'refused' }
  /** The account has all the sessions it may have. */
  | { readonly kind: 'limited' }
  /** Too many failures from this address; try again after this long. */
  | { readonly kind: 'throttled'; readonly retryAfterMs: number };

/** What a session finds when it asks for its account again: no such user any more, or elsewhere. */
export type AccountEnd = 'removed' | 'moved';

/** `activeMode`, `dataPeer`, `storeMtime` and `timeouts` may change while the server runs. */
export interface FtpServices {
  readonly clock: Clock;
  readonly log: Log;
  readonly pool: PartPool;
  readonly passivePorts: PassivePorts;
  readonly timeouts: SessionTimeouts;
  /** Before control connections, where balancers announce their clients. */
  readonly proxyDoor?: ProxyDoor;
  readonly dataReading: DataReading;
  /** Absent: no certificate is configured, and AUTH is 502. */
  readonly tls?: TlsService | undefined;
  readonly observer: SessionObserver;
  readonly transferObserver: TransferObserver;
  /** Who may open a data connection for a session. */
  readonly dataPeer: 'same' | 'network' | 'any';
  /** Whether PORT and EPRT are served. */
  readonly activeMode: 'disabled' | 'enabled';
  /** Whether MFMT and its kind store the times clients give, and MDTM and its kind tell them. */
  readonly storeMtime: boolean;
  readonly limits: SessionLimits;
  /** Shared by all sessions. */
  readonly bandwidth: BandwidthLimits;
  /** Never says which of user and password was wrong, and takes as long for both. */
  authenticate(user: string, password: string, peer: string): Promise<LoginOutcome>;
  /** What has become of the account a session logged in with. Asked between commands. */
  currentAccount(held: SessionAccount): SessionAccount | AccountEnd;
  /** IPv4 for the 227 reply to this client, or undefined when none is known (then 425). */
  passiveAddress(peer: string, local: string): string | undefined;
}
