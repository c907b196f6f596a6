/**
 * ncftp: files by its programs ncftpput and ncftpget, listings by ncftpls, the rest by its shell, which
 * ends with 0 whatever happened.
 */
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ClientKind, type ClientOptions, cannot, type FtpClient } from '../client.ts';
import { type CommandOptions, isProgramInstalled, runCommand, startCommand } from '../command.ts';
import { parseFactLines } from '../fact-lines.ts';
import { interruptDownload, interruptUpload } from '../interruption.ts';
import { parseLongListing, parseNames } from '../long-listing.ts';
import { backslashed } from '../shell-word.ts';

const noTls = cannot('knows no TLS');

export const ncftp: ClientKind = {
  name: 'ncftp',
  packages: ['ncftp'],
  isInstalled: () => isProgramInstalled('ncftpput'),
  modes: { clear: 'supported', explicit: noTls, implicit: noTls },
  create: createNcftp,
};

/** What its shell says when the server refused something, or could not be asked. */
const refusal = /server said: .*|List failed|not found: .*|Could not .*/;

function createNcftp({ login, home, note }: ClientOptions): FtpClient {
  const { host, port, user } = login;
  const options: CommandOptions = { env: { HOME: home }, cwd: home, note };
  const access = (password: string) => ['-u', user, '-p', password, '-P', String(port)];
  const usual = [...access(login.password), '-d', '/dev/stderr'];
  const run = async (program: string, ...args: string[]) =>
    (await runCommand(program, [...usual, ...args], options)).stdout;
  const act = async (program: string, ...args: string[]) => void (await run(program, ...args));
  const list = (directory: string, ...flags: string[]) =>
    run(
      'ncftpls',
      ...flags,
      `ftp://${host}${directory.split('/').map(encodeURIComponent).join('/')}/`,
    );
  const shell = async (...commands: string[]) => {
    const input = `${['debug 1', ...commands, 'quit'].join('\n')}\n`;
    const args = [...access(login.password), host];
    const { stdout, stderr } = await runCommand('ncftp', args, { ...options, input });
    const refused = refusal.exec(stdout + stderr);
    if (refused) throw new Error(`ncftp says: ${refused[0]}`);
    return stdout;
  };
  const order = async (...words: string[]) => void (await shell(words.join(' ')));
  return {
    login: async (password) =>
      void (await runCommand('ncftpls', [...access(password), `ftp://${host}/`], options)),
    listLong: async (directory) => parseLongListing((await list(directory, '-l')).split('\n')),
    listNames: async (directory) => parseNames(await list(directory, '-1')),
    listFacts: async (directory) => parseFactLines(await list(directory, '-m')),
    listMatching: async (directory, pattern) =>
      parseNames(await list(directory, '-1', '-i', pattern)),
    put: (local, remote) => act('ncftpput', '-C', host, local, remote),
    get: (remote, local) => act('ncftpget', '-C', host, remote, local),
    putText: (local, remote) => act('ncftpput', '-a', '-C', host, local, remote),
    getText: (remote, local) => act('ncftpget', '-a', '-C', host, remote, local),
    resumeGet: (remote, local) => act('ncftpget', '-z', '-C', host, remote, local),
    resumePut: cannot('3.2.6 sends the whole file after REST'),
    append: (local, remote) => act('ncftpput', '-A', '-C', host, local, remote),
    putMany: (local, names, remote) =>
      act('ncftpput', host, remote, ...names.map((name) => `${local}/${name}`)),
    getMany: (remote, _names, local) => act('ncftpget', host, local, `${remote}/*.bin`),
    // Both make the directory's own name on the other side.
    mirrorUp: (local, remote) => act('ncftpput', '-R', host, dirname(remote), local),
    mirrorDown: (remote, local) => act('ncftpget', '-R', '-T', host, dirname(local), remote),
    rename: (from, to) => order('rename', backslashed(from), backslashed(to)),
    delete: (path) => order('rm', backslashed(path)),
    makeDirectory: (path) => order('mkdir', backslashed(path)),
    removeDirectory: (path) => order('rmdir', backslashed(path)),
    sizeOf: async (path) =>
      Number(/^213: (\d+)/m.exec(await shell('quote TYPE I', `quote SIZE ${path}`))?.[1]),
    // It gives what it downloads the time that MDTM told.
    async modifiedAt(path) {
      const local = join(home, 'dated');
      await act('ncftpget', '-C', host, path, local);
      return (await stat(local)).mtime;
    },
    abortPut: (local, remote, underWay) =>
      interruptUpload(
        startCommand('ncftpput', [...usual, '-c', host, remote], options),
        local,
        underWay,
      ),
    abortGet: (remote, leastBytes) =>
      interruptDownload(
        startCommand('ncftpget', [...usual, '-c', host, remote], options),
        leastBytes,
      ),
  };
}
