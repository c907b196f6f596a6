/**
 * What can go wrong in the protocol engine itself. Failures of the store, of an upload or of a name are
 * thrown by their own rooms; replies.ts turns all of them into FTP replies.
 */
import { KindError } from '#gateway/kit/errors.ts';

export type FtpErrorKind =
  /** Every passive port that could serve this peer is taken, or none could be bound. */
  | 'no-port'
  /** The client never opened its data connection. */
  | 'no-data-connection'
  /** We could not connect to the address the client named (PORT, EPRT). */
  | 'not-connected'
  /** The reservation was given back, replaced or ran out before it was used. */
  | 'reservation-gone'
  /** The client speaks no TLS, or none that is acceptable here. */
  | 'tls-failed'
  /** The TLS handshake was not done in time, or the client left during it. */
  | 'tls-timeout'
  /** The data connection did not resume the TLS session of its control connection. */
  | 'tls-not-resumed'
  /** A listing of facts was asked of a file. */
  | 'not-a-directory'
  /** Something only files have was asked of a directory. */
  | 'not-a-file'
  /** The passive ports are closed: the process is ending. */
  | 'closed';

export class FtpError extends KindError<FtpErrorKind> {}
