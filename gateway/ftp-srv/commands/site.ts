/**
 * SITE: commands of this server's own kind (RFC 959 section 4.1.3). Clients send what they know of other
 * servers; what COS has no place for is accepted without effect, and says so, when refusing it would make
 * clients report errors for transfers that went well.
 */
import { parseUtimeArgument } from '#gateway/ftp/time-value.ts';
import type { Session } from '../session.ts';
import type { CommandEntry } from './entry.ts';
import { refuseTimes, setTime, storesTimes } from './time.ts';

interface SiteCommand {
  readonly word: string;
  readonly syntax: string;
  readonly description: string;
  readonly isAvailable?: (session: Session) => boolean;
  run(session: Session, argument: string): Promise<void>;
}

const siteTable: readonly SiteCommand[] = [
  {
    word: 'HELP',
    syntax: '',
    description: 'this list',
    run: (session) => session.reply(214, 'SITE commands', ...siteHelp(session), 'End'),
  },
  {
    word: 'CHMOD',
    syntax: '<mode> <path>',
    description: 'accepted without effect',
    run: (session, argument) =>
      /^[0-7]{3,4} +\S/.test(argument)
        ? session.reply(200, 'Accepted without effect: files have no mode here')
        : session.reply(501, 'Syntax: SITE CHMOD <mode> <path>'),
  },
  {
    word: 'UTIME',
    syntax: '<path> <atime> <mtime> <ctime> UTC',
    description: 'as MFMT, with store_mtime only',
    isAvailable: storesTimes,
    run: async (session, argument) => {
      const wish = parseUtimeArgument(argument);
      if (!storesTimes(session)) return refuseTimes(session);
      if (wish) return setTime(session, 'SITE UTIME', wish, 200);
      return session.reply(501, 'Syntax: SITE UTIME <path> <atime> <mtime> <ctime> UTC');
    },
  },
];

function siteHelp(session: Session): string[] {
  return siteTable
    .filter(({ isAvailable }) => isAvailable?.(session) !== false)
    .map(({ word, syntax, description }) => ` ${[word, syntax].join(' ').trim()}: ${description}`);
}

export const siteCommands: readonly CommandEntry[] = [
  {
    verbs: ['SITE'],
    syntax: '<command>',
    description: 'Commands of this server',
    source: 'RFC 959 section 4.1.3',
    argument: 'required',
    login: 'required',
    transferParameters: 'kept',
    details: siteHelp,
    run: async (session, argument) => {
      const [word = '', ...rest] = argument.split(' ');
      const command = siteTable.find((row) => row.word === word.toUpperCase());
      if (!command) return session.reply(500, 'Unknown SITE command, SITE HELP lists them');
      await command.run(session, rest.join(' '));
    },
  },
];
