/** The one place where a denied act is answered and logged. */
import type { Permission } from '#gateway/config/model.ts';
import type { Session } from '../session.ts';

const actions = {
  list: 'list',
  read: 'read',
  write: 'write',
  overwrite: 'replace existing files',
  delete: 'delete',
} as const satisfies Record<Permission, string>;

/** False when the account lacks the permission; then 550 was sent and the act logged. */
export async function isAllowed(
  session: Session,
  permission: Permission,
  verb: string,
  path: string,
): Promise<boolean> {
  if (session.account.permissions.has(permission)) return true;
  session.log.warn({ user: session.account.user, verb, path, permission }, 'denied');
  await session.reply(550, `Permission denied: this account may not ${actions[permission]}`);
  return false;
}
