/** FTP clients outside the cluster: Python's ftplib by way of sessions.py, and curl. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';
import { outside, waitUntil } from './cluster.ts';

const program = fileURLToPath(new URL('./sessions.py', import.meta.url));

export interface Login {
  readonly user: string;
  readonly password: string;
}

/** The client's port of a connection, and of each data connection the port that PASV told. */
export interface SessionConnections {
  readonly from: number;
  readonly data: readonly { readonly from: number; readonly port: number }[];
}

export interface SessionsResult {
  readonly sessions: number;
  readonly uploads: number;
  readonly uploadedBytes: number;
  readonly downloads: number;
  readonly listings: number;
  readonly errors: readonly string[];
  readonly seconds: number;
  readonly connections: readonly SessionConnections[];
}

export interface SessionsOptions {
  readonly address: string;
  readonly login: Login;
  readonly sessions: number;
}

function sessionsCommand(mode: string, { address, login, sessions }: SessionsOptions): string[] {
  const { user, password } = login;
  const who = ['--user', user, '--password', password, '--sessions', String(sessions)];
  return ['python3', program, address, mode, ...who];
}

/** Each lists, stores and reads back. */
export async function probe(options: SessionsOptions): Promise<SessionsResult> {
  const output = await outside(sessionsCommand('probe', options), { timeoutMs: 200_000 });
  return JSON.parse(output) as SessionsResult;
}

export interface RunningUploads {
  /** Lets a stream of uploads come to its end; then waits for all. */
  finish(): Promise<SessionsResult>;
}

/**
 * Returns when all of them have sent data. `upload`: one each, over so many seconds. `stream`: one after
 * the other, until finished.
 */
export async function startUploads(
  mode: 'upload' | 'stream',
  seconds: number,
  options: SessionsOptions,
): Promise<RunningUploads> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await temporaryDirectory());
  const started = join(path, 'started');
  const stop = join(path, 'stop');
  const files = ['--started', started, '--stop', stop, '--seconds', String(seconds)];
  const running = outside([...sessionsCommand(mode, options), ...files], { timeoutMs: 400_000 });
  running.catch(() => undefined); // told by finish
  await waitUntil('the uploads to run', async () => existsSync(started), 30_000);
  const owned = stack.move();
  return {
    async finish() {
      await using _ = owned;
      await writeFile(stop, '');
      return JSON.parse(await running) as SessionsResult;
    },
  };
}

export function assertNoneFailed({ errors }: SessionsResult): void {
  assert.deepEqual(errors, []);
}

function urlOf({ user, password }: Login, address: string, path: string): string {
  return `ftp://${user}:${password}@${address}/${path}`;
}

/** Stores text and reads it back, with curl's defaults. @throws with curl's words. */
export async function curlStoreAndRead(login: Login, address: string, name: string): Promise<void> {
  const text = `hello from outside, ${name}`;
  await curlStore(login, address, name, text);
  assert.equal(await curl([urlOf(login, address, name)]), text);
}

/** @throws with curl's words. */
export async function curlStore(login: Login, address: string, name: string, text: string) {
  await curl(['-T', '-', urlOf(login, address, name)], text);
}

/** @throws with curl's words when the login is refused. */
export async function curlList(login: Login, address: string): Promise<string> {
  return curl([urlOf(login, address, '')]);
}

/** By RETR without a question about the size before. @throws with curl's words. */
export async function curlRead(login: Login, address: string, name: string): Promise<string> {
  return curl(['--ignore-content-length', urlOf(login, address, name)]);
}

/** The reply to PASV as curl shows it: `227 Entering Passive Mode (…)`. */
export async function readPassiveReply(login: Login, address: string): Promise<string> {
  const shown = ['-v', '--disable-epsv', '--stderr', '-', urlOf(login, address, '')];
  return /^< (227 .*)$/m.exec(await curl(shown))?.[1]?.trim() ?? '';
}

function curl(args: readonly string[], input = ''): Promise<string> {
  return outside(['curl', '-sS', '--fail', '--max-time', '20', ...args], { input });
}
