/**
 * All commands, and their way into ftp-srv's registry: argument check, error to reply, and which
 * parameters outlive the command. A verb that stands in no family is answered 502 by the dispatch.
 */
import { replyForError } from '#gateway/ftp/replies.ts';
import { KindError } from '#gateway/kit/errors.ts';
import { Session } from '../session.ts';
import type { ShellEntry } from '../shell.ts';
import { activeCommands } from './active.ts';
import { checksumCommands } from './checksum.ts';
import { dataCommands } from './data.ts';
import { directoryCommands } from './directory.ts';
import type { CommandEntry } from './entry.ts';
import { fileCommands } from './file.ts';
import { listingCommands } from './listing.ts';
import { loginCommands } from './login.ts';
import { optionCommands } from './option.ts';
import { rangeCommands } from './range.ts';
import { refusedCommands } from './refused.ts';
import { renameCommands } from './rename.ts';
import { securityCommands } from './security.ts';
import { serverCommands } from './server.ts';
import { siteCommands } from './site.ts';
import { statusCommands } from './status.ts';
import { timeCommands } from './time.ts';
import { transferCommands } from './transfer.ts';
import { uniqueCommands } from './unique.ts';

export const commandTable: readonly CommandEntry[] = [
  ...loginCommands,
  ...securityCommands,
  ...serverCommands(() => commandTable),
  ...optionCommands,
  ...statusCommands,
  ...siteCommands,
  ...directoryCommands,
  ...fileCommands,
  ...timeCommands,
  ...renameCommands,
  ...dataCommands,
  ...activeCommands,
  ...listingCommands,
  ...transferCommands,
  ...uniqueCommands,
  ...rangeCommands,
  ...checksumCommands,
  ...refusedCommands,
];

/** Every verb the server answers, in capitals: for metrics. */
export const commandVerbs: readonly string[] = commandTable.flatMap((entry) => entry.verbs);

/** The same for every server of the process: which session a command is for, its connection tells. */
export const registryEntries: readonly ShellEntry[] = commandTable.flatMap((entry) =>
  entry.verbs.map((verb) => registryEntry(verb, entry)),
);

function registryEntry(verb: string, entry: CommandEntry): ShellEntry {
  return {
    directive: verb,
    syntax: `{{cmd}} ${entry.syntax}`.trim(),
    description: entry.description,
    flags: { no_auth: entry.login === 'not-required' },
    async handler({ command }) {
      const session = Session.of(this);
      if (session) await runEntry(session, verb, entry, command.arg ?? '');
    },
  };
}

async function runEntry(
  session: Session,
  verb: string,
  entry: CommandEntry,
  argument: string,
): Promise<void> {
  const isMissing = entry.argument === 'required' && argument === '';
  const isSurplus = entry.argument === 'none' && argument.trim() !== '';
  if (isMissing || isSurplus) {
    return session.reply(501, `Syntax: ${verb} ${entry.syntax}`.trim());
  }
  session.beginCommand();
  try {
    await entry.run(session, argument);
  } catch (error) {
    await replyWithError(session, verb, error);
  } finally {
    session.touch();
    if (entry.transferParameters === 'forgotten') session.forgetTransferParameters();
  }
}

async function replyWithError(session: Session, verb: string, error: unknown): Promise<void> {
  if (session.closed.aborted) return;
  const { code, text } = replyForError(error);
  // Missing files and refused names are a client's daily bread; the rest is for the operator.
  const isOrdinary = error instanceof KindError && code >= 550 && code <= 554;
  session.log[isOrdinary ? 'debug' : 'error']({ verb, reply: code, err: error }, 'command failed');
  await session.reply(code, text);
}
