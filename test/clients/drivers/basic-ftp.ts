/** npm's basic-ftp: what most Node programs use. */
import { createReadStream, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { Client, type FileInfo } from 'basic-ftp';
import { type ClientKind, type ClientOptions, cannot, type FtpClient } from '../client.ts';

export const basicFtp: ClientKind = {
  name: 'basic-ftp',
  packages: [],
  isInstalled: () => Promise.resolve(true),
  modes: { clear: 'supported', explicit: 'supported', implicit: 'supported' },
  // Node's TLS forgets an end that comes before its handshake is done; no server takes what follows.
  whyNot: (row, mode) =>
    row === 'put-empty' && mode !== 'clear' ? 'ends its data before it is protected' : undefined,
  create: createBasicFtp,
};

const timeoutMs = 50_000;

function createBasicFtp({ login, note }: ClientOptions): FtpClient {
  const open = async (password = login.password) => {
    const client = new Client(timeoutMs);
    client.ftp.verbose = true;
    client.ftp.log = (line: string) => note(`${line}\n`);
    const { host, port, user, mode, caFile } = login;
    await client.access({
      host,
      port,
      user,
      password,
      secure: mode === 'implicit' ? 'implicit' : mode === 'explicit',
      ...(caFile && { secureOptions: { ca: readFileSync(caFile) } }),
    });
    return client;
  };
  const withClient = async <Value>(work: (client: Client) => Promise<Value>): Promise<Value> => {
    const client = await open();
    try {
      return await work(client);
    } finally {
      client.close();
    }
  };
  const act = (work: (client: Client) => Promise<unknown>) =>
    withClient(async (client) => void (await work(client)));
  const list = (directory: string, command: string) =>
    withClient(async (client) => {
      client.availableListCommands = [command];
      return (await client.list(directory)).map(entryOf);
    });
  return {
    login: async (password) => (await open(password)).close(),
    listLong: (directory) => list(directory, 'LIST'),
    listNames: cannot('never sends NLST'),
    listFacts: (directory) => list(directory, 'MLSD'),
    listMatching: cannot('no patterns'),
    put: (local, remote) => act((client) => client.uploadFrom(local, remote)),
    get: (remote, local) => act((client) => client.downloadTo(local, remote)),
    putText: cannot('binary only'),
    getText: cannot('binary only'),
    resumeGet: (remote, local) =>
      act(async (client) => client.downloadTo(local, remote, (await stat(local)).size)),
    resumePut: (local, remote) =>
      act(async (client) =>
        client.appendFrom(local, remote, { localStart: await client.size(remote) }),
      ),
    append: (local, remote) => act((client) => client.appendFrom(local, remote)),
    putMany: (local, names, remote) =>
      act(async (client) => {
        for (const name of names) await client.uploadFrom(join(local, name), `${remote}/${name}`);
      }),
    getMany: (remote, names, local) =>
      act(async (client) => {
        for (const name of names) await client.downloadTo(join(local, name), `${remote}/${name}`);
      }),
    mirrorUp: (local, remote) => act((client) => client.uploadFromDir(local, remote)),
    mirrorDown: (remote, local) => act((client) => client.downloadToDir(local, remote)),
    rename: (from, to) => act((client) => client.rename(from, to)),
    delete: (path) => act((client) => client.remove(path)),
    makeDirectory: (path) => act((client) => client.send(`MKD ${path}`)),
    removeDirectory: (path) => act((client) => client.removeEmptyDir(path)),
    sizeOf: (path) => withClient((client) => client.size(path)),
    modifiedAt: (path) => withClient((client) => client.lastMod(path)),
    abortPut: (local, remote, underWay) =>
      withClient((client) => abortPut(client, local, remote, underWay)),
    abortGet: (remote, leastBytes) => withClient((client) => abortGet(client, remote, leastBytes)),
  };
}

/** basic-ftp gives up by closing. */
async function abortPut(
  client: Client,
  local: string,
  remote: string,
  underWay: () => Promise<void>,
): Promise<void> {
  const source = new PassThrough();
  createReadStream(local).pipe(source, { end: false });
  const upload = client.uploadFrom(source, remote);
  await Promise.race([underWay(), upload]);
  client.close();
  await expectClosed(upload);
}

async function abortGet(client: Client, remote: string, leastBytes: number): Promise<void> {
  let bytes = 0;
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes < leastBytes) done();
      else client.close();
    },
  });
  await expectClosed(client.downloadTo(sink, remote));
}

async function expectClosed(transfer: Promise<unknown>): Promise<void> {
  const outcome = await transfer.then(
    () => 'ended',
    () => 'closed',
  );
  if (outcome === 'ended') throw new Error('the transfer ended before it could be given up');
}

function entryOf({ name, size, isFile }: FileInfo) {
  return { name, ...(isFile && { sizeBytes: size }) };
}
