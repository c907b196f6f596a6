/** What the server says of itself. */
import { formatFactFeature, formatFactSelection, parseFactSelection } from '#gateway/ftp/facts.ts';
import { utf8 } from '#gateway/ftp/filename-encoding.ts';
import type { Session } from '../session.ts';
import type { CommandEntry } from './entry.ts';

/** @param table the whole command table, this family included; asked when the command runs. */
export function serverCommands(table: () => readonly CommandEntry[]): readonly CommandEntry[] {
  return [
    {
      verbs: ['FEAT'],
      syntax: '',
      description: 'List the extensions',
      source: 'RFC 2389 section 3',
      argument: 'none',
      login: 'not-required',
      transferParameters: 'kept',
      run: (session) =>
        session.reply(211, 'Extensions supported', ...features(session, table()), 'End'),
    },
    {
      verbs: ['OPTS'],
      syntax: '<command> [<options>]',
      description: 'Set an option of a command',
      source: 'RFC 2389 section 4',
      argument: 'required',
      login: 'not-required',
      transferParameters: 'kept',
      run: setOption,
    },
    {
      verbs: ['SYST'],
      syntax: '',
      description: 'System type',
      source: 'RFC 959 section 4.1.3',
      argument: 'none',
      login: 'not-required',
      transferParameters: 'kept',
      run: (session) => session.reply(215, 'UNIX Type: L8'),
    },
    {
      verbs: ['NOOP'],
      syntax: '',
      description: 'Do nothing',
      source: 'RFC 959 section 4.1.3',
      argument: 'optional',
      login: 'not-required',
      transferParameters: 'kept',
      run: (session) => session.reply(200, 'OK'),
    },
    {
      verbs: ['STAT'],
      syntax: '',
      description: 'Status of the session, also while a transfer runs',
      source: 'RFC 959 section 4.1.3',
      argument: 'optional',
      login: 'required',
      transferParameters: 'kept',
      run: (session, argument) =>
        argument === ''
          ? session.reply(211, 'Status', ...statusLines(session), 'End')
          : session.reply(504, 'STAT of a path is not supported, use MLST or LIST'),
    },
    {
      verbs: ['HELP'],
      syntax: '[<command>]',
      description: 'List the commands, or explain one',
      source: 'RFC 959 section 4.1.3',
      argument: 'optional',
      login: 'not-required',
      transferParameters: 'kept',
      run: (session, argument) => help(session, argument, table()),
    },
  ];
}

function features(session: Session, table: readonly CommandEntry[]): string[] {
  const lines = table.flatMap(({ feature }) => {
    const line = typeof feature === 'function' ? feature(session) : feature;
    return line === undefined ? [] : [line];
  });
  const facts = formatFactFeature(session.factSelection);
  return [...lines, facts, 'UTF8', 'TVFS'].sort().map((line) => ` ${line}`);
}

function statusLines(session: Session): string[] {
  return [
    ` Logged in as ${session.account.user}`,
    ` Working directory ${session.workingDirectory}`,
    ' No transfer is under way',
  ];
}

async function setOption(session: Session, argument: string): Promise<void> {
  const [name = '', ...rest] = argument.split(' ');
  const value = rest.join(' ').trim();
  switch (name.toUpperCase()) {
    case 'UTF8':
    case 'UTF-8':
      return setUtf8(session, value);
    case 'MLST':
      session.factSelection = parseFactSelection(value);
      return session.reply(200, `MLST OPTS ${formatFactSelection(session.factSelection)}`.trim());
    default:
      return session.reply(501, 'That command has no options');
  }
}

/** Clients ask for UTF-8; an account with another encoding keeps it, and says so. */
function setUtf8(session: Session, value: string): Promise<void> {
  const isOff = value.toUpperCase() === 'OFF';
  const isUtf8 = session.control.codec === utf8;
  if (isOff === !isUtf8) return session.reply(200, `Names are ${session.control.codec.name}`);
  return session.reply(504, `Names of this account are ${session.control.codec.name}`);
}

async function help(
  session: Session,
  argument: string,
  table: readonly CommandEntry[],
): Promise<void> {
  if (argument === '') {
    const verbs = table.map((entry) => entry.verbs[0]).sort();
    const rows = chunk(verbs, 8).map((row) => ` ${row.map((verb) => verb.padEnd(6)).join('')}`);
    return session.reply(214, 'Commands, HELP <command> explains one', ...rows, 'End');
  }
  const verb = argument.toUpperCase();
  const entry = table.find((candidate) => candidate.verbs.includes(verb));
  if (!entry) return session.reply(502, 'No such command');
  return session.reply(214, `${verb} ${entry.syntax}`.trim(), ` ${entry.description}`, 'End');
}

function chunk<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, row) =>
    items.slice(row * size, (row + 1) * size),
  );
}
