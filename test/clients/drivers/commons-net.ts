/** Apache commons-net, as Java applications use it. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ClientKind, cannot } from '../client.ts';
import { isProgramInstalled } from '../command.ts';
import { Library, libraryActions, parseEntries } from '../library.ts';

const jar = '/usr/share/java/commons-net.jar';
const source = fileURLToPath(new URL('./CommonsNet.java', import.meta.url));

export const commonsNet: ClientKind = {
  name: 'commons-net',
  packages: ['libcommons-net-java', 'default-jdk-headless'],
  isInstalled: async () => existsSync(jar) && (await isProgramInstalled('javac')),
  modes: { clear: 'supported', explicit: 'supported', implicit: 'supported' },
  create(options) {
    // Compiled and run in one go; the second compiler would cost more than it gains.
    const args = ['-XX:TieredStopAtLevel=1', '-Xshare:auto', '-cp', jar, source];
    const library = new Library('java', args, options);
    return {
      ...libraryActions(library),
      // Parsed by the library itself.
      listLong: async (directory) => parseEntries(await library.call('list-long', directory)),
      mirrorUp: cannot('no mirror in the library'),
      mirrorDown: cannot('no mirror in the library'),
      close: () => library.close(),
    };
  },
};
