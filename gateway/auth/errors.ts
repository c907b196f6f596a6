/** What can go wrong while a password is checked, apart from its being wrong, which is no error. */

import { KindError } from '#gateway/kit/errors.ts';

/** `busy`: too many passwords wait to be checked already; the same login can succeed a moment later. */
export type AuthErrorKind = 'busy';

export class AuthError extends KindError<AuthErrorKind> {}
