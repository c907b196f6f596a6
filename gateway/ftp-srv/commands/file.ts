/**
 * Single files: size, time, delete, rename. Existence is asked of the key itself (HEAD), never of a list,
 * because COS lists are eventually consistent (COS page 436/7734) and DELETE answers 204 for nothing.
 */
import { FtpError } from '#gateway/ftp/errors.ts';
import { formatFactTime } from '#gateway/ftp/listing-format.ts';
import { quotePath } from '#gateway/ftp/replies.ts';
import { directoryExists } from '#gateway/storage/listing.ts';
import { type ObjectInfo, StoreError } from '#gateway/storage/object-store.ts';
import { renameFile } from '#gateway/transfer/rename.ts';
import type { Session } from '../session.ts';
import type { CommandEntry } from './entry.ts';
import { resolvePath } from './path.ts';
import { isAllowed } from './permission.ts';

export const fileCommands: readonly CommandEntry[] = [
  {
    verbs: ['SIZE'],
    syntax: '<path>',
    description: 'Size of a file in bytes, as stored',
    source: 'RFC 3659 section 4',
    argument: 'required',
    login: 'required',
    feature: 'SIZE',
    transferParameters: 'kept',
    run: async (session, argument) => {
      const info = await headFile(session, resolvePath(session, argument));
      await session.reply(213, String(info.sizeBytes));
    },
  },
  {
    verbs: ['MDTM'],
    syntax: '<path>',
    description: 'Time of last modification, UTC',
    source: 'RFC 3659 section 3',
    argument: 'required',
    login: 'required',
    feature: 'MDTM',
    transferParameters: 'kept',
    run: async (session, argument) => {
      const info = await headFile(session, resolvePath(session, argument));
      await session.reply(213, formatFactTime(info.modifiedAt));
    },
  },
  {
    verbs: ['DELE'],
    syntax: '<path>',
    description: 'Delete a file',
    source: 'RFC 959 section 4.1.3',
    argument: 'required',
    login: 'required',
    transferParameters: 'forgotten',
    run: deleteFile,
  },
  {
    verbs: ['RNFR'],
    syntax: '<path>',
    description: 'Name the file to rename',
    source: 'RFC 959 section 4.1.3',
    argument: 'required',
    login: 'required',
    transferParameters: 'kept',
    run: renameFrom,
  },
  {
    verbs: ['RNTO'],
    syntax: '<path>',
    description: 'Give the file named by RNFR its new name',
    source: 'RFC 959 section 4.1.3',
    argument: 'required',
    login: 'required',
    transferParameters: 'forgotten',
    run: renameTo,
  },
];

/** The key of a file that should exist. @throws FtpError `not-a-file` for the root; KeyError. */
export function fileKey(session: Session, path: string): string {
  if (path === '/') throw new FtpError('not-a-file', 'the root is a directory');
  return session.account.jail.objectKey(path);
}

/** Facts of a file. @throws StoreError `missing` also for directories; what `fileKey` throws. */
export async function headFile(session: Session, path: string): Promise<ObjectInfo> {
  return session.account.store.head(fileKey(session, path));
}

/** Facts of a file, or undefined when there is none. */
export async function findFile(session: Session, path: string): Promise<ObjectInfo | undefined> {
  try {
    return await headFile(session, path);
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'missing') return undefined;
    throw error;
  }
}

async function deleteFile(session: Session, argument: string): Promise<void> {
  const path = resolvePath(session, argument);
  if (!(await isAllowed(session, 'delete', 'DELE', path))) return;
  const info = await headFile(session, path);
  await session.account.store.delete(info.key);
  session.log.info({ user: session.account.user, path, bytes: info.sizeBytes }, 'file deleted');
  await session.reply(250, `${quotePath(path)} deleted`);
}

async function renameFrom(session: Session, argument: string): Promise<void> {
  const path = resolvePath(session, argument);
  if (!(await isAllowed(session, 'write', 'RNFR', path))) return;
  if (await findFile(session, path)) {
    session.renameSource = path;
    return session.reply(350, 'Ready for RNTO');
  }
  const { jail, store } = session.account;
  if (await directoryExists(store, jail.directoryPrefix(path), { jail })) {
    return session.reply(550, `${quotePath(path)}: renaming directories is not supported`);
  }
  return session.reply(550, `${quotePath(path)}: no such file`);
}

async function renameTo(session: Session, argument: string): Promise<void> {
  const source = session.renameSource;
  session.renameSource = undefined;
  if (source === undefined) return session.reply(503, 'Send RNFR first');
  const target = resolvePath(session, argument);
  if (!(await mayRename(session, source, target))) return;
  if (source !== target) await moveObject(session, source, target);
  await session.reply(250, `${quotePath(source)} renamed to ${quotePath(target)}`);
}

/**
 * Renaming needs no `delete`: clients upload under a temporary name and rename, and the original tool's
 * `delete_enable = false` never forbade it.
 */
async function mayRename(session: Session, source: string, target: string): Promise<boolean> {
  const { jail, store } = session.account;
  if (!(await isAllowed(session, 'write', 'RNTO', target))) return false;
  if (await directoryExists(store, jail.directoryPrefix(target), { jail })) {
    await session.reply(553, `${quotePath(target)}: a directory has this name`);
    return false;
  }
  if (source === target || !(await findFile(session, target))) return true;
  return isAllowed(session, 'overwrite', 'RNTO', target);
}

async function moveObject(session: Session, source: string, target: string): Promise<void> {
  const { jail, store, user } = session.account;
  const { clock, transferObserver: observer } = session.services;
  await renameFile({
    store,
    sourceKey: jail.objectKey(source),
    targetKey: jail.objectKey(target),
    clock,
    observer,
    log: session.log,
    signal: session.closed,
  });
  session.log.info({ user, path: source, target }, 'file renamed');
}
