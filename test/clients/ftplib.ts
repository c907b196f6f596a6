/** Python's ftplib, as scripts use it. */
import { fileURLToPath } from 'node:url';
import type { ClientLogin, FtpClientDriver } from './client.ts';
import { isProgramInstalled, runCommand } from './command.ts';

const script = fileURLToPath(new URL('./ftplib-driver.py', import.meta.url));

export function ftplibDriver(login: ClientLogin): FtpClientDriver {
  const run = (operation: string, ...args: string[]) =>
    runCommand('python3', [script], { input: JSON.stringify({ login, operation, args }) });
  return {
    name: 'ftplib',
    isInstalled: () => isProgramInstalled('python3'),
    put: async (localFile, remotePath) => void (await run('put', localFile, remotePath)),
    get: async (remotePath, localFile) => void (await run('get', remotePath, localFile)),
    list: async (directory) => JSON.parse(await run('list', directory)) as string[],
    rename: async (from, to) => void (await run('rename', from, to)),
    delete: async (path) => void (await run('delete', path)),
    makeDirectory: async (path) => void (await run('mkdir', path)),
    removeDirectory: async (path) => void (await run('rmdir', path)),
  };
}
