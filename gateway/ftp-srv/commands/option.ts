/** OPTS: what a client may choose of other commands (RFC 2389 section 4). */
import { formatFactSelection, parseFactSelection } from '#gateway/ftp/facts.ts';
import { utf8 } from '#gateway/ftp/filename-encoding.ts';
import { findHashName, hashNames } from '#gateway/ftp/hashes.ts';
import type { Session } from '../session.ts';
import type { CommandEntry } from './entry.ts';

export const optionCommands: readonly CommandEntry[] = [
  {
    verbs: ['OPTS'],
    syntax: '<command> [<options>]',
    description: 'Set an option of a command',
    source: 'RFC 2389 section 4',
    argument: 'required',
    login: 'not-required',
    feature: 'UTF8',
    transferParameters: 'kept',
    details: () => ['UTF8 ON|OFF', 'MLST <fact>;<fact>;…', `HASH ${hashNames.join('|')}`],
    run: async (session, argument) => {
      const [name = '', ...rest] = argument.split(' ');
      const choose = options.get(name.toUpperCase());
      if (!choose) return session.reply(501, 'That command has no options');
      await choose(session, rest.join(' ').trim());
    },
  },
];

const options: ReadonlyMap<string, (session: Session, value: string) => Promise<void>> = new Map([
  ['UTF8', chooseUtf8],
  ['UTF-8', chooseUtf8],
  ['MLST', chooseFacts],
  ['HASH', chooseHash],
]);

/**
 * UTF-8 until OFF, whatever the account says: clients ask for it that will speak UTF-8 (draft-ietf-ftpext-
 * utf-8-option). OFF is the account's encoding; where that is UTF-8 there is nothing else to go to.
 */
function chooseUtf8(session: Session, value: string): Promise<void> {
  const isOff = value.toUpperCase() === 'OFF';
  session.chooseNameEncoding(isOff ? 'as-account' : 'utf-8');
  const { codec } = session.control;
  if (isOff && codec === utf8) return session.reply(504, 'Names of this account are utf-8');
  return session.reply(200, `Names are ${codec.name}`);
}

function chooseFacts(session: Session, value: string): Promise<void> {
  session.factSelection = parseFactSelection(value);
  return session.reply(200, `MLST OPTS ${formatFactSelection(session.factSelection)}`.trim());
}

/** Without a value: which one is chosen (draft-bryan-ftpext-hash-02 section 3.2). */
function chooseHash(session: Session, value: string): Promise<void> {
  const chosen = value === '' ? session.hashName : findHashName(value);
  if (!chosen) return session.reply(501, `Only ${hashNames.join(' and ')} are stored with files`);
  session.hashName = chosen;
  return session.reply(200, chosen);
}
