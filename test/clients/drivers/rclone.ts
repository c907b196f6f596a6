/** rclone: it lists before and after what it does, and keeps no names apart from paths. */
import { dirname } from 'node:path';
import { type ClientKind, type ClientOptions, cannot, type FtpClient } from '../client.ts';
import { type CommandOptions, isProgramInstalled, runCommand, startCommand } from '../command.ts';
import { interruptDownload, interruptUpload } from '../interruption.ts';

export const rclone: ClientKind = {
  name: 'rclone',
  packages: ['rclone'],
  isInstalled: () => isProgramInstalled('rclone'),
  modes: { clear: 'supported', explicit: 'supported', implicit: 'supported' },
  create: createRclone,
};

function createRclone({ login, home, note }: ClientOptions): FtpClient {
  const optionsFor = async (password: string): Promise<CommandOptions> => ({
    env: { HOME: home, ...environment(login, await obscured(password)) },
    note,
  });
  const usual = optionsFor(login.password);
  const args = (words: readonly string[]) => ['-vv', '--retries', '1', ...words];
  const run = async (...words: string[]) =>
    (await runCommand('rclone', args(words), await usual)).stdout;
  const act = async (...words: string[]) => void (await run(...words));
  const start = async (...words: string[]) => startCommand('rclone', args(words), await usual);
  const list = async (directory: string, ...flags: string[]) =>
    parseJson(await run('lsjson', ...flags, remote(directory)));
  return {
    login: async (password) =>
      void (await runCommand('rclone', args(['lsf', remote('/')]), await optionsFor(password))),
    listLong: (directory) => list(directory, '--ftp-disable-mlsd'),
    listNames: cannot('never sends NLST'),
    listFacts: (directory) => list(directory),
    listMatching: cannot('applies patterns itself'),
    put: (local, path) => act('copyto', local, remote(path)),
    get: (path, local) => act('copyto', remote(path), local),
    putText: cannot('binary only'),
    getText: cannot('binary only'),
    resumeGet: cannot('no resume'),
    resumePut: cannot('no resume'),
    append: cannot('no append'),
    putMany: (local, _names, path) => act('copy', local, remote(path)),
    getMany: (path, _names, local) => act('copy', '--include', '*.bin', remote(path), local),
    mirrorUp: (local, path) => act('sync', '--create-empty-src-dirs', local, remote(path)),
    mirrorDown: (path, local) => act('sync', '--create-empty-src-dirs', remote(path), local),
    rename: (from, to) => act('moveto', remote(from), remote(to)),
    delete: (path) => act('deletefile', remote(path)),
    makeDirectory: (path) => act('mkdir', remote(path)),
    removeDirectory: (path) => act('rmdir', remote(path)),
    sizeOf: async (path) => findEntry(await run('lsjson', remote(dirname(path))), path).Size,
    modifiedAt: async (path) =>
      new Date(findEntry(await run('lsjson', remote(dirname(path))), path).ModTime),
    abortPut: async (local, path, underWay) =>
      interruptUpload(await start('rcat', remote(path)), local, underWay),
    abortGet: async (path, leastBytes) =>
      interruptDownload(await start('cat', remote(path)), leastBytes),
  };
}

function remote(path: string): string {
  return `:ftp:${path}`;
}

function environment(login: ClientOptions['login'], pass: string): Record<string, string> {
  return {
    RCLONE_CONFIG: '/dev/null',
    RCLONE_FTP_HOST: login.host,
    RCLONE_FTP_PORT: String(login.port),
    RCLONE_FTP_USER: login.user,
    RCLONE_FTP_PASS: pass,
    ...(login.mode === 'explicit' && { RCLONE_FTP_EXPLICIT_TLS: 'true' }),
    ...(login.mode === 'implicit' && { RCLONE_FTP_TLS: 'true' }),
    ...(login.caFile && { SSL_CERT_FILE: login.caFile }),
  };
}

/** rclone takes passwords only in this form. */
async function obscured(password: string): Promise<string> {
  return (await runCommand('rclone', ['obscure', password])).stdout.trim();
}

interface RcloneEntry {
  readonly Name: string;
  readonly Size: number;
  readonly ModTime: string;
  readonly IsDir: boolean;
}

function parseJson(text: string) {
  const entries = JSON.parse(text) as readonly RcloneEntry[];
  return entries.map(({ Name: name, Size, IsDir }) => ({
    name,
    ...(!IsDir && { sizeBytes: Size }),
  }));
}

function findEntry(text: string, path: string): RcloneEntry {
  const entries = JSON.parse(text) as readonly RcloneEntry[];
  const entry = entries.find(({ Name }) => path.endsWith(`/${Name}`));
  if (!entry) throw new Error(`${path} is not listed`);
  return entry;
}
