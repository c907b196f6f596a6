/**
 * LIST, NLST, MLSD and MLST. Listings stream page by page from COS to the client; nothing is collected,
 * nothing is cut silently, and what does not exist is 550 before any data connection is used.
 */
import { listingBlocks } from '#gateway/ftp/blocks.ts';
import { FtpError } from '#gateway/ftp/errors.ts';
import { type FactRights, factFormat } from '#gateway/ftp/facts.ts';
import { parseListArguments } from '#gateway/ftp/list-arguments.ts';
import { type LineFormat, listFormat, nameFormat } from '#gateway/ftp/listing-format.ts';
import { quotePath } from '#gateway/ftp/replies.ts';
import { type DirectoryEntry, directoryExists } from '#gateway/storage/listing.ts';
import { type ListedPath, openPath, openPattern } from '../directory-pages.ts';
import type { Session } from '../session.ts';
import { runTransfer } from '../transfer.ts';
import { sendAll } from '../transfer-body.ts';
import type { CommandEntry } from './entry.ts';
import { findFile } from './file.ts';
import { resolvePath } from './path.ts';
import { isAllowed } from './permission.ts';

export const listingCommands: readonly CommandEntry[] = [
  {
    verbs: ['LIST'],
    syntax: '[<path>]',
    description: 'List a directory or a file in the format of ls -l, times in UTC',
    source: 'RFC 959 section 4.1.3',
    argument: 'optional',
    login: 'required',
    transferParameters: 'forgotten',
    run: (session, argument) =>
      listByArguments(session, 'LIST', argument, () =>
        listFormat({ nowMs: session.services.clock.now(), rights: rightsOf(session) }),
      ),
  },
  {
    verbs: ['NLST'],
    syntax: '[<path>]',
    description: 'List names only',
    source: 'RFC 959 section 4.1.3',
    argument: 'optional',
    login: 'required',
    transferParameters: 'forgotten',
    run: (session, argument) => listByArguments(session, 'NLST', argument, nameFormat),
  },
  {
    verbs: ['MLSD'],
    syntax: '[<directory>]',
    description: 'List a directory with exact facts',
    source: 'RFC 3659 section 7',
    argument: 'optional',
    login: 'required',
    transferParameters: 'forgotten',
    run: listFacts,
  },
  {
    verbs: ['MLST'],
    syntax: '[<path>]',
    description: 'Facts of one file or directory',
    source: 'RFC 3659 section 7',
    argument: 'optional',
    login: 'required',
    transferParameters: 'kept',
    run: showFacts,
  },
];

/** @param formatFor given the directory part of the names as the client typed it. */
async function listByArguments(
  session: Session,
  verb: string,
  argument: string,
  formatFor: (typedDirectory: string) => LineFormat,
): Promise<void> {
  const { path: typed, pattern } = parseListArguments(argument);
  const path = resolvePath(session, typed);
  await list(session, verb, path, async (signal) => {
    const listed = pattern
      ? await openPattern(session, path, pattern, signal)
      : await openPath(session, path, signal);
    return { ...listed, format: formatFor(typedDirectory(typed, listed, pattern?.directory)) };
  });
}

/** `NLST a/b` shows `a/b/…` for a directory, `a/b` for a file, `a/…` for a pattern `a/b*`. */
function typedDirectory(typed: string, listed: ListedPath, patternDirectory?: string): string {
  if (listed.type === 'file') return typed.slice(0, typed.lastIndexOf('/') + 1);
  if (patternDirectory !== undefined) return patternDirectory;
  return typed === '' || typed.endsWith('/') ? typed : `${typed}/`;
}

async function listFacts(session: Session, argument: string): Promise<void> {
  const path = resolvePath(session, argument);
  await list(session, 'MLSD', path, async (signal) => {
    const listed = await openPath(session, path, signal);
    if (listed.type === 'file') throw new FtpError('not-a-directory', 'MLSD of a file');
    return { ...listed, format: factFormat(session.factSelection, rightsOf(session)) };
  });
}

interface FormattedListing extends ListedPath {
  readonly format: LineFormat;
}

async function list(
  session: Session,
  verb: string,
  path: string,
  open: (signal: AbortSignal) => Promise<FormattedListing>,
): Promise<void> {
  if (!(await isAllowed(session, 'list', verb, path))) return;
  await runTransfer(session, { direction: 'listing', path }, async (transfer) => {
    const { pages, format } = await open(transfer.cut);
    const blocks = listingBlocks({ pages, format, codec: session.control.codec });
    return {
      opening: `Listing ${quotePath(path)}`,
      run: (connection) => sendAll(session, transfer, connection, blocks),
      abandon: async () => void (await blocks.return()),
    };
  });
}

async function showFacts(session: Session, argument: string): Promise<void> {
  const path = resolvePath(session, argument);
  if (!(await isAllowed(session, 'list', 'MLST', path))) return;
  const entry = await findEntry(session, path);
  if (!entry) return session.reply(550, `${quotePath(path)}: no such file or directory`);
  const line = factFormat(session.factSelection, rightsOf(session))(entry);
  await session.reply(250, 'Facts', ` ${line}`, 'End');
}

/** The entry under its whole path, as MLST shows it. A file goes before a directory of its name. */
async function findEntry(session: Session, path: string): Promise<DirectoryEntry | undefined> {
  const { jail, store } = session.account;
  const info = path === '/' ? undefined : await findFile(session, path);
  if (info) {
    return { name: path, type: 'file', sizeBytes: info.sizeBytes, modifiedAt: info.modifiedAt };
  }
  const prefix = jail.directoryPrefix(path);
  if (!(await directoryExists(store, prefix, { jail, signal: session.closed }))) return undefined;
  return { name: path, type: 'dir', sizeBytes: 0, modifiedAt: undefined };
}

function rightsOf(session: Session): FactRights {
  return { permissions: session.account.permissions };
}
