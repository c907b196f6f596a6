/** PHP's ftp functions, as web applications use them. */
import { fileURLToPath } from 'node:url';
import { type ClientKind, cannot } from '../client.ts';
import { isProgramInstalled } from '../command.ts';
import { Library, libraryActions } from '../library.ts';

const script = fileURLToPath(new URL('./php.php', import.meta.url));

export const php: ClientKind = {
  name: 'PHP',
  packages: ['php-cli'],
  isInstalled: () => isProgramInstalled('php'),
  modes: {
    clear: 'supported',
    explicit: 'supported',
    implicit: cannot('ftp_ssl_connect knows explicit TLS only'),
  },
  create(options) {
    const library = new Library('php', [script], options);
    return {
      ...libraryActions(library),
      mirrorUp: cannot('no mirror in the library'),
      mirrorDown: cannot('no mirror in the library'),
      close: () => library.close(),
    };
  },
};
