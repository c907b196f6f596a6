/** curl: paths go through its URL parser, so each segment is percent-encoded. */
import type { ClientLogin, FtpClientDriver } from './client.ts';
import { isProgramInstalled, runCommand } from './command.ts';

export function curlDriver(login: ClientLogin): FtpClientDriver {
  const base = `ftp://${login.host}:${login.port}`;
  const url = (path: string) => base + path.split('/').map(encodeURIComponent).join('/');
  const curl = (...args: string[]) =>
    runCommand('curl', ['-sS', '-u', `${login.user}:${login.password}`, ...args]);
  const quote = (...commands: string[]) =>
    curl(...commands.flatMap((command) => ['-Q', command]), '-o', '/dev/null', `${base}/`);
  return {
    name: 'curl',
    isInstalled: () => isProgramInstalled('curl'),
    put: async (localFile, remotePath) => void (await curl('-T', localFile, url(remotePath))),
    get: async (remotePath, localFile) => void (await curl('-o', localFile, url(remotePath))),
    async list(directory) {
      const slashed = directory.endsWith('/') ? directory : `${directory}/`;
      const text = await curl('--list-only', url(slashed));
      return text.split(/\r?\n/).filter((line) => line !== '');
    },
    rename: async (from, to) => void (await quote(`RNFR ${from}`, `RNTO ${to}`)),
    delete: async (path) => void (await quote(`DELE ${path}`)),
    makeDirectory: async (path) => void (await quote(`MKD ${path}`)),
    removeDirectory: async (path) => void (await quote(`RMD ${path}`)),
  };
}
