/** Python's ftplib, as scripts use it. */
import { fileURLToPath } from 'node:url';
import { type ClientKind, cannot } from '../client.ts';
import { isProgramInstalled } from '../command.ts';
import { Library, libraryActions } from '../library.ts';

const script = fileURLToPath(new URL('./python-ftplib.py', import.meta.url));

export const ftplib: ClientKind = {
  name: 'ftplib',
  packages: ['python3'],
  isInstalled: () => isProgramInstalled('python3'),
  modes: {
    clear: 'supported',
    explicit: 'supported',
    implicit: cannot('FTP_TLS knows explicit TLS only'),
  },
  create(options) {
    const library = new Library('python3', ['-u', script], options);
    return {
      ...libraryActions(library),
      mirrorUp: cannot('no mirror in the library'),
      mirrorDown: cannot('no mirror in the library'),
      close: () => library.close(),
    };
  },
};
