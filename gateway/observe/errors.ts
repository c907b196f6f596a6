/** What can go wrong while the admin port is opened; the composition root decides whether to move on. */
import { KindError } from '#gateway/kit/errors.ts';

export type ObserveErrorKind =
  /** Another process listens on the address and port. */
  | 'port-taken'
  /** The address is not one of this machine, or the port needs a privilege. */
  | 'not-bindable';

export class ObserveError extends KindError<ObserveErrorKind> {}
