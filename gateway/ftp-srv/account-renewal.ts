/**
 * A session and its account when accounts change while it is logged in. Asked only between commands, so
 * that a transfer ends with the rights and the store it began with, and nobody is sent away in the middle
 * of one.
 */
import type { AccountEnd } from './services.ts';
import type { Session } from './session.ts';
import { logOut } from './shell-login.ts';

const sentences = {
  removed: 'This account was removed, closing control connection',
  moved: 'This account has moved, log in again',
} as const satisfies Record<AccountEnd, string>;

/**
 * Gives the session its account as it is now. When there is none any more it is told goodbye instead, and
 * resolves when it was.
 */
export function renewAccount(session: Session): Promise<void> | undefined {
  if (!session.isLoggedIn || session.closed.aborted) return undefined;
  const held = session.account;
  const account = session.services.currentAccount(held);
  if (typeof account === 'object') {
    if (account !== held) session.renewAccount(account);
    return undefined;
  }
  session.log.info({ user: held.user, reason: account }, 'session ended with its account');
  logOut(session);
  return session.close(421, sentences[account], 'control-lost');
}
