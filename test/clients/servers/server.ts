/**
 * The server that clients are tried on, and what it has stored as seen from behind: never through FTP.
 */
import type { ActionName, Login, Mode } from '../client.ts';

export interface Server extends AsyncDisposable {
  readonly login: Login;
  readonly store: Store;
  /**
   * Of an upload that a client gives up: `discarded` and what was there before stays, or the `truncated`
   * file is stored as any other.
   */
  readonly cutUploads: 'discarded' | 'truncated';
  /** Verbs that the server does not know, by the action that needs them, with the reason. */
  readonly lacks?: Partial<Record<ActionName, string>>;
  /** Whether clients may set the times of files (MFMT and its kind). Default: nobody looks. */
  readonly storesTimes?: boolean;
  /** A name below the root that is refused. */
  readonly reservedName?: string;
  /** What it logged since the last call. */
  newLog(): string;
}

export interface StoredFile {
  readonly bytes: Buffer;
  readonly modifiedAt: Date;
}

/** Paths are absolute, as the account sees them. */
export interface Store {
  makeDirectory(path: string): Promise<void>;
  /** `modifiedAt`: default now. */
  write(path: string, bytes: Uint8Array, modifiedAt?: Date): Promise<void>;
  /** Many empty files. */
  fill(directory: string, names: readonly string[]): Promise<void>;
  /**
   * Undefined when there is none.
   * @throws AssertionError when the store's own checksum of the file is wrong.
   */
  read(path: string): Promise<StoredFile | undefined>;
  /** What lies below, directories with a slash behind, sorted; empty when there is no such directory. */
  tree(directory: string): Promise<string[]>;
  /** Uploads to this path that are neither stored nor discarded yet. */
  openUploads(path: string): Promise<number>;
  remove(path: string): Promise<void>;
  /** With the directory itself. */
  removeTree(directory: string): Promise<void>;
}

export interface ServerOptions {
  readonly mode: Mode;
  /** An empty directory, for this server alone. */
  readonly directory: string;
  /** What `prepare` filled. */
  readonly programs: string;
}

export interface ServerKind {
  /** Once for a whole run: brings the programs into an empty directory. */
  prepare?(programs: string): Promise<void>;
  start(options: ServerOptions): Promise<Server>;
}
