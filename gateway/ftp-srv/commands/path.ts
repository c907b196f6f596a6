/** From a command's argument to a path inside the account's jail. */
import type { Session } from '../session.ts';

/** Absolute virtual path, `/`-rooted; never above the jail. */
export function resolvePath(session: Session, argument: string): string {
  return session.account.jail.resolve(session.workingDirectory, argument);
}
