/**
 * What the suite asks of a real FTP client. A driver does each action the way a user of that client
 * would, and adds nothing: no retries, no mending of names. Remote paths are absolute; every action is a
 * session of its own unless it says otherwise, and rejects when the client reports a failure.
 */

export type Mode = 'clear' | 'explicit' | 'implicit';
export const modes: readonly Mode[] = ['clear', 'explicit', 'implicit'];

export interface Login {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly mode: Mode;
  /** PEM file that the server's certificate is verified with; absent in clear. */
  readonly caFile?: string;
}

export interface ListedEntry {
  readonly name: string;
  /** Of files. */
  readonly sizeBytes?: number;
}

export interface FtpActions {
  /** Rejects when the server refuses the password. */
  login(password: string): Promise<void>;

  /** LIST. */
  listLong(directory: string): Promise<ListedEntry[]>;
  /** NLST; names only. */
  listNames(directory: string): Promise<ListedEntry[]>;
  /** MLSD. */
  listFacts(directory: string): Promise<ListedEntry[]>;
  /** Names that fit a pattern which the server expands. */
  listMatching(directory: string, pattern: string): Promise<ListedEntry[]>;

  put(localFile: string, remotePath: string): Promise<void>;
  get(remotePath: string, localFile: string): Promise<void>;
  /** TYPE A, with the client's own translation of line ends. */
  putText(localFile: string, remotePath: string): Promise<void>;
  getText(remotePath: string, localFile: string): Promise<void>;

  /** The local file holds the beginning. */
  resumeGet(remotePath: string, localFile: string): Promise<void>;
  /** The remote file holds the beginning. */
  resumePut(localFile: string, remotePath: string): Promise<void>;
  append(localFile: string, remotePath: string): Promise<void>;

  /** Several files over one session. */
  putMany(localDirectory: string, names: readonly string[], remoteDirectory: string): Promise<void>;
  /** All `*.bin`; clients that know patterns let the server expand it. */
  getMany(remoteDirectory: string, names: readonly string[], localDirectory: string): Promise<void>;
  mirrorUp(localDirectory: string, remoteDirectory: string): Promise<void>;
  mirrorDown(remoteDirectory: string, localDirectory: string): Promise<void>;

  rename(from: string, to: string): Promise<void>;
  delete(path: string): Promise<void>;
  makeDirectory(path: string): Promise<void>;
  removeDirectory(path: string): Promise<void>;

  sizeOf(path: string): Promise<number>;
  /** To the second. */
  modifiedAt(path: string): Promise<Date>;

  /**
   * Uploads the bytes of a file, and then neither more nor an end: waits for `underWay` and gives up as
   * a user of the client would. Where that is ABOR, the session must work afterwards.
   */
  abortPut(localFile: string, remotePath: string, underWay: () => Promise<void>): Promise<void>;
  /** Gives up a download after at least so many bytes. Where that is ABOR, as above. */
  abortGet(remotePath: string, leastBytes: number): Promise<void>;
}

export type ActionName = keyof FtpActions;

/** In place of an action that a client does not have: shown in the table of what does not apply. */
export class NotApplicable {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

export function cannot(reason: string): NotApplicable {
  return new NotApplicable(reason);
}

/** Every action, or why not. */
export type FtpClient = {
  readonly [Name in ActionName]: FtpActions[Name] | NotApplicable;
} & {
  /** Ends what the driver left running. */
  close?(): Promise<void>;
};

export interface ClientOptions {
  readonly login: Login;
  /** An empty directory for what the client keeps about itself. */
  readonly home: string;
  /** Takes what the client says; shown when a row fails. */
  readonly note: (text: string) => void;
}

export interface ClientKind {
  readonly name: string;
  /** Debian packages that bring it; none: npm does. */
  readonly packages: readonly string[];
  /** Whether it can be started. */
  isInstalled(): Promise<boolean>;
  /** Of a row for which its actions are not enough: the reason. */
  whyNot?(row: string, mode: Mode): string | undefined;
  readonly modes: Readonly<Record<Mode, 'supported' | NotApplicable>>;
  create(options: ClientOptions): FtpClient;
}
