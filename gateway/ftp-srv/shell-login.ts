/**
 * Login by way of ftp-srv's own `login` event, which keeps the `authenticated` flag its dispatch looks at
 * true to our session. It must never let that flag say more than the session knows.
 */
import type { LoginOutcome } from './services.ts';
import { Session } from './session.ts';
import type { ShellConnection } from './shell.ts';

/** Asks the accounts; the session is logged in when the outcome is `accepted`. */
export async function logInThroughShell(
  session: Session,
  user: string,
  password: string,
): Promise<LoginOutcome> {
  session.loginOutcome = { kind: 'refused' };
  try {
    await session.connection.login(user, password);
  } catch (error) {
    if (!(error instanceof LoginRefused)) throw error;
  }
  return session.loginOutcome;
}

/** Back to the state after the greeting. */
export function logOut(session: Session): void {
  session.connection.authenticated = false;
  session.reset();
}

/** The event's answer: ftp-srv marks the connection authenticated unless this rejects. */
export async function answerShellLogin(
  connection: ShellConnection,
  user: string,
  password: string,
): Promise<void> {
  const session = Session.of(connection);
  if (!session) throw new LoginRefused();
  const outcome = await session.services.authenticate(user, password, session.peerAddress);
  session.loginOutcome = outcome;
  if (outcome.kind !== 'accepted') throw new LoginRefused();
  session.logIn(outcome.account);
}

class LoginRefused extends Error {
  override readonly name = 'LoginRefused';
}
