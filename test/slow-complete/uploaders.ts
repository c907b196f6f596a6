/**
 * Four clients that upload one file, each as it comes: no time limit is set that its user would not have,
 * and none is taken away. lftp alone is told not to try again, or it would never report a failure.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Client } from 'basic-ftp';

export interface Upload {
  readonly port: number;
  readonly localFile: string;
  /** Relative to the login directory. */
  readonly remoteFile: string;
}

export interface Uploader {
  readonly name: string;
  /** Resolves when the client is content; rejects with what it reports. */
  readonly upload: (upload: Upload) => Promise<void>;
}

export const user = 'alice';
export const password = 'secret';

/** Far above what any of them waits for. */
const hangsAfterMs = 180_000;

const python = `
import ftplib, sys
port, local, remote = sys.argv[1:]
with ftplib.FTP() as ftp, open(local, 'rb') as source:
    ftp.connect('127.0.0.1', int(port))
    ftp.login('${user}', '${password}')
    ftp.storbinary('STOR ' + remote, source)
`;

export const uploaders: readonly Uploader[] = [
  {
    name: 'curl',
    upload: ({ port, localFile, remoteFile }) => {
      const url = `ftp://127.0.0.1:${port}/${remoteFile}`;
      return run('curl', ['-q', '-sS', '-u', `${user}:${password}`, '-T', localFile, url]);
    },
  },
  {
    name: 'ftplib',
    upload: ({ port, localFile, remoteFile }) =>
      run('python3', ['-c', python, String(port), localFile, remoteFile]),
  },
  {
    name: 'lftp',
    upload: ({ port, localFile, remoteFile }) => {
      const commands = [
        'set cmd:fail-exit yes',
        'set net:max-retries 1',
        'set ftp:ssl-allow no',
        `open -u ${user},${password} ftp://127.0.0.1:${port}`,
        `put ${localFile} -o ${remoteFile}`,
      ];
      return run('lftp', ['-c', commands.join('; ')]);
    },
  },
  {
    name: 'basic-ftp',
    upload: async ({ port, localFile, remoteFile }) => {
      const client = new Client();
      try {
        await client.access({ host: '127.0.0.1', port, user, password });
        await client.uploadFrom(localFile, remoteFile);
      } finally {
        client.close();
      }
    },
  },
];

/** @throws what the program says when it ends with anything but 0. */
async function run(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: hangsAfterMs,
    killSignal: 'SIGKILL',
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  let said = '';
  child.stderr.on('data', (text: Buffer) => {
    said += text.toString('utf8');
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (code !== 0) throw new Error(`${program} ended with ${code ?? signal}: ${lastLine(said)}`);
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
