/** Perl's Net::FTP, as scripts use it. */
import { fileURLToPath } from 'node:url';
import { type ClientKind, cannot } from '../client.ts';
import { isProgramInstalled, runCommand } from '../command.ts';
import { Library, libraryActions } from '../library.ts';

const script = fileURLToPath(new URL('./net-ftp.pl', import.meta.url));

export const netFtp: ClientKind = {
  name: 'Net::FTP',
  packages: ['perl', 'libio-socket-ssl-perl'],
  isInstalled: async () =>
    (await isProgramInstalled('perl')) &&
    runCommand('perl', ['-MNet::FTP', '-MIO::Socket::SSL', '-e', '1']).then(
      () => true,
      () => false,
    ),
  modes: { clear: 'supported', explicit: 'supported', implicit: 'supported' },
  whyNot: (row, mode) =>
    row === 'abort-get' && mode !== 'clear' ? 'its abort sends urgent bytes past TLS' : undefined,
  create(options) {
    const library = new Library('perl', [script], options);
    return {
      ...libraryActions(library),
      listFacts: cannot('no MLSD in the library'),
      mirrorUp: cannot('no mirror in the library'),
      mirrorDown: cannot('no mirror in the library'),
      close: () => library.close(),
    };
  },
};
