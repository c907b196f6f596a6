/** RANG: which bytes of a file the next RETR sends (draft-bryan-ftp-range-08). */
import type { Session } from '../session.ts';
import type { CommandEntry } from './entry.ts';

export const rangeCommands: readonly CommandEntry[] = [
  {
    verbs: ['RANG'],
    syntax: '<first byte> <last byte>',
    description: 'Bytes the next RETR sends; RANG 1 0 forgets them',
    source: 'draft-bryan-ftp-range-08 section 3',
    argument: 'required',
    login: 'required',
    feature: 'RANG STREAM',
    transferParameters: 'kept',
    run: chooseRange,
  },
];

/** An impossible range also forgets the one before (section 3). */
async function chooseRange(session: Session, argument: string): Promise<void> {
  session.restartBytes = 0;
  session.rangeEndBytes = undefined;
  const match = /^(\d{1,15}) +(\d{1,15})$/.exec(argument);
  if (!match) return session.reply(501, 'RANG needs the first and the last byte');
  const first = Number(match[1]);
  const last = Number(match[2]);
  if (first === 1 && last === 0) return session.reply(350, 'The whole file');
  if (first > last) return session.reply(501, 'The first byte lies behind the last one');
  session.restartBytes = first;
  session.rangeEndBytes = last + 1;
  return session.reply(350, `Bytes ${first} to ${last}`);
}
