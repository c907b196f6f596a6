/** npm's basic-ftp: what most Node programs use. */
import { Client } from 'basic-ftp';
import type { ClientLogin, FtpClientDriver } from './client.ts';

export function basicFtpDriver(login: ClientLogin): FtpClientDriver {
  const withClient = async <T>(work: (client: Client) => Promise<T>): Promise<T> => {
    const client = new Client(110_000);
    try {
      await client.access({ ...login, secure: false });
      return await work(client);
    } finally {
      client.close();
    }
  };
  return {
    name: 'basic-ftp',
    isInstalled: () => Promise.resolve(true),
    put: (localFile, remotePath) =>
      withClient(async (client) => void (await client.uploadFrom(localFile, remotePath))),
    get: (remotePath, localFile) =>
      withClient(async (client) => void (await client.downloadTo(localFile, remotePath))),
    list: (directory) =>
      withClient(async (client) => {
        const entries = await client.list(directory);
        return entries.map((entry) => entry.name);
      }),
    rename: (from, to) => withClient(async (client) => void (await client.rename(from, to))),
    delete: (path) => withClient(async (client) => void (await client.remove(path))),
    makeDirectory: (path) => withClient(async (client) => void (await client.send(`MKD ${path}`))),
    removeDirectory: (path) =>
      withClient(async (client) => void (await client.send(`RMD ${path}`))),
  };
}
