/** lftp, by a line of its commands. */
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type ClientKind, type ClientOptions, cannot, type FtpClient } from '../client.ts';
import { type CommandOptions, isProgramInstalled, runCommand, startCommand } from '../command.ts';
import { interruptDownload, interruptUpload, makePipe } from '../interruption.ts';
import { parseLongListing, parseNames } from '../long-listing.ts';

export const lftp: ClientKind = {
  name: 'lftp',
  packages: ['lftp'],
  isInstalled: () => isProgramInstalled('lftp'),
  modes: { clear: 'supported', explicit: 'supported', implicit: 'supported' },
  create: createLftp,
};

function createLftp({ login, home, note }: ClientOptions): FtpClient {
  const options: CommandOptions = { env: { HOME: home, LFTP_HOME: home }, note };
  const args = (commands: string, password = login.password) => [
    '-d',
    '-c',
    `${settings(login)}; open -u ${quoted(login.user)},${quoted(password)} ${address(login)}; ${commands}`,
  ];
  const run = async (commands: string, password?: string) =>
    (await runCommand('lftp', args(commands, password), options)).stdout;
  const act = async (...words: string[]) => void (await run(words.join(' ')));
  const start = (commands: string) => startCommand('lftp', args(commands), options);
  return {
    login: async (password) => void (await run('pwd; ls', password)),
    listLong: async (directory) =>
      parseLongListing((await run(`ls ${quoted(directory)}`)).split('\n')),
    listNames: async (directory) => parseNames(await run(`nlist ${quoted(directory)}`)),
    listFacts: async (directory) =>
      parseSizes(await run(`set ftp:use-mlsd on; cls -1sB --block-size=1 ${quoted(directory)}/`)),
    listMatching: async (directory, pattern) =>
      parseNames(await run(`nlist ${quoted(`${directory}/${pattern}`)}`)),
    put: (local, remote) => act('put', quoted(local), '-o', quoted(remote)),
    get: (remote, local) => act('get', quoted(remote), '-o', quoted(local)),
    putText: (local, remote) => act('put -a', quoted(local), '-o', quoted(remote)),
    getText: (remote, local) => act('get -a', quoted(remote), '-o', quoted(local)),
    resumeGet: (remote, local) => act('get -c', quoted(remote), '-o', quoted(local)),
    resumePut: (local, remote) => act('put -c', quoted(local), '-o', quoted(remote)),
    append: cannot('never sends APPE'),
    putMany: (local, _names, remote) => act('mput -O', quoted(remote), `${local}/*.bin`),
    getMany: (remote, _names, local) => act('mget -O', quoted(local), `${remote}/*.bin`),
    mirrorUp: (local, remote) => act('mirror -R', quoted(local), quoted(remote)),
    mirrorDown: (remote, local) => act('mirror', quoted(remote), quoted(local)),
    rename: (from, to) => act('mv', quoted(from), quoted(to)),
    delete: (path) => act('rm', quoted(path)),
    makeDirectory: (path) => act('mkdir', quoted(path)),
    removeDirectory: (path) => act('rmdir', quoted(path)),
    sizeOf: async (path) =>
      Number(/^213 (\d+)/m.exec(await run(`quote SIZE ${quoted(path)}`))?.[1]),
    // What it mirrors keeps its time.
    async modifiedAt(path) {
      await act('mirror', quoted(dirname(path)), quoted(join(home, 'dated')));
      return (await stat(join(home, 'dated', basename(path)))).mtime;
    },
    async abortPut(local, remote, underWay) {
      const source = join(home, 'source');
      const pipe = await makePipe(source, 'writable');
      const command = start(`put ${quoted(source)} -o ${quoted(remote)}`);
      await interruptUpload(command, local, underWay, pipe);
    },
    abortGet: (remote, leastBytes) => interruptDownload(start(`cat ${quoted(remote)}`), leastBytes),
  };
}

function settings({ mode, caFile }: ClientOptions['login']): string {
  const words = [
    'cmd:fail-exit yes',
    'cmd:move-background no',
    'net:max-retries 1',
    'net:timeout 30',
    ...(caFile ? [`ssl:ca-file ${quoted(caFile)}`] : []),
    ...(mode === 'explicit' ? ['ftp:ssl-force yes'] : []),
    ...(mode === 'clear' ? ['ftp:ssl-allow no'] : ['ftp:ssl-protect-data yes']),
  ];
  return words.map((word) => `set ${word}`).join('; ');
}

function address({ mode, host, port }: ClientOptions['login']): string {
  return `${mode === 'implicit' ? 'ftps' : 'ftp'}://${host}:${port}`;
}

function quoted(word: string): string {
  return `"${word.replace(/["\\]/g, '\\$&')}"`;
}

function parseSizes(text: string) {
  return text.split('\n').flatMap((line) => {
    if (line.endsWith('/')) return [{ name: line.slice(0, -1).trimStart() }];
    const [, size, name] = /^ *(\d+) (.+)$/.exec(line) ?? [];
    return name === undefined ? [] : [{ name, sizeBytes: Number(size) }];
  });
}
