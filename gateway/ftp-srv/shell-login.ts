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
  try {
    await session.connection.login(user, password);
    return { kind: 'accepted', account: session.account };
  } catch (error) {
    if (error instanceof LoginRefused) return error.outcome;
    throw error;
  }
}

/** Back to the state after the greeting. */
export function logOut(session: Session): void {
  session.connection.authenticated = false;
  session.services.limits.logOut(session);
  session.reset();
}

/** The event's answer: ftp-srv marks the connection authenticated unless this rejects. */
export async function answerShellLogin(
  connection: ShellConnection,
  user: string,
  password: string,
): Promise<void> {
  const session = Session.of(connection);
  if (!session) throw new LoginRefused({ kind: 'refused' });
  const outcome = await session.services.authenticate(user, password, session.peerAddress);
  if (outcome.kind !== 'accepted') throw new LoginRefused(outcome);
  const { account } = outcome;
  const hasPlace = session.services.limits.logIn(session, account.user, account.sessionsMax);
  if (!hasPlace) throw new LoginRefused({ kind: 'limited' });
  session.logIn(account);
}

/** Carries the outcome through the event, which knows only success and failure. */
class LoginRefused extends Error {
  override readonly name = 'LoginRefused';
  readonly outcome: LoginOutcome;

  constructor(outcome: LoginOutcome) {
    super(outcome.kind);
    this.outcome = outcome;
  }
}
