/** What the server says of itself, and what a client may say of itself. */
import { formatFactFeature } from '#gateway/ftp/facts.ts';
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
      verbs: ['HOST'],
      syntax: '<name>',
      description: 'Name the virtual host; there is one, whatever its name',
      source: 'RFC 7151 section 3',
      argument: 'required',
      login: 'not-required',
      feature: 'HOST',
      transferParameters: 'kept',
      run: nameHost,
    },
    {
      verbs: ['CLNT'],
      syntax: '<name>',
      description: 'Name the client program, for the log',
      source: 'convention',
      argument: 'required',
      login: 'not-required',
      feature: 'CLNT',
      transferParameters: 'kept',
      run: async (session, argument) => {
        session.log.debug({ client: argument.slice(0, 256) }, 'client named itself');
        await session.reply(200, 'Noted');
      },
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
  return [...lines, facts, 'TVFS'].sort().map((line) => ` ${line}`);
}

/** A name or an address (RFC 7151 section 3.1); an IPv6 one stands in brackets. */
const hostPattern = /^(?=.{1,255}$)(\[[0-9a-f:.]+\]|[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?)$/i;

/**
 * All names lead to the same accounts, so each is this host's. After USER the name would come too late
 * for whoever has several hosts, and clients must not learn to rely on it here.
 */
async function nameHost(session: Session, argument: string): Promise<void> {
  if (session.claimedUser !== undefined) return session.reply(503, 'HOST comes before USER');
  if (!hostPattern.test(argument)) return session.reply(501, 'Syntax: HOST <name>');
  return session.reply(220, 'Ready, this server has one host');
}

async function help(
  session: Session,
  argument: string,
  table: readonly CommandEntry[],
): Promise<void> {
  const verb = argument.trim().toUpperCase();
  if (verb === '') {
    const offered = table.filter(
      ({ standing, isAvailable }) => standing !== 'refused' && isAvailable?.(session) !== false,
    );
    const verbs = offered.map((entry) => entry.verbs[0]).sort();
    const rows = chunk(verbs, 8).map((row) => ` ${row.map((name) => name.padEnd(6)).join('')}`);
    return session.reply(214, 'Commands, HELP <command> explains one', ...rows, 'End');
  }
  const entry = table.find((candidate) => candidate.verbs.includes(verb));
  if (!entry) return session.reply(502, 'No such command');
  const { syntax, description } = entry;
  const details = entry.details?.(session) ?? [];
  return session.reply(214, `${verb} ${syntax}`.trim(), ` ${description}`, ...details, 'End');
}

function chunk<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, row) =>
    items.slice(row * size, (row + 1) * size),
  );
}
