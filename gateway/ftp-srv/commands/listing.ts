/**
 * LIST, NLST, MLSD and MLST. Listings stream page by page from COS to the client; nothing is collected,
 * nothing is cut silently, and what does not exist is 550 before any data connection is used.
 */
import { listingBlocks } from '#gateway/ftp/blocks.ts';
import { FtpError } from '#gateway/ftp/errors.ts';
import { type FactRights, factFormat } from '#gateway/ftp/facts.ts';
import { type ListArguments, parseListArguments } from '#gateway/ftp/list-arguments.ts';
import {
  type LineFormat,
  listFormat,
  type NameMark,
  nameFormat,
} from '#gateway/ftp/listing-format.ts';
import { quotePath } from '#gateway/ftp/replies.ts';
import { type DirectoryEntry, directoryExists } from '#gateway/storage/listing.ts';
import {
  directoryEntry,
  type OpenedListing,
  type OpenedPath,
  openListing,
  openPath,
} from '../directory-pages.ts';
import { modifiedTime } from '../modified-time.ts';
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
    description: 'List a directory, a file or a pattern in the format of ls -l, times in UTC',
    source: 'RFC 959 section 4.1.3',
    argument: 'optional',
    login: 'required',
    transferParameters: 'forgotten',
    run: (session, argument) =>
      listByArguments(session, 'LIST', argument, (_, flags) => longFormat(session, flags)),
  },
  {
    verbs: ['NLST'],
    syntax: '[-l] [<path>]',
    description: 'List names only; with -l as LIST',
    source: 'RFC 959 section 4.1.3',
    argument: 'optional',
    login: 'required',
    transferParameters: 'forgotten',
    run: (session, argument) =>
      listByArguments(session, 'NLST', argument, ({ typedDirectory }, flags) =>
        flags.has('l') ? longFormat(session, flags) : nameFormat(typedDirectory, markOf(flags)),
      ),
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

/** @param formatFor given what the flags and the typed path ask of it. */
async function listByArguments(
  session: Session,
  verb: string,
  argument: string,
  formatFor: (listing: OpenedListing, flags: ListArguments['flags']) => LineFormat,
): Promise<void> {
  const parsed = parseListArguments(argument);
  await list(session, verb, resolvePath(session, parsed.path), async (signal) => {
    const listing = await openListing(session, parsed, signal);
    return { ...listing, format: formatFor(listing, parsed.flags) };
  });
}

/** The format of LIST, STAT and `NLST -l`. */
export function longFormat(session: Session, flags: ListArguments['flags']): LineFormat {
  const nowMs = session.services.clock.now();
  return listFormat({ nowMs, rights: rightsOf(session), mark: markOf(flags) });
}

function markOf(flags: ListArguments['flags']): NameMark {
  return flags.has('F') ? 'slash' : 'none';
}

async function listFacts(session: Session, argument: string): Promise<void> {
  const path = resolvePath(session, argument);
  await list(session, 'MLSD', path, async (signal) => {
    const opened = await openPath(session, path, signal);
    if (opened.type === 'file') throw new FtpError('not-a-directory', 'MLSD of a file');
    return { ...opened, format: factFormat(session.factSelection, rightsOf(session)) };
  });
}

interface FormattedListing extends OpenedPath {
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
    const listing = await open(transfer.cut);
    const blocks = listingBlocks({ ...listing, codec: session.control.codec });
    return {
      opening: `Listing ${quotePath(path)}`,
      run: (connection) =>
        sendAll(session, transfer, connection, blocks).finally(() => listing.close()),
      abandon: () => listing.close(),
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
    const modifiedAt = modifiedTime(session, info);
    return { name: path, type: 'file', sizeBytes: info.sizeBytes, modifiedAt };
  }
  const prefix = jail.directoryPrefix(path);
  if (!(await directoryExists(store, prefix, { jail, signal: session.closed }))) return undefined;
  return directoryEntry(path);
}

function rightsOf(session: Session): FactRights {
  return { permissions: session.account.permissions };
}
