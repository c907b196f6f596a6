/**
 * Checksums of stored files, as far as COS keeps them: HASH (draft-bryan-ftpext-hash-02) and the older
 * commands of other servers. Nothing here may read a file.
 */
import {
  formatHashFeature,
  type HashName,
  hashNames,
  parseHashedRange,
  storedHash,
  storedHashNames,
} from '#gateway/ftp/hashes.ts';
import { quotePath } from '#gateway/ftp/replies.ts';
import type { ObjectInfo } from '#gateway/storage/object-store.ts';
import type { Session } from '../session.ts';
import type { CommandEntry } from './entry.ts';
import { findFile, headFile } from './file.ts';
import { resolvePath } from './path.ts';
import { isAllowed } from './permission.ts';

const hashDraft = 'draft-bryan-ftpext-hash-02';

export const checksumCommands: readonly CommandEntry[] = [
  {
    verbs: ['HASH'],
    syntax: '<path>',
    description: 'Checksum of a file as COS keeps it; OPTS HASH chooses which',
    source: `${hashDraft} section 3`,
    argument: 'required',
    login: 'required',
    feature: ({ hashName }) => formatHashFeature(hashName),
    transferParameters: 'forgotten',
    run: tellHash,
  },
  {
    verbs: ['XMD5'],
    syntax: '<path>',
    description: 'MD5 of a file, where COS keeps it',
    source: `${hashDraft} appendix B`,
    argument: 'required',
    login: 'required',
    transferParameters: 'forgotten',
    run: (session, argument) =>
      tellMd5(session, 'XMD5', argument, (md5) => session.reply(250, md5)),
  },
  {
    verbs: ['MD5'],
    syntax: '<path>',
    description: 'MD5 of a file, where COS keeps it',
    source: 'draft-twine-ftpmd5-00',
    argument: 'required',
    login: 'required',
    transferParameters: 'forgotten',
    run: (session, argument) =>
      tellMd5(session, 'MD5', argument, (md5, path) =>
        session.reply(251, `${quotePath(path)} ${md5}`),
      ),
  },
  {
    verbs: ['XCRC', 'XSHA', 'XSHA1', 'XSHA256', 'XSHA512'],
    syntax: '<path>',
    description: `Not stored: HASH tells ${hashNames.join(' and ')}`,
    source: `${hashDraft} appendix B`,
    argument: 'required',
    login: 'required',
    standing: 'refused',
    transferParameters: 'forgotten',
    run: (session) =>
      session.reply(504, `Not stored with files: HASH tells ${hashNames.join(' and ')}`),
  },
];

/** The path comes back as it was sent, and the range as first and last byte. */
async function tellHash(session: Session, argument: string): Promise<void> {
  const { hashName, restartBytes: startBytes, rangeEndBytes } = session;
  const path = resolvePath(session, argument);
  if (!(await isAllowed(session, 'read', 'HASH', path))) return;
  const info = await headFile(session, path);
  const lastByte = Math.max(0, info.sizeBytes - 1);
  const isWhole = startBytes === 0 && (rangeEndBytes ?? Infinity) > lastByte;
  const hash = isWhole ? storedHash(info, hashName) : undefined;
  if (hash === undefined) return refuse(session, path, info, isWhole ? hashName : 'part');
  return session.reply(213, `${hashName} 0-${lastByte} ${hash} ${argument}`);
}

/** The argument is a name as in any other command; only when there is no such file is it more. */
async function tellMd5(
  session: Session,
  verb: string,
  argument: string,
  tell: (md5: string, path: string) => Promise<void>,
): Promise<void> {
  let path = resolvePath(session, argument);
  if (!(await isAllowed(session, 'read', verb, path))) return;
  let info = await findFile(session, path);
  let isWhole = true;
  const asked = info ? undefined : parseHashedRange(argument);
  if (asked) {
    path = resolvePath(session, asked.path);
    info = await headFile(session, path);
    isWhole = (asked.startBytes ?? 0) === 0 && (asked.endBytes ?? Infinity) >= info.sizeBytes - 1;
  }
  if (!info) return session.reply(550, `${quotePath(path)}: no such file`);
  if (!isWhole || info.md5 === undefined)
    return refuse(session, path, info, isWhole ? 'MD5' : 'part');
  return tell(info.md5, path);
}

function refuse(
  session: Session,
  path: string,
  info: ObjectInfo,
  lacking: HashName | 'part',
): Promise<void> {
  if (lacking === 'part') return session.reply(504, 'Only whole files have a stored checksum');
  const kept = storedHashNames(info).join(' and ') || 'none';
  return session.reply(504, `${quotePath(path)}: no ${lacking} is stored with it, but ${kept}`);
}
