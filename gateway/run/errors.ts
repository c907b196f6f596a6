/** Why a command could not start, for the person who typed it. */
import { KindError } from '#gateway/kit/errors.ts';

export type RunErrorKind =
  /** Another program listens on the address and port. */
  | 'port-taken'
  /** The address is not one of this machine, or the port needs a privilege. */
  | 'not-bindable'
  /** Another process keeps its objects in the demo's directory. */
  | 'data-in-use'
  /** There can be no directory for objects where it was wanted. */
  | 'data-unwritable';

export class RunError extends KindError<RunErrorKind> {}
