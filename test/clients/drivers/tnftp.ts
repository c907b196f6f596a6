/** tnftp, the BSD client (Debian's `ftp`), by lines of its commands. It shows the server's replies. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClientKind, type ClientOptions, cannot, type FtpClient } from '../client.ts';
import { type CommandOptions, isProgramInstalled, runCommand, startCommand } from '../command.ts';
import { parseFactLines } from '../fact-lines.ts';
import { interruptDownload, interruptUpload, makePipe } from '../interruption.ts';
import { parseLongListing, parseNames } from '../long-listing.ts';
import { backslashed } from '../shell-word.ts';

const noTls = cannot('knows no TLS for FTP');

export const tnftp: ClientKind = {
  name: 'tnftp',
  packages: ['tnftp'],
  isInstalled: () => isProgramInstalled('tnftp'),
  modes: { clear: 'supported', explicit: noTls, implicit: noTls },
  whyNot: (row) =>
    row === 'abort-put'
      ? 'ends its data as if the file were whole and stays: FTP cannot tell'
      : undefined,
  create: createTnftp,
};

/** It ends with 0 whatever the replies were. */
const refusal = /^[45]\d\d .*|^Login failed.*|^tnftp: .*|^\?.*|^usage: .*/m;

function createTnftp({ login, home, note }: ClientOptions): FtpClient {
  const { host, port, user } = login;
  const options: CommandOptions = { env: { HOME: home }, cwd: home, note };
  const args = ['-n', '-i', '-v', '-V', '-v', '-P', String(port), host];
  const script = (password: string, commands: readonly string[]) =>
    `${[`user ${backslashed(user)} ${backslashed(password)}`, 'progress off', 'binary', ...commands, 'quit'].join('\n')}\n`;
  const shell = async (commands: readonly string[], password = login.password) => {
    const input = script(password, commands);
    const { stdout, stderr } = await runCommand('tnftp', args, { ...options, input });
    const refused = refusal.exec(stdout) ?? refusal.exec(stderr);
    if (refused) throw new Error(`tnftp says: ${refused[0]}`);
    return stdout;
  };
  const act = async (...words: string[]) => void (await shell([words.join(' ')]));
  const list = async (command: string, path: string) => {
    const local = join(home, 'listing');
    await act(command, backslashed(path), backslashed(local));
    return readFile(local, 'utf8');
  };
  const number = async (command: string, path: string) =>
    /^213 (\d+)/m.exec(await shell([`quote ${command} ${path}`]))?.[1] ?? '';
  return {
    login: async (password) => void (await shell(['pwd'], password)),
    listLong: async (directory) => parseLongListing((await list('dir', directory)).split('\n')),
    listNames: async (directory) => parseNames(await list('nlist', directory)),
    listFacts: async (directory) => parseFactLines(await shell([`mlsd ${backslashed(directory)}`])),
    listMatching: async (directory, pattern) =>
      parseNames(await list('nlist', `${directory}/${pattern}`)),
    put: (local, remote) => act('put', backslashed(local), backslashed(remote)),
    get: (remote, local) => act('get', backslashed(remote), backslashed(local)),
    putText: async (local, remote) =>
      void (await shell(['ascii', `put ${backslashed(local)} ${backslashed(remote)}`])),
    getText: async (remote, local) =>
      void (await shell(['ascii', `get ${backslashed(remote)} ${backslashed(local)}`])),
    resumeGet: (remote, local) => act('reget', backslashed(remote), backslashed(local)),
    async resumePut(local, remote) {
      const offset = await number('SIZE', remote);
      await shell([`restart ${offset}`, `put ${backslashed(local)} ${backslashed(remote)}`]);
    },
    append: (local, remote) => act('append', backslashed(local), backslashed(remote)),
    putMany: async (local, _names, remote) =>
      void (await shell([`lcd ${backslashed(local)}`, `cd ${backslashed(remote)}`, 'mput *.bin'])),
    getMany: async (remote, _names, local) =>
      void (await shell([`lcd ${backslashed(local)}`, `cd ${backslashed(remote)}`, 'mget *.bin'])),
    mirrorUp: cannot('no mirror'),
    mirrorDown: cannot('no mirror'),
    rename: (from, to) => act('rename', backslashed(from), backslashed(to)),
    delete: (path) => act('delete', backslashed(path)),
    makeDirectory: (path) => act('mkdir', backslashed(path)),
    removeDirectory: (path) => act('rmdir', backslashed(path)),
    sizeOf: async (path) => Number(await number('SIZE', path)),
    async modifiedAt(path) {
      const [, year, rest = ''] = /^(\d{4})(\d{10})$/.exec(await number('MDTM', path)) ?? [];
      const [month, day, hour, minute, second] = rest.match(/../g) ?? [];
      return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
    },
    async abortPut(local, remote, underWay) {
      const path = join(home, 'source');
      const pipe = await makePipe(path, 'writable');
      const command = startCommand('tnftp', args, options);
      command.child.stdout.on('data', (text: Buffer) => note(text.toString('utf8')));
      command.child.stdin.write(
        script(login.password, [
          `put ${backslashed(`|cat ${path}`)} ${backslashed(remote)}`,
          'pwd',
        ]),
      );
      await interruptUpload(command, local, underWay, pipe);
    },
    async abortGet(remote, leastBytes) {
      const path = join(home, 'sink');
      const pipe = await makePipe(path, 'readable');
      const command = startCommand('tnftp', args, options);
      command.child.stdout.on('data', (text: Buffer) => note(text.toString('utf8')));
      command.child.stdin.write(
        script(login.password, [`get ${backslashed(remote)} ${backslashed(path)}`, 'pwd']),
      );
      await interruptDownload(command, leastBytes, pipe);
    },
  };
}
