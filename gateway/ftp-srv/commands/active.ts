/**
 * Active mode: the client listens and we connect. Off unless configured, because clients behind NAT and
 * firewalls cannot use it and because it lets a client choose where we connect to.
 */
import {
  type ActiveTarget,
  parseExtendedPort,
  parsePort,
  protocolOf,
  targetProblem,
} from '#gateway/ftp/active-address.ts';
import { ActiveConnection } from '#gateway/ftp/active-connection.ts';
import { plainAddress } from '#gateway/kit/networks.ts';
import type { Session } from '../session.ts';
import type { CommandEntry } from './entry.ts';

export const activeCommands: readonly CommandEntry[] = [
  {
    verbs: ['PORT'],
    syntax: '<h1,h2,h3,h4,p1,p2>',
    description: 'Have the server connect to this port of yours (IPv4); off unless configured',
    source: 'RFC 959 section 4.1.2',
    argument: 'required',
    login: 'required',
    isAvailable: isSwitchedOn,
    transferParameters: 'kept',
    run: (session, argument) => activate(session, 'port', () => parsePort(argument)),
  },
  {
    verbs: ['EPRT'],
    syntax: '|<1 or 2>|<address>|<port>|',
    description: 'Have the server connect to this port of yours; off unless configured',
    source: 'RFC 2428 section 2',
    argument: 'required',
    login: 'required',
    feature: (session) => (isSwitchedOn(session) ? 'EPRT' : undefined),
    isAvailable: isSwitchedOn,
    transferParameters: 'kept',
    run: (session, argument) =>
      activate(session, 'eprt', () => parseExtendedPort(argument, protocolOf(session.peerAddress))),
  },
];

function isSwitchedOn({ services }: Session): boolean {
  return services.activeMode === 'enabled';
}

async function activate(
  session: Session,
  mode: 'port' | 'eprt',
  parse: () => ActiveTarget | 'foreign-protocol' | undefined,
): Promise<void> {
  if (!isSwitchedOn(session)) {
    return session.reply(502, 'Active mode is switched off here: use EPSV or PASV');
  }
  if (session.isExtendedPassiveOnly) return session.reply(501, 'EPSV ALL was sent: use EPSV');
  const target = parse();
  if (target === undefined) return session.reply(501, 'That is no address and port');
  if (target === 'foreign-protocol') {
    const own = protocolOf(session.peerAddress);
    return session.reply(522, `Network protocol not supported, use (${own})`);
  }
  const problem = targetProblem(target, session.peerAddress);
  if (problem !== undefined) {
    session.log.warn({ target: target.address, port: target.port }, 'data connection refused');
    return session.reply(504, problem);
  }
  session.holdDataSource(openConnection(session, mode, target.port));
  return session.reply(200, 'The data connection will be opened to you');
}

/** The address of a client behind a balancer is not the socket's, and then none of ours is known there. */
function openConnection(session: Session, mode: 'port' | 'eprt', port: number): ActiveConnection {
  const { services, peerAddress, control } = session;
  const { remoteAddress, localAddress } = control.socket;
  const isDirect = remoteAddress !== undefined && plainAddress(remoteAddress) === peerAddress;
  return new ActiveConnection({
    host: isDirect ? remoteAddress : peerAddress,
    port,
    ...(isDirect && localAddress !== undefined && { localAddress }),
    clock: services.clock,
    onOutcome: (outcome, waitSeconds) =>
      services.observer.dataConnection(mode, outcome, waitSeconds),
  });
}
