/** curl: paths go through its URL parser, so each segment is percent-encoded. */
import { join } from 'node:path';
import { type ClientKind, type ClientOptions, cannot, type FtpClient } from '../client.ts';
import { isProgramInstalled, runCommand, startCommand } from '../command.ts';
import { parseFactLines } from '../fact-lines.ts';
import { interruptDownload, interruptUpload } from '../interruption.ts';
import { parseLongListing, parseNames } from '../long-listing.ts';

export const curl: ClientKind = {
  name: 'curl',
  packages: ['curl'],
  isInstalled: () => isProgramInstalled('curl'),
  modes: { clear: 'supported', explicit: 'supported', implicit: 'supported' },
  create: createCurl,
};

function createCurl({ login, note }: ClientOptions): FtpClient {
  const { host, port, user, mode, caFile } = login;
  const base = `${mode === 'implicit' ? 'ftps' : 'ftp'}://${host}:${port}`;
  const url = (path: string) => base + path.split('/').map(encodeURIComponent).join('/');
  const argsFor = (password: string) => [
    '-q',
    '-g',
    '-v',
    '--no-progress-meter',
    '-u',
    `${user}:${password}`,
    ...(mode === 'explicit' ? ['--ssl-reqd'] : []),
    ...(caFile ? ['--cacert', caFile] : []),
  ];
  const usual = argsFor(login.password);
  const run = (...args: string[]) => runCommand('curl', [...usual, ...args], { note });
  const start = (...args: string[]) => startCommand('curl', [...usual, ...args], { note });
  const act = async (...args: string[]) => void (await run(...args));
  const quote = (...commands: string[]) =>
    act(...commands.flatMap((command) => ['-Q', command]), '-I', `${base}/`);
  const header = async (path: string, name: string) => {
    const { stdout } = await run('-I', url(path));
    return new RegExp(`^${name}: (.*?)\r?$`, 'm').exec(stdout)?.[1] ?? '';
  };
  return {
    login: async (password) =>
      void (await runCommand('curl', [...argsFor(password), '-I', `${base}/`], { note })),
    listLong: async (directory) =>
      parseLongListing((await run(`${url(directory)}/`)).stdout.split('\n')),
    listNames: async (directory) => parseNames((await run('-l', `${url(directory)}/`)).stdout),
    listFacts: async (directory) =>
      parseFactLines((await run('-X', 'MLSD', `${url(directory)}/`)).stdout),
    listMatching: async (directory, pattern) =>
      parseNames((await run('-X', `NLST ${pattern}`, `${url(directory)}/`)).stdout),
    put: (local, remote) => act('-T', local, url(remote)),
    get: (remote, local) => act('-o', local, url(remote)),
    putText: (local, remote) => act('-B', '--crlf', '-T', local, url(remote)),
    getText: cannot('-B asks for text and translates nothing on the way down'),
    resumeGet: (remote, local) => act('-C', '-', '-o', local, url(remote)),
    resumePut: (local, remote) => act('-C', '-', '-T', local, url(remote)),
    append: (local, remote) => act('-a', '-T', local, url(remote)),
    putMany: (local, names, remote) =>
      act(...names.flatMap((name) => ['-T', join(local, name), url(`${remote}/${name}`)])),
    getMany: (remote, names, local) =>
      act(...names.flatMap((name) => ['-o', join(local, name), url(`${remote}/${name}`)])),
    mirrorUp: cannot('no mirror'),
    mirrorDown: cannot('no mirror'),
    rename: (from, to) => quote(`RNFR ${from}`, `RNTO ${to}`),
    delete: (path) => quote(`DELE ${path}`),
    makeDirectory: (path) => quote(`MKD ${path}`),
    removeDirectory: (path) => quote(`RMD ${path}`),
    sizeOf: async (path) => Number(await header(path, 'Content-Length')),
    modifiedAt: async (path) => new Date(await header(path, 'Last-Modified')),
    abortPut: (local, remote, underWay) =>
      interruptUpload(start('-T', '-', url(remote)), local, underWay),
    abortGet: (remote, leastBytes) => interruptDownload(start(url(remote)), leastBytes),
  };
}
