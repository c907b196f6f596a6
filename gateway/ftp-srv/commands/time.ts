/**
 * MDTM tells when a file was modified; MFMT, MDTM with a time and SITE UTIME store it, with
 * `store_mtime` only: it costs a copy of the object inside COS, and lists cannot show it.
 */
import { formatFactTime } from '#gateway/ftp/facts.ts';
import { replyForError } from '#gateway/ftp/replies.ts';
import { parseTimedPath, type TimedPath } from '#gateway/ftp/time-value.ts';
import { StoreError } from '#gateway/storage/object-store.ts';
import { breakOff, LongReply } from '../long-reply.ts';
import { modifiedTime, storeModifiedTime } from '../modified-time.ts';
import type { Session } from '../session.ts';
import type { CommandEntry } from './entry.ts';
import { headFile } from './file.ts';
import { resolvePath } from './path.ts';
import { isAllowed } from './permission.ts';

const timeSyntax = 'YYYYMMDDHHMMSS <path>';

export const timeCommands: readonly CommandEntry[] = [
  {
    verbs: ['MDTM'],
    syntax: '<path>',
    description: `Time of last modification, UTC; with store_mtime also as ${timeSyntax}, to set it`,
    source: 'RFC 3659 section 3',
    argument: 'required',
    login: 'required',
    feature: 'MDTM',
    transferParameters: 'kept',
    run: tellTime,
  },
  {
    verbs: ['MFMT'],
    syntax: timeSyntax,
    description: 'Set the time of last modification, UTC; with store_mtime only',
    source: 'draft-somers-ftp-mfxx-04 section 3',
    argument: 'required',
    login: 'required',
    feature: (session) => (storesTimes(session) ? 'MFMT' : undefined),
    isAvailable: storesTimes,
    transferParameters: 'kept',
    run: async (session, argument) => {
      const wish = parseTimedPath(argument);
      if (!storesTimes(session)) return refuseTimes(session);
      if (!wish) return session.reply(501, `Syntax: MFMT ${timeSyntax}`);
      return setTime(session, 'MFMT', wish, 213);
    },
  },
];

export function storesTimes({ services }: Session): boolean {
  return services.storeMtime;
}

/** What every attempt to set a time is told without `store_mtime`. */
export function refuseTimes(session: Session): Promise<void> {
  return session.reply(502, 'Times of clients are not stored here');
}

/** A file whose name looks like a time and a path is only found where times are not stored. */
async function tellTime(session: Session, argument: string): Promise<void> {
  const wish = parseTimedPath(argument);
  if (wish && session.services.storeMtime) return setTime(session, 'MDTM', wish, 213);
  try {
    const info = await headFile(session, resolvePath(session, argument));
    await session.reply(213, formatFactTime(modifiedTime(session, info)));
  } catch (error) {
    if (!wish || !(error instanceof StoreError) || error.kind !== 'missing') throw error;
    await refuseTimes(session);
  }
}

/** It replaces the object, so it needs what replacing needs. @param code of success. */
export async function setTime(
  session: Session,
  verb: string,
  { time, path: typed }: TimedPath,
  code: 200 | 213,
): Promise<void> {
  const path = resolvePath(session, typed);
  if (!(await isAllowed(session, 'write', verb, path))) return;
  if (!(await isAllowed(session, 'overwrite', verb, path))) return;
  const info = await headFile(session, path);
  const reply = new LongReply(session, { code, text: () => 'COS copies the file' });
  try {
    await storeModifiedTime(session, info, time);
  } catch (error) {
    if (!reply.hasBegun) throw error;
    return breakOff(session, replyForError(error));
  } finally {
    reply.stop();
  }
  const { user } = session.account;
  session.log.info({ user, path, modified: time.toISOString() }, 'time stored');
  await session.reply(code, `Modify=${formatFactTime(time)}; ${path}`);
}
