/**
 * Single files: size, delete. Existence is asked of the key itself (HEAD), never of a list,
 * because COS lists are eventually consistent (COS page 436/7734) and DELETE answers 204 for nothing.
 */
import { FtpError } from '#gateway/ftp/errors.ts';
import { quotePath } from '#gateway/ftp/replies.ts';
import { keepParent } from '#gateway/storage/directory-marker.ts';
import { type ObjectInfo, StoreError } from '#gateway/storage/object-store.ts';
import { deleteSettled } from '#gateway/storage/settled-delete.ts';
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
    verbs: ['DELE'],
    syntax: '<path>',
    description: 'Delete a file',
    source: 'RFC 959 section 4.1.3',
    argument: 'required',
    login: 'required',
    transferParameters: 'forgotten',
    run: deleteFile,
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
  const { jail, store } = session.account;
  await keepParent({ store, jail, log: session.log }, path, info.key);
  await deleteSettled(store, info.key);
  session.log.info({ user: session.account.user, path, bytes: info.sizeBytes }, 'file deleted');
  await session.reply(250, `${quotePath(path)} deleted`);
}
