/**
 * STAT: how the session stands, or a listing over the control connection (RFC 959 section 4.1.3). The
 * listing streams page by page and waits for the client to read; a directory of any size is never
 * collected. The status while a transfer runs is answered by urgent.ts.
 */
import { listingTexts } from '#gateway/ftp/blocks.ts';
import { parseListArguments } from '#gateway/ftp/list-arguments.ts';
import { formatReply, formatReplyBegin, quotePath, replyForError } from '#gateway/ftp/replies.ts';
import { type OpenedListing, openListing } from '../directory-pages.ts';
import type { Session } from '../session.ts';
import type { CommandEntry } from './entry.ts';
import { longFormat } from './listing.ts';
import { resolvePath } from './path.ts';
import { isAllowed } from './permission.ts';

export const statusCommands: readonly CommandEntry[] = [
  {
    verbs: ['STAT'],
    syntax: '[<path>]',
    description: 'Status, also while a transfer runs; with a path, LIST over this connection',
    source: 'RFC 959 section 4.1.3',
    argument: 'optional',
    login: 'required',
    transferParameters: 'kept',
    run: (session, argument) =>
      argument === ''
        ? session.reply(211, 'Status', ...statusLines(session), 'End')
        : listOverControl(session, argument),
  },
];

function statusLines({ account, peerAddress, workingDirectory }: Session) {
  return [
    ` Connected from ${peerAddress}`,
    ` Logged in as ${account.user}`,
    ` Working directory ${quotePath(workingDirectory)}`,
    ' Bytes are stored and sent as they are, whatever the TYPE',
    ' No transfer is under way',
  ];
}

async function listOverControl(session: Session, argument: string): Promise<void> {
  const parsed = parseListArguments(argument);
  const path = resolvePath(session, parsed.path);
  if (!(await isAllowed(session, 'list', 'STAT', path))) return;
  const listing = await openListing(session, parsed, session.closed);
  const code = listing.type === 'dir' ? 212 : 213;
  session.services.observer.reply(code);
  try {
    await session.control.write(formatReplyBegin(code, `Status of ${quotePath(path)}`));
    await writeLines(session, listing, parsed.flags);
    await session.control.write(formatReply(code, ['End']));
  } catch (error) {
    await breakOff(session, path, error);
  } finally {
    await listing.close();
  }
}

/** Each piece waits until the kernel took the one before; the control channel bounds that wait. */
async function writeLines(
  session: Session,
  { pages }: OpenedListing,
  flags: ReadonlySet<string>,
): Promise<void> {
  for await (const text of listingTexts(pages, longFormat(session, flags))) {
    if (session.closed.aborted) return;
    await session.control.write(text);
  }
}

/**
 * The reply cannot be taken back nor changed to an error (RFC 959 section 4.2), and its last line would
 * say that the listing is whole. So that line never comes.
 */
async function breakOff(session: Session, path: string, error: unknown): Promise<void> {
  if (session.closed.aborted) return;
  session.log.error({ verb: 'STAT', path, err: error }, 'listing broken off');
  await session.control.write(` Broken off: ${replyForError(error).text}\r\n`);
  session.control.end();
}
