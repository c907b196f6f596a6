/**
 * The seams of ftp-srv 4.6.3, typed and in one place: server, session map, greeting, login event and the
 * command registry with its dispatch. Everything a byte passes through is ours (see gateway/DESIGN.md).
 *
 * Nothing else may import the package. Its control-channel parsing, data connectors, transfers and file
 * system must never run: adopt() takes the socket away from them before a byte was read.
 */

import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { FtpSrv } from 'ftp-srv';
import packageRegistry from 'ftp-srv/src/commands/registry.js';
import { assert } from '#gateway/kit/assert.ts';
import { describeError } from '#gateway/kit/errors.ts';
import { listenPlace } from '#gateway/kit/listen-place.ts';
import type { Log } from '#gateway/kit/log.ts';

/** What ftp-srv's dispatch hands to a registry entry. */
export interface ShellCommand {
  readonly directive: string;
  readonly arg: string | null;
  readonly flags: readonly string[];
  readonly raw: string;
}

/** The fields of ftp-srv's Connection (src/connection.js) that we use. */
export interface ShellConnection {
  readonly id: string;
  readonly commandSocket: Socket;
  readonly commands: { handle(command: ShellCommand): PromiseLike<unknown> };
  authenticated: boolean | undefined;
  fs: unknown;
  /** Emits the server's `login` event and waits for its answer. */
  login(user: string, password: string): PromiseLike<unknown>;
  /** Replaced at adoption: greeting, 502 and 530 of the dispatch come through here. */
  reply(options: number | { code?: number }, ...letters: readonly unknown[]): PromiseLike<unknown>;
}

/** One entry of ftp-srv's registry (src/commands/registry.js). */
export interface ShellEntry {
  readonly directive: string;
  handler(this: ShellConnection, context: { readonly command: ShellCommand }): Promise<void>;
  readonly syntax: string;
  readonly description: string;
  readonly flags: { readonly no_auth: boolean };
}

interface LoginRequest {
  readonly connection: ShellConnection;
  readonly username: string;
  readonly password: string;
}

export interface ShellOptions {
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  readonly log: Log;
  /** A client connected; its socket is paused. Hand it, or what became of it, to `serve`. */
  readonly onConnection: (socket: Socket) => void;
  /** Called by `serve` before the greeting: take the socket over. */
  readonly adopt: (connection: ShellConnection) => void;
  /** Called for `connection.login`; what it rejects with is what `login` rejects with. */
  readonly logIn: (connection: ShellConnection, user: string, password: string) => Promise<void>;
}

const signals = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;

/** ftp-srv as it is still used. */
export class FtpShell extends FtpSrv {
  declare readonly server: Server;
  declare readonly connections: Record<string, ShellConnection>;
  readonly #place: Pick<ShellOptions, 'address' | 'port'>;
  readonly #serve: (socket: Socket) => void;

  constructor(options: ShellOptions) {
    const host = options.address.includes(':') ? `[${options.address}]` : options.address;
    const before = signals.map((signal) => process.listeners(signal));
    super({ url: `ftp://${host}:${options.port}`, log: bunyanFace(options.log) });
    dropNewListeners(before);
    this.#place = options;
    this.#serve = takeConnectionListener(this.server);
    this.server.on('connection', options.onConnection);
    this.on('connect' as 'login', ({ connection }: { connection: unknown }) =>
      options.adopt(connection as ShellConnection),
    );
    this.on('login', (request, resolve, reject) => {
      const { connection, username, password } = request as unknown as LoginRequest;
      options.logIn(connection, username, password).then(
        () => resolve({ fs: notUsed as never }),
        (error: unknown) => reject(error as Error),
      );
    });
  }

  /** The stock one knows only one address. @throws when the address cannot be bound. */
  override async listen(): Promise<void> {
    const { address, port } = this.#place;
    this.server.listen(listenPlace(address, port));
    await once(this.server, 'listening');
  }

  /** Makes a session of it and greets it, as the package does with every new connection. */
  serve(socket: Socket): void {
    this.#serve(socket);
  }

  /** The stock one keeps a referenced timer per closed client and sends a reply of its own. */
  override disconnectClient(id: string): Promise<void> {
    delete this.connections[id];
    return Promise.resolve();
  }
}

/** ftp-srv makes a FileSystem on the local disk unless it is given something. */
const notUsed = Object.freeze({});

/** index.js:73: the constructor makes every signal end the process at once. We drain instead. */
function dropNewListeners(before: readonly (readonly unknown[])[]): void {
  signals.forEach((signal, index) => {
    for (const listener of process.listeners(signal)) {
      if (!before[index]?.includes(listener)) process.removeListener(signal, listener);
    }
  });
}

/** index.js:44: what the package does with a socket; ours comes first, because a header or TLS may. */
function takeConnectionListener(server: Server): (socket: Socket) => void {
  const [listener] = server.listeners('connection');
  assert(listener, 'ftp-srv listens for connections');
  server.removeAllListeners('connection');
  return listener as (socket: Socket) => void;
}

/**
 * The registry is one plain object per process. Ours replaces every stock entry, so that no stock handler
 * can be reached; a verb that is not in it is answered 502 by the dispatch. Several servers in one process
 * must bring the same entries.
 */
export function installRegistry(entries: readonly ShellEntry[]): void {
  for (const verb of Object.keys(packageRegistry)) delete packageRegistry[verb];
  for (const entry of entries) packageRegistry[entry.directive] = entry;
}

/** Stops ftp-srv from reading, timing or ending the socket; it keeps its `close` listeners. */
export function detachSocket(connection: ShellConnection): Socket {
  const socket = connection.commandSocket;
  socket.removeAllListeners('data');
  socket.removeAllListeners('timeout');
  return socket;
}

/** ftp-srv logs every command and reply through bunyan; ours are logged once, by us. */
function bunyanFace(log: Log): object {
  const face = {
    trace: () => undefined,
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (error: unknown) =>
      log.debug({ reason: describeError(error) }, 'ftp-srv reported an error'),
    child: () => face,
  };
  return face;
}
