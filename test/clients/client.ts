/**
 * A real FTP client program or library behind the few things the suite asks of each. A driver adds
 * nothing of its own: no retries, no fixing of names.
 */

export interface ClientLogin {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export interface FtpClientDriver {
  readonly name: string;
  /** Whether the program is installed; the suite fails in CI when it is not. */
  isInstalled(): Promise<boolean>;
  put(localFile: string, remotePath: string): Promise<void>;
  get(remotePath: string, localFile: string): Promise<void>;
  /** Names in a directory. */
  list(remoteDirectory: string): Promise<string[]>;
  rename(from: string, to: string): Promise<void>;
  delete(remotePath: string): Promise<void>;
  makeDirectory(remotePath: string): Promise<void>;
  removeDirectory(remotePath: string): Promise<void>;
}
