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
  whyNot: (row, mode) =>
    row === 'abort-put' && mode !== 'clear'
      ? 'closes its data by close_notify as if the file were whole, and then its session'
      : undefined,
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
