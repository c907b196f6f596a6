/**
 * Directories as COS has them: a prefix, with or without a zero-byte marker object whose key ends in `/`
 * (COS page 436/13324). Nothing here may list more than it needs to answer.
 */
import { quotePath } from '#gateway/ftp/replies.ts';
import { keepParent, makeMarker } from '#gateway/storage/directory-marker.ts';
import { directoryExists } from '#gateway/storage/listing.ts';
import { deleteSettled } from '#gateway/storage/settled-delete.ts';
import type { Session } from '../session.ts';
import type { CommandEntry } from './entry.ts';
import { resolvePath } from './path.ts';
import { isAllowed } from './permission.ts';

export const directoryCommands: readonly CommandEntry[] = [
  {
    verbs: ['PWD', 'XPWD'],
    syntax: '',
    description: 'Print the working directory',
    source: 'RFC 959 section 4.1.3, appendix II',
    argument: 'none',
    login: 'required',
    transferParameters: 'kept',
    run: (session) =>
      session.reply(257, `${quotePath(session.workingDirectory)} is the working directory`),
  },
  {
    verbs: ['CWD', 'XCWD'],
    syntax: '<path>',
    description: 'Change the working directory',
    source: 'RFC 959 section 4.1.1',
    argument: 'required',
    login: 'required',
    transferParameters: 'forgotten',
    run: (session, argument) => changeDirectory(session, argument),
  },
  {
    verbs: ['CDUP', 'XCUP'],
    syntax: '',
    description: 'Change to the parent directory',
    source: 'RFC 959 section 4.1.1',
    argument: 'none',
    login: 'required',
    transferParameters: 'forgotten',
    run: (session) => changeDirectory(session, '..'),
  },
  {
    verbs: ['MKD', 'XMKD'],
    syntax: '<path>',
    description: 'Make a directory',
    source: 'RFC 959 section 4.1.3, appendix II',
    argument: 'required',
    login: 'required',
    transferParameters: 'forgotten',
    run: makeDirectory,
  },
  {
    verbs: ['RMD', 'XRMD'],
    syntax: '<path>',
    description: 'Remove an empty directory',
    source: 'RFC 959 section 4.1.3',
    argument: 'required',
    login: 'required',
    transferParameters: 'forgotten',
    run: removeDirectory,
  },
];

async function changeDirectory(session: Session, argument: string): Promise<void> {
  const { jail, store } = session.account;
  const path = resolvePath(session, argument);
  if (
    !(await directoryExists(store, jail.directoryPrefix(path), { jail, signal: session.closed }))
  ) {
    return session.reply(550, `${quotePath(path)}: no such directory`);
  }
  session.workingDirectory = path;
  return session.reply(250, `${quotePath(path)} is the working directory`);
}

async function makeDirectory(session: Session, argument: string): Promise<void> {
  const { jail, store, user } = session.account;
  const path = resolvePath(session, argument);
  if (!(await isAllowed(session, 'write', 'MKD', path))) return;
  const prefix = jail.directoryPrefix(path);
  if (await directoryExists(store, prefix, { jail, signal: session.closed })) {
    return session.reply(550, `${quotePath(path)}: the directory exists already`);
  }
  await makeMarker(store, prefix, { signal: session.closed });
  session.log.info({ user, path }, 'directory made');
  return session.reply(257, `${quotePath(path)} created`);
}

async function removeDirectory(session: Session, argument: string): Promise<void> {
  const { jail, store, user } = session.account;
  const path = resolvePath(session, argument);
  if (!(await isAllowed(session, 'delete', 'RMD', path))) return;
  if (path === '/') return session.reply(550, 'The root directory stays');
  const prefix = jail.directoryPrefix(path);
  const page = await store.list({ prefix, maxKeys: 2, signal: session.closed });
  const [first, second] = page.objects;
  if (!first) return session.reply(550, `${quotePath(path)}: no such directory`);
  if (second || first.key !== prefix) {
    return session.reply(550, `${quotePath(path)}: the directory is not empty`);
  }
  await keepParent({ store, jail, log: session.log }, path, prefix);
  await deleteSettled(store, prefix, { signal: session.closed });
  session.log.info({ user, path }, 'directory removed');
  return session.reply(250, `${quotePath(path)} removed`);
}
