/** How the next transfer runs: data connection, representation, structure, mode. */
import { formatExtendedPassive, formatPassive } from '#gateway/ftp/passive-address.ts';
import type { PassiveMode } from '#gateway/ftp/passive-ports-options.ts';
import { customerOf } from '#gateway/kit/networks.ts';
import type { Session } from '../session.ts';
import type { CommandEntry } from './entry.ts';

export const dataCommands: readonly CommandEntry[] = [
  {
    verbs: ['PASV'],
    syntax: '',
    description: 'Open a passive data port (IPv4)',
    source: 'RFC 959 section 4.1.2',
    argument: 'none',
    login: 'required',
    feature: 'PASV',
    transferParameters: 'kept',
    run: (session) => openPassive(session),
  },
  {
    verbs: ['EPSV'],
    syntax: '[1|2|ALL]',
    description: 'Open a passive data port on the address of the control connection',
    source: 'RFC 2428 section 3',
    argument: 'optional',
    login: 'required',
    feature: 'EPSV',
    transferParameters: 'kept',
    run: openExtendedPassive,
  },
  {
    verbs: ['TYPE'],
    syntax: 'A|I|L 8',
    description: 'Representation; bytes are stored and sent as they are in all of them',
    source: 'RFC 959 section 3.1.1',
    argument: 'required',
    login: 'required',
    transferParameters: 'kept',
    run: chooseType,
  },
  {
    verbs: ['MODE'],
    syntax: 'S',
    description: 'Transfer mode: stream only',
    source: 'RFC 959 section 3.4',
    argument: 'required',
    login: 'required',
    transferParameters: 'kept',
    run: (session, argument) =>
      argument.toUpperCase() === 'S'
        ? session.reply(200, 'Stream mode')
        : session.reply(504, 'Only MODE S is supported'),
  },
  {
    verbs: ['STRU'],
    syntax: 'F',
    description: 'File structure: file only',
    source: 'RFC 959 section 3.1.2',
    argument: 'required',
    login: 'required',
    transferParameters: 'kept',
    run: (session, argument) =>
      argument.toUpperCase() === 'F'
        ? session.reply(200, 'File structure')
        : session.reply(504, 'Only STRU F is supported'),
  },
];

async function openPassive(session: Session): Promise<void> {
  if (session.isExtendedPassiveOnly) return session.reply(501, 'EPSV ALL was sent: use EPSV');
  const { services, peerAddress, localAddress } = session;
  const address = services.passiveAddress(peerAddress, localAddress);
  if (address === undefined) {
    services.observer.dataConnection('pasv', 'no-address');
    return session.reply(425, 'No IPv4 address is known for passive mode: use EPSV');
  }
  const port = await reservePort(session, 'pasv');
  return session.reply(227, formatPassive(address, port));
}

/** Network protocols of RFC 2428 section 2: 1 is IPv4, 2 is IPv6. The port serves either. */
async function openExtendedPassive(session: Session, argument: string): Promise<void> {
  const choice = argument.toUpperCase();
  if (choice === 'ALL') {
    session.isExtendedPassiveOnly = true;
    return session.reply(200, 'EPSV only from now on');
  }
  const own = session.localAddress.includes(':') ? '2' : '1';
  if (choice !== '' && choice !== own) {
    return session.reply(522, `Network protocol not supported, use (${own})`);
  }
  const port = await reservePort(session, 'epsv');
  return session.reply(229, formatExtendedPassive(port));
}

async function reservePort(session: Session, mode: PassiveMode): Promise<number> {
  session.releaseDataSource();
  const { passivePorts, dataPeer } = session.services;
  const reservation = await passivePorts.reserve({
    peer: session.peerAddress,
    hasHeader: session.arrival.hasHeader,
    policy: dataPeer,
    holder: `${session.account.user} ${customerOf(session.peerAddress)}`,
    mode,
    signal: session.closed,
  });
  session.holdDataSource(reservation);
  return reservation.port;
}

async function chooseType(session: Session, argument: string): Promise<void> {
  const [type = '', form = ''] = argument.toUpperCase().split(/ +/);
  if (type === 'A' && (form === '' || form === 'N')) {
    return session.reply(200, 'Type ASCII: bytes are sent unchanged');
  }
  if ((type === 'I' && form === '') || (type === 'L' && form === '8')) {
    return session.reply(200, 'Type binary');
  }
  return session.reply(504, 'Only TYPE A, I and L 8 are supported');
}
