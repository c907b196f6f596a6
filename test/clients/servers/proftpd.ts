/** proftpd from its Debian packages, for comparison. It gives up root for `nobody`, so root is needed. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePortRange } from '#test/support/port-range.ts';
import { runCommand } from '../command.ts';
import { type CertificateFiles, makeCertificate } from './certificate.ts';
import { startDaemon } from './daemon.ts';
import { libraryPath, unpackPackages } from './debian-packages.ts';
import { directoryStore, nobody } from './directory-store.ts';
import type { Server, ServerKind, ServerOptions } from './server.ts';

const password = 'correct horse';

/** With the libraries that a machine may not have. */
const packages = [
  'proftpd-core',
  'proftpd-mod-crypto',
  'libhiredis0.14',
  'libmemcached11',
  'libmemcachedutil2',
  'libhashkit2',
  'libpcre2-posix3',
] as const;

export const proftpd: ServerKind = {
  prepare: (programs) => unpackPackages(packages, programs),
  start: startProftpd,
};

async function startProftpd({ mode, directory, programs }: ServerOptions): Promise<Server> {
  const path = (name: string) => join(directory, name);
  const { first: port, last } = await freePortRange(33);
  const certificate = mode === 'clear' ? undefined : await makeCertificate(directory);
  await mkdir(path('files'));
  const store = directoryStore(path('files'));
  await store.makeDirectory('/');
  const hash = (await runCommand('openssl', ['passwd', '-6', password])).stdout.trim();
  const user = ['alice', hash, nobody, nobody, '', path('files'), '/bin/false'].join(':');
  await writeFile(path('users'), `${user}\n`, { mode: 0o600 });
  await writeFile(
    path('proftpd.conf'),
    `ModulePath ${join(programs, 'usr/lib/proftpd')}
${certificate ? 'LoadModule mod_tls.c' : ''}
ServerType standalone
DefaultAddress 127.0.0.1
Port ${port}
PassivePorts ${port + 1} ${last}
UseIPv6 off
UseReverseDNS off
User nobody
Group nogroup
AuthOrder mod_auth_file.c
AuthUserFile ${path('users')}
RequireValidShell off
DefaultRoot ~
AllowOverwrite on
AllowStoreRestart on
PidFile ${path('pid')}
ScoreboardFile ${path('scoreboard')}
DelayTable none
TransferLog none
WtmpLog off
${certificate ? tlsLines(certificate, mode === 'implicit' ? 'UseImplicitSSL' : '') : ''}
`,
  );
  const program = join(programs, 'usr/sbin/proftpd');
  const env = { LD_LIBRARY_PATH: libraryPath(programs) };
  const daemon = await startDaemon(program, ['-n', '-c', path('proftpd.conf')], { port, env });
  const { caFile } = certificate ?? {};
  return {
    login: { host: '127.0.0.1', port, user: 'alice', password, mode, ...(caFile && { caFile }) },
    store,
    cutUploads: 'truncated',
    newLog: () => daemon.newOutput(),
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

/** Sessions need not be reused, and 1.2 is the ceiling, as with the gateway. */
function tlsLines({ certificateFile, keyFile }: CertificateFiles, implicit: string): string {
  return `TLSEngine on
TLSRequired on
TLSProtocol TLSv1.2
TLSECCertificateFile ${certificateFile}
TLSECCertificateKeyFile ${keyFile}
TLSOptions NoSessionReuseRequired ${implicit}`;
}
