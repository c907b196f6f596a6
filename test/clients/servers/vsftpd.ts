/**
 * vsftpd from its Debian package, for comparison. It knows the machine's users only, so it runs in a mount
 * namespace whose user list has one more; root is needed.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePortRange } from '#test/support/port-range.ts';
import { runCommand } from '../command.ts';
import { makeCertificate } from './certificate.ts';
import { startDaemon } from './daemon.ts';
import { unpackPackages } from './debian-packages.ts';
import { directoryStore, nobody } from './directory-store.ts';
import type { Server, ServerKind, ServerOptions } from './server.ts';

const user = 'alice';
const password = 'correct horse';

export const vsftpd: ServerKind = {
  prepare: (programs) => unpackPackages(['vsftpd'], programs),
  start: startVsftpd,
};

async function startVsftpd({ mode, directory, programs }: ServerOptions): Promise<Server> {
  const path = (name: string) => join(directory, name);
  const { first: port, last } = await freePortRange(33);
  const certificate = mode === 'clear' ? undefined : await makeCertificate(directory);
  for (const name of ['files', 'empty']) await mkdir(path(name));
  const store = directoryStore(path('files'));
  await store.makeDirectory('/');
  await writeUsers(path('etc'), path('files'));
  const words = {
    listen: 'YES',
    background: 'NO',
    listen_address: '127.0.0.1',
    listen_port: port,
    pasv_min_port: port + 1,
    pasv_max_port: last,
    anonymous_enable: 'NO',
    local_enable: 'YES',
    write_enable: 'YES',
    nopriv_user: 'nobody',
    chroot_local_user: 'YES',
    allow_writeable_chroot: 'YES',
    secure_chroot_dir: path('empty'),
    seccomp_sandbox: 'NO',
    isolate_network: 'NO',
    ascii_upload_enable: 'YES',
    ascii_download_enable: 'YES',
    utf8_filesystem: 'YES',
    delay_failed_login: 0,
    xferlog_enable: 'NO',
    ...(certificate && {
      ssl_enable: 'YES',
      rsa_cert_file: certificate.certificateFile,
      rsa_private_key_file: certificate.keyFile,
      ssl_ciphers: 'HIGH',
      require_ssl_reuse: 'NO',
      implicit_ssl: mode === 'implicit' ? 'YES' : 'NO',
    }),
  };
  const lines = Object.entries(words).map(([word, value]) => `${word}=${value}\n`);
  await writeFile(path('vsftpd.conf'), lines.join(''), { mode: 0o600 });
  const program = join(programs, 'usr/sbin/vsftpd');
  const script = `cd "$1" && for file in passwd shadow pam.d; do mount --bind $file /etc/$file; done
    exec "$2" "$3"`;
  const daemon = await startDaemon(
    'unshare',
    ['--mount', 'sh', '-ec', script, 'sh', path('etc'), program, path('vsftpd.conf')],
    { port },
  );
  const { caFile } = certificate ?? {};
  return {
    login: { host: '127.0.0.1', port, user, password, mode, ...(caFile && { caFile }) },
    store,
    cutUploads: 'truncated',
    lacks: { listFacts: 'vsftpd knows no MLSD' },
    newLog: () => daemon.newOutput(),
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

/** What covers the files of the same names in /etc. */
async function writeUsers(etc: string, home: string): Promise<void> {
  const hash = (await runCommand('openssl', ['passwd', '-6', password])).stdout.trim();
  const users = await readFile('/etc/passwd', 'utf8');
  await mkdir(join(etc, 'pam.d'), { recursive: true });
  await writeFile(join(etc, 'passwd'), `${users}${user}:x:${nobody}:${nobody}::${home}:/bin/sh\n`);
  await writeFile(join(etc, 'shadow'), `${user}:${hash}:20000:0:99999:7:::\n`, { mode: 0o600 });
  const rules = ['auth', 'account'].map((kind) => `${kind} required pam_unix.so\n`);
  await writeFile(join(etc, 'pam.d/vsftpd'), rules.join(''));
}
