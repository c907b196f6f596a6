/** RNFR and RNTO: files in one step, directories object by object. COS has no rename. */
import { quotePath, replyForError } from '#gateway/ftp/replies.ts';
import { keepParent } from '#gateway/storage/directory-marker.ts';
import type { Jail } from '#gateway/storage/keys.ts';
import { directoryExists } from '#gateway/storage/listing.ts';
import type { ObjectInfo } from '#gateway/storage/object-store.ts';
import { RenameMark } from '#gateway/storage/rename-mark.ts';
import { renameFile } from '#gateway/transfer/rename.ts';
import { renameDirectory } from '#gateway/transfer/rename-directory.ts';
import { breakOff, LongReply } from '../long-reply.ts';
import type { Session } from '../session.ts';
import type { CommandEntry } from './entry.ts';
import { findFile } from './file.ts';
import { resolvePath } from './path.ts';
import { isAllowed } from './permission.ts';

export const renameCommands: readonly CommandEntry[] = [
  {
    verbs: ['RNFR'],
    syntax: '<path>',
    description: 'Name the file or directory to rename',
    source: 'RFC 959 section 4.1.3',
    argument: 'required',
    login: 'required',
    transferParameters: 'kept',
    run: renameFrom,
  },
  {
    verbs: ['RNTO'],
    syntax: '<path>',
    description: 'Give what RNFR named its new name',
    source: 'RFC 959 section 4.1.3',
    argument: 'required',
    login: 'required',
    transferParameters: 'forgotten',
    run: renameTo,
  },
];

async function renameFrom(session: Session, argument: string): Promise<void> {
  const path = resolvePath(session, argument);
  if (!(await isAllowed(session, 'write', 'RNFR', path))) return;
  if (path === '/') return session.reply(550, 'The root directory keeps its name');
  if (!(await findFile(session, path)) && !(await isDirectory(session, path))) {
    return session.reply(550, `${quotePath(path)}: no such file or directory`);
  }
  session.renameSource = path;
  return session.reply(350, 'Ready for RNTO');
}

async function renameTo(session: Session, argument: string): Promise<void> {
  const source = session.renameSource;
  session.renameSource = undefined;
  if (source === undefined) return session.reply(503, 'Send RNFR first');
  const target = resolvePath(session, argument);
  if (!(await isAllowed(session, 'write', 'RNTO', target))) return;
  const file = await findFile(session, source);
  if (file) await moveFile(session, { path: source, info: file }, target);
  else await moveDirectory(session, source, target);
}

function isDirectory(session: Session, path: string): Promise<boolean> {
  const { jail, store } = session.account;
  return directoryExists(store, jail.directoryPrefix(path), { jail, signal: session.closed });
}

function renamedReply(session: Session, source: string, target: string): Promise<void> {
  return session.reply(250, `${quotePath(source)} renamed to ${quotePath(target)}`);
}

/**
 * Renaming needs no `delete`: clients upload under a temporary name and rename, and the original tool's
 * `delete_enable = false` never forbade it.
 */
async function moveFile(
  session: Session,
  { path: source, info }: { readonly path: string; readonly info: ObjectInfo },
  target: string,
): Promise<void> {
  const { jail, store, user } = session.account;
  const { clock, transferObserver: observer } = session.services;
  if (await isDirectory(session, target)) {
    return session.reply(553, `${quotePath(target)}: a directory has this name`);
  }
  if (source === target) return renamedReply(session, source, target);
  const isTaken = (await findFile(session, target)) !== undefined;
  if (isTaken && !(await isAllowed(session, 'overwrite', 'RNTO', target))) return;
  const targetKey = jail.objectKey(target);
  await keepParent({ store, jail, log: session.log }, source, info.key);
  const { closed: signal, log } = session;
  const context = { store, clock, observer, log, signal };
  await renameFile({ ...context, sourceKey: info.key, source: info, targetKey });
  session.log.info({ user, path: source, target }, 'file renamed');
  return renamedReply(session, source, target);
}

async function moveDirectory(session: Session, source: string, target: string): Promise<void> {
  if (source === target) return renamedReply(session, source, target);
  if (`${target}/`.startsWith(`${source}/`)) {
    return session.reply(553, `${quotePath(target)} lies inside ${quotePath(source)}`);
  }
  if (await findFile(session, target)) {
    return session.reply(553, `${quotePath(target)}: a file has this name`);
  }
  const { jail, store } = session.account;
  const mark = new RenameMark(store, jail.prefix, source, target);
  const isBegun = await mark.begin((await isDirectory(session, target)) ? 'taken' : 'free');
  if (!isBegun) {
    return session.reply(553, `${quotePath(target)}: the directory exists already`);
  }
  const progress = { files: 0 };
  const text = () => `${progress.files} files renamed so far`;
  const reply = new LongReply(session, { code: 250, text });
  let failure: { readonly error: unknown } | undefined;
  try {
    await moveObjects(session, source, target, progress);
  } catch (error) {
    failure = { error };
  } finally {
    // One of which nothing is there yet has not begun.
    if (!failure || !(await isDirectory(session, target).catch(() => true))) {
      await clearMark(session, mark);
    }
    reply.stop();
  }
  if (!failure) return renamedReply(session, source, target);
  const { error } = failure;
  return tellFailure(session, { source, ...progress, error, hasBegun: reply.hasBegun });
}

/** @param progress counts files as they move. */
async function moveObjects(
  session: Session,
  source: string,
  target: string,
  progress: { files: number },
): Promise<void> {
  const { jail, store, user, permissions } = session.account;
  const { clock, transferObserver: observer } = session.services;
  const beganMs = clock.monotonicMs();
  const sourcePrefix = jail.directoryPrefix(source);
  const targetPrefix = jail.directoryPrefix(target);
  await keepParent({ store, jail, log: session.log }, source, sourcePrefix);
  await renameDirectory({
    store,
    sourcePrefix,
    targetPrefix,
    checkTarget: (key) => checkKey(jail, key),
    // What is there came after the beginning of this rename: it takes minutes, and may be gone on with.
    takenTargets: permissions.has('overwrite') ? 'replaced' : 'refused',
    onMoved: ({ key }) => (progress.files += key.endsWith('/') ? 0 : 1),
    clock,
    observer,
    log: session.log,
    signal: session.closed,
  });
  const seconds = (clock.monotonicMs() - beganMs) / 1000;
  session.log.info({ user, path: source, target, ...progress, seconds }, 'directory renamed');
}

/** The longer target may make a key too long; nothing is copied to one that could not be read again. */
function checkKey(jail: Jail, key: string): void {
  if (key.endsWith('/')) jail.directoryPrefix(jail.virtualPath(key));
  else jail.objectKey(jail.virtualPath(key));
}

interface RenameFailure {
  readonly source: string;
  readonly files: number;
  readonly error: unknown;
  readonly hasBegun: boolean;
}

async function tellFailure(session: Session, failure: RenameFailure): Promise<void> {
  const { source, files, error, hasBegun } = failure;
  session.log.warn({ path: source, files, err: error }, 'directory renamed in part');
  const { code, text } = replyForError(error);
  if (hasBegun) return breakOff(session, { code, text });
  const done = files === 0 ? 'nothing was renamed' : `${files} files were renamed before`;
  return session.reply(code, `${text}: ${done}, send RNFR and RNTO again to go on`);
}

/** Never fails: what was renamed is renamed, whatever becomes of its mark. */
async function clearMark(session: Session, mark: RenameMark): Promise<void> {
  try {
    await mark.clear();
  } catch (error) {
    session.log.warn({ mark: mark.key, err: error }, 'rename mark stays');
  }
}
