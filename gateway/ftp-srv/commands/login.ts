/** Who the client is, and goodbye. Never logs a password; never says whether a user exists. */
import type { Session } from '../session.ts';
import { logInThroughShell, logOut } from '../shell-login.ts';
import type { CommandEntry } from './entry.ts';

/** Wrong passwords one control connection may send before it is closed; the throttle counts per address. */
const failedLoginsMax = 3;

export const loginCommands: readonly CommandEntry[] = [
  {
    verbs: ['USER'],
    syntax: '<name>',
    description: 'Name the account',
    source: 'RFC 959 section 4.1.1',
    argument: 'required',
    login: 'not-required',
    transferParameters: 'forgotten',
    run: nameUser,
  },
  {
    verbs: ['PASS'],
    syntax: '<password>',
    description: 'Prove the account',
    source: 'RFC 959 section 4.1.1',
    argument: 'optional',
    login: 'not-required',
    transferParameters: 'forgotten',
    run: (session, argument) => logIn(session, argument),
  },
  {
    verbs: ['REIN'],
    syntax: '',
    description: 'Log out and start over',
    source: 'RFC 959 section 4.1.1',
    argument: 'none',
    login: 'not-required',
    transferParameters: 'forgotten',
    run: async (session) => {
      logOut(session);
      session.forgetConnectionOptions();
      await session.reply(220, 'Ready for a new user');
    },
  },
  {
    verbs: ['QUIT'],
    syntax: '',
    description: 'End the session',
    source: 'RFC 959 section 4.1.1',
    argument: 'none',
    login: 'not-required',
    transferParameters: 'forgotten',
    run: async (session) => {
      await session.reply(221, 'Goodbye');
      session.control.end();
    },
  },
];

async function nameUser(session: Session, user: string): Promise<void> {
  logOut(session);
  if (needsTls(session)) return refuseClear(session);
  session.claimedUser = user;
  return session.reply(331, 'Password please');
}

function needsTls({ services, security }: Session): boolean {
  return services.tls?.required === true && !security;
}

function refuseClear(session: Session): Promise<void> {
  return session.reply(530, 'Passwords are not taken in clear here: send AUTH TLS first');
}

async function logIn(session: Session, password: string): Promise<void> {
  const user = session.claimedUser;
  if (needsTls(session)) return refuseClear(session);
  if (user === undefined) return session.reply(503, 'Send USER first');
  if (session.isLoggedIn) return session.reply(202, 'Already logged in');
  const outcome = await logInThroughShell(session, user, password);
  switch (outcome.kind) {
    case 'accepted':
      session.services.observer.login('success');
      session.log.info({ user }, 'logged in');
      return session.reply(230, 'Logged in');
    case 'refused':
      session.services.observer.login('failure');
      session.log.warn({ user }, 'login refused');
      return refuse(session);
    case 'limited':
      session.services.observer.login('limited');
      session.services.observer.sessionRefused('max_sessions_per_account');
      session.log.warn({ user }, 'login refused: too many sessions of the account');
      session.claimedUser = undefined;
      return session.reply(530, 'This account has all its sessions in use, try again later');
    case 'throttled':
      session.services.observer.login('throttled');
      session.log.warn({ user, retry_after_ms: outcome.retryAfterMs }, 'login throttled');
      return session.close(421, 'Too many failed logins, try again later', 'control-lost');
  }
}

async function refuse(session: Session): Promise<void> {
  session.claimedUser = undefined;
  session.failedLogins += 1;
  if (session.failedLogins >= failedLoginsMax) {
    return session.close(421, 'Too many failed logins', 'control-lost');
  }
  return session.reply(530, 'User name or password is wrong');
}
