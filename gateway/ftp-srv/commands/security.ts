/**
 * AUTH, PBSZ, PROT and CCC: the part of RFC 2228 that TLS needs (RFC 4217). Without a certificate all of
 * them are refused, and neither FEAT nor HELP names them.
 */
import { secureControl } from '../security.ts';
import type { Session } from '../session.ts';
import type { CommandEntry } from './entry.ts';

const hasCertificate = ({ services }: Session) => services.tls !== undefined;
const offered = (line: string) => (session: Session) =>
  hasCertificate(session) ? line : undefined;

export const securityCommands: readonly CommandEntry[] = [
  {
    verbs: ['AUTH'],
    syntax: 'TLS',
    description: 'Protect the control connection by TLS',
    source: 'RFC 4217 section 4',
    argument: 'required',
    login: 'not-required',
    feature: offered('AUTH TLS'),
    isAvailable: hasCertificate,
    transferParameters: 'forgotten',
    run: authenticate,
  },
  {
    verbs: ['PBSZ'],
    syntax: '0',
    description: 'Protection buffer size: none with TLS',
    source: 'RFC 4217 section 8',
    argument: 'required',
    login: 'not-required',
    feature: offered('PBSZ'),
    isAvailable: hasCertificate,
    transferParameters: 'kept',
    run: setBufferSize,
  },
  {
    verbs: ['PROT'],
    syntax: 'P|C',
    description: 'Data connections by TLS (P) or in clear (C)',
    source: 'RFC 4217 section 9',
    argument: 'required',
    login: 'not-required',
    feature: offered('PROT'),
    isAvailable: hasCertificate,
    transferParameters: 'kept',
    run: setProtection,
  },
  {
    verbs: ['CCC'],
    syntax: '',
    description: 'Clear command channel: refused',
    source: 'RFC 4217 section 6',
    argument: 'none',
    login: 'not-required',
    isAvailable: hasCertificate,
    transferParameters: 'kept',
    run: (session) =>
      session.security
        ? session.reply(534, 'The control connection stays protected')
        : session.reply(533, 'The control connection is not protected'),
  },
];

/** AUTH SSL is the name of drafts; what is spoken after it is TLS all the same. */
const mechanisms: ReadonlySet<string> = new Set(['TLS', 'TLS-C', 'SSL']);

async function authenticate(session: Session, argument: string): Promise<void> {
  const { tls } = session.services;
  if (!tls) return session.reply(502, 'TLS is not configured');
  if (session.security) return session.reply(503, 'The control connection is protected already');
  if (!mechanisms.has(argument.toUpperCase())) return session.reply(504, 'Only AUTH TLS');
  await secureControl(session, tls.contextForSession());
}

async function setBufferSize(session: Session, argument: string): Promise<void> {
  if (!session.security) return session.reply(503, 'Send AUTH first');
  if (!/^\d{1,10}$/.test(argument)) return session.reply(501, 'PBSZ needs a number');
  session.hasBufferSize = true;
  return session.reply(200, 'PBSZ=0');
}

async function setProtection(session: Session, argument: string): Promise<void> {
  const level = argument.toUpperCase();
  if (!session.security) return session.reply(503, 'Send AUTH first');
  if (!session.hasBufferSize) return session.reply(503, 'Send PBSZ 0 first');
  switch (level) {
    case 'P':
      session.dataProtection = 'private';
      return session.reply(200, 'Data connections are protected');
    case 'C':
      if (session.services.tls?.required) {
        return session.reply(534, 'Data connections have to be protected: PROT P');
      }
      session.dataProtection = 'clear';
      return session.reply(200, 'Data connections are in clear');
    case 'S':
    case 'E':
      return session.reply(536, 'Only PROT P and PROT C go with TLS');
    default:
      return session.reply(504, 'Only PROT P and PROT C are known');
  }
}
